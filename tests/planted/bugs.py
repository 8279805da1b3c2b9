"""The bugs: what each one breaks, how it gets in, which test must fail, and with what words."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from audit.compiled import Found
from audit.models import Entry
from tests.planted.bug import Act, Bug
from tests.planted.effect_bugs import EFFECT_BUGS
from tests.planted.page_bugs import PAGE_BUGS
from workflow.engine import commit, fire, hold, settle
from workflow.engine.grounds import Grounds
from workflow.models import Record, State, TransitionEnvelope, guards
from workflow.models.envelope import EnvelopeQuerySet

# --- What the database holds ---------------------------------------------------------------------


def drop_primary_key() -> None:
    table = TransitionEnvelope._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE")
            return
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
        (made,) = cursor.fetchone()
        weak = made.replace(" PRIMARY KEY", "").replace(f'"{table}"', '"weak"', 1)
        assert weak.count("PRIMARY KEY") == 0
        cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql <> ''", [table])
        others = [sql for (sql,) in cursor.fetchall() if sql != made]
        cursor.execute("PRAGMA foreign_keys = OFF")  # they would miss the key that they refer to
        cursor.execute("PRAGMA legacy_alter_table = ON")
        for statement in (weak, f"DROP TABLE {table}", f"ALTER TABLE weak RENAME TO {table}"):
            cursor.execute(statement)
        for statement in others:
            cursor.execute(statement)
        cursor.execute("PRAGMA legacy_alter_table = OFF")


def drop_constraint(model: Any, name: str) -> Act:
    def drop() -> None:
        (constraint,) = (each for each in model._meta.constraints if each.name == name)
        model._meta.constraints.remove(constraint)  # SQLite makes the table anew, as the model is
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, constraint)

    return drop


def forget_guards(part: str) -> Act:
    """Leave guards out altogether; one that is merely dropped is noticed before any test."""

    def forget() -> None:
        wanted = guards._wanted
        guards._wanted = lambda *about: [each for each in wanted(*about) if part not in each.name]

    return forget


# --- What the engine does ------------------------------------------------------------------------


def hold_whatever_runs() -> None:
    def found(*, ids: Any, token: Any) -> Found:
        held = TransitionEnvelope.objects.filter(pk__in=ids, state=State.RUNNING)
        rows = held.select_for_update().values_list(*hold.columns_of())
        return Found(list(rows), None)

    hold.found = found


def ignore_fence() -> None:
    hold_whatever_runs()
    write = fire.Firing.write
    fire.Firing.write = lambda self, token: write(
        self, self.fired[0].envelope.claim if self.fired else token
    )


def claim_what_runs() -> None:
    def waits_or_runs(rows: Any, *, now: Any) -> Any:
        return rows.filter(state__in=[State.WAITING, State.RUNNING])

    EnvelopeQuerySet.ready = EnvelopeQuerySet.still_ready = waits_or_runs


def rescue_the_living() -> None:
    EnvelopeQuerySet.expired = lambda self, *, now: self.filter(state=State.RUNNING)


def enter_after_commit() -> None:
    append = commit._append

    def append_later(*what: Any) -> None:
        transaction.on_commit(lambda: append(*what))

    commit._append = append_later


def believe_what_was() -> None:
    Grounds.are_still_there = lambda self, **_: True


def settle_after_commit() -> None:
    def settle_later(*, ended: Any, now: Any) -> Any:
        notes = [settle._settle(each, now) for each in ended]

        def write() -> None:
            rows = [settle.attempt(each.envelope, each.decision, now) for each in ended]
            settle._CHANGES.write([each.envelope for each in ended])
            settle.ATTEMPTS.insert(rows)

        transaction.on_commit(write)
        return notes

    commit.settle = settle_later


def forgive_deaths() -> None:
    next_try = settle.next_try
    settle.next_try = lambda *, failures, **rest: next_try(failures=1, **rest)


_CONSTRAINTS = "tests/workflow/models/test_constraints.py"
_EARLY = "tests/engine/test_early.py"
_FENCE = "tests/engine/test_fence.py"
_WHOLE = (
    "tests/engine/test_all_or_nothing.py::test_killed_at_any_statement_it_is_whole_or_not_begun"
)
_RACES = "tests/engine/test_races.py"
_GUARDS = "tests/workflow/models/guards"
_NOT_REFUSED = "DID NOT RAISE"

BUGS: dict[str, Bug] = {
    "transition id not unique": Bug(
        what="The primary key of the envelopes is gone.",
        database=drop_primary_key,
        caught_by=f"{_CONSTRAINTS}::test_a_transition_id_is_used_once",
        says=_NOT_REFUSED,
    ),
    "transition id not unique, in a race": Bug(
        what="The same, where submitters do not wait for each other.",
        database=drop_primary_key,
        caught_by=f"{_RACES}::test_one_id_for_many_records_at_once_goes_to_one",
        says="assert Counter",
        vendors=("postgresql",),
    ),
    "slot not unique": Bug(
        what="The index that allows a record one envelope in flight is gone.",
        database=drop_constraint(TransitionEnvelope, "envelope_slot"),
        caught_by=f"{_CONSTRAINTS}::test_a_record_has_one_slot[waiting]",
        says=_NOT_REFUSED,
    ),
    "place in the chain not unique": Bug(
        what="Two writers may extend the same head of a chain.",
        database=drop_constraint(Entry, "audit_entry_place"),
        caught_by=f"{_CONSTRAINTS}::test_a_place_in_a_chain_is_taken_once",
        says=_NOT_REFUSED,
    ),
    "no guard of the status": Bug(
        what="The trigger that asks for a fired envelope is not made.",
        code=forget_guards(f"{Record._meta.db_table}_status"),
        caught_by=f"{_GUARDS}/test_guards_record.py"
        "::test_no_way_of_changing_a_status_without_an_envelope[queryset update]",
        says=_NOT_REFUSED,
    ),
    "trail can be changed": Bug(
        what="The triggers that refuse to update and delete entries are not made.",
        code=forget_guards(Entry._meta.db_table),
        caught_by=f"{_GUARDS}/test_guards_append_only.py"
        "::test_no_way_of_changing_a_row[queryset update-trail]",
        says=_NOT_REFUSED,
    ),
    "claim not checked": Bug(
        what="A commit takes up envelopes that another worker has claimed since.",
        code=hold_whatever_runs,
        caught_by=f"{_FENCE}::test_a_late_worker_cannot_settle_what_another_holds",
        says="assert",
    ),
    "fence not checked": Bug(
        what="The same, and the compare-and-set of the writes does not see it either.",
        code=ignore_fence,
        caught_by=f"{_FENCE}::test_a_late_worker_cannot_settle_what_another_holds",
        says="assert 1 == 0",
    ),
    "lease not checked at claim": Bug(
        what="A worker claims what another one is working on.",
        code=claim_what_runs,
        caught_by=f"{_FENCE}::test_a_live_lease_is_not_taken",
        says="is None",
    ),
    "lease not checked at rescue": Bug(
        what="A worker declares another one dead whose lease runs on.",
        code=rescue_the_living,
        caught_by=f"{_FENCE}::test_a_live_lease_is_not_taken",
        says="assert 1 == 0",
    ),
    "grounds not checked": Bug(
        what="What was decided before the write lock is written, whatever has happened since.",
        code=believe_what_was,
        caught_by=f"{_EARLY}::test_what_has_changed_meanwhile_is_decided_again[field]",
        says="assert",
        vendors=("sqlite",),
    ),
    "entry after the commit": Bug(
        what="The trail is written when the record has moved already.",
        code=enter_after_commit,
        caught_by=f"{_WHOLE}[fired]",
        says="killed at statement",
    ),
    "settled after the commit": Bug(
        what="Envelope and attempt are settled after the entry that says so.",
        code=settle_after_commit,
        caught_by=f"{_WHOLE}[refused]",
        says="killed at statement",
    ),
    "deaths not counted": Bug(
        what="An envelope that kills its workers is tried for ever.",
        code=forgive_deaths,
        caught_by=f"{_FENCE}::test_deaths_count_and_the_envelope_parks",
        says="assert",
    ),
    **EFFECT_BUGS,
    **PAGE_BUGS,
}
