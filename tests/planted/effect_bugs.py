"""Bugs of calls downstream: what would send twice, too early, or out of turn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.planted.bug import Bug
from workflow.effects import compensate, course, door, line, perform, record
from workflow.models import EffectEntry


def believe_the_late() -> None:
    record._still_ours = lambda ended: {each.entry.pk for each in ended}


def ask_too_early() -> None:
    course._settles_after = lambda _: timedelta(0)


def send_what_may_have_happened() -> None:
    course._doubt = lambda entry, declared, _, now: course._retry(entry, declared, None, now)


def forget_the_window() -> None:
    perform.Instant.is_older_than = lambda *_: False  # type: ignore[method-assign]


def overtake() -> None:
    line.first = lambda *, channel, records: set(
        EffectEntry.objects.filter(channel=channel, record__in=records).values_list(
            "pk", flat=True
        )
    )


def undo_forwards() -> None:
    real = compensate._next

    def first(envelope: Any, rows: Any, now: Any) -> Any:
        for row in rows:
            row.position = -row.position
        undo = real(envelope, rows, now)
        for row in rows:
            row.position = -row.position
        if undo is not None:
            undo.position = -undo.position
        return undo

    compensate._next = first


def ignore_the_circuit() -> None:
    door.hear = lambda **_: False


_DOUBT = "tests/effects/test_doubt.py"
_CALLS = "tests/effects/test_calls.py"

EFFECT_BUGS: dict[str, Bug] = {
    "late outcome believed": Bug(
        what="A worker records an outcome under a claim that it has lost.",
        code=believe_the_late,
        caught_by=f"{_CALLS}::test_a_worker_that_comes_late_writes_nothing_but_that_it_did",
        says="never lowers its fence",
    ),
    "look-up before the call has settled": Bug(
        what="A no of the downstream is believed while the call may be on its way.",
        code=ask_too_early,
        caught_by=f"{_DOUBT}::TestLookup::test_it_is_not_asked_before_the_call_has_settled",
        says="assert 'done' == 'checking'",
    ),
    "doubt sent again": Bug(
        what="What may have happened is sent again, whatever the effect declares.",
        code=send_what_may_have_happened,
        caught_by=f"{_DOUBT}::TestDeath::test_it_is_left_to_a_person_where_neither_can_be",
        says="a letter was sent twice",
    ),
    "no look-up": Bug(
        what="The same, seen where the downstream could be asked.",
        code=send_what_may_have_happened,
        caught_by=f"{_DOUBT}::TestLookup::test_what_it_finds_is_adopted",
        says="sent again although it had happened",
    ),
    "send window not checked": Bug(
        what="A worker that woke up after its lease calls all the same.",
        code=forget_the_window,
        caught_by=f"{_CALLS}::TestSendWindow::test_one_that_wakes_too_late_does_not_call",
        says="Unsent",
    ),
    "effects overtake each other": Bug(
        what="A later effect of a record is sent before an earlier one on its channel.",
        code=overtake,
        caught_by="tests/effects/test_delivery.py"
        "::test_effects_of_one_record_on_one_channel_keep_their_order",
        says="the second overtook the first",
    ),
    "undone in the wrong order": Bug(
        what="The first effect is taken back first.",
        code=undo_forwards,
        caught_by="tests/effects/test_undo.py"
        "::test_guards_are_asked_again_after_the_effects_and_all_is_undone_in_reverse",
        says="assert \\['reserve', ",
    ),
    "circuit ignored": Bug(
        what="A downstream that fails is called on and on.",
        code=ignore_the_circuit,
        caught_by="tests/effects/test_channels.py"
        "::test_a_failing_downstream_is_left_alone_and_waiting_burns_no_attempts",
        says="assert",
    ),
}
