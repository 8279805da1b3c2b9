"""What transactions have to see of each other: claims, fences, locks, races for a chain's end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit import chain
from audit.models import Entry
from audit.verify import check_chain
from workflow.doctor import server
from workflow.engine import clock
from workflow.engine.claim import claim, renew
from workflow.engine.limits import limits
from workflow.engine.rescue import rescue
from workflow.models import Record, State, TransitionEnvelope, uuid7
from workflow.testing.conformance.check import (
    Check,
    NotNeeded,
    at_once,
    elsewhere,
    expect,
    make_envelope,
    make_record,
)

_WORKERS = 4
_ENVELOPES = 24
_TRIES = 50
_SESSIONS = ("isolation", "no_snapshot", "guards_asleep", "sqlite_journal", "foreign_keys_off")


def claims_do_not_overlap() -> str:
    """Have several workers claim the same envelopes at once."""
    mine = {make_envelope(make_record()).pk for _ in range(_ENVELOPES)}

    def take(worker: int) -> list[UUID]:
        taken: list[UUID] = []
        while batch := claim(worker=f"conformance/{worker}", now=clock.now(), limit=3):
            taken += batch.envelopes
        return taken

    found: Counter[UUID] = Counter()
    for taken in at_once([partial(take, number) for number in range(_WORKERS)]):
        expect(isinstance(taken, list), f"a claim failed: {taken!r}")
        found.update(taken if isinstance(taken, list) else ())
    twice = [name for name, times in found.items() if times > 1]
    expect(not twice, f"{len(twice)} envelopes were claimed by two workers")
    expect(mine <= set(found), f"{len(mine - set(found))} envelopes were claimed by nobody")
    fences = set(TransitionEnvelope.objects.filter(pk__in=mine).values_list("fence", flat=True))
    expect(fences == {1}, f"the fences are {sorted(fences)}")
    has_skip = connection.features.has_select_for_update_skip_locked
    return f"{_WORKERS} workers; " + ("locked rows are skipped" if has_skip else "they take turns")


def late_worker_is_fenced_off() -> None:
    """Let a lease run out, have another worker claim, and let the first one write."""
    envelope = make_envelope(make_record())
    first = claim(worker="conformance/a", now=clock.now(), limit=1000)
    expect(first is not None, "nothing could be claimed")
    later = clock.now() + 2 * limits().lease
    while rescue(now=later):
        pass
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(due_at=later, crashes=0)
    second = claim(worker="conformance/b", now=later + timedelta(hours=1), limit=1000)
    expect(second is not None and envelope.pk in second.envelopes, "it was not claimed again")
    if first is None or second is None:
        return
    row = TransitionEnvelope.objects.filter(pk=envelope.pk)
    before = row.get()
    renew(claim=first, now=later + timedelta(hours=2))
    written = row.filter(claim=first.token).update(message="too late")
    after = row.get()
    expect(written == 0, "a write under the first worker's token changed the row")
    expect(after.due_at == before.due_at, "the first worker extended the second one's lease")
    expect((after.claim, after.fence) == (second.token, 2), f"the fence is {after.fence}")


def readers_do_not_wait() -> None:
    """Read, over another connection, what this one has changed and not committed."""
    record = make_record()
    rows = Record.objects.filter(pk=record.pk)
    with transaction.atomic():
        rows.update(reference=f"{record.reference} new")
        seen = elsewhere(lambda: rows.get().reference)
    expect(seen == record.reference, "another connection saw what was not committed")
    seen = elsewhere(lambda: rows.get().reference)
    expect(seen == f"{record.reference} new", "another connection did not see what was committed")


def commits_are_seen() -> None:
    """Read twice in one transaction, while another one commits in between."""
    if connection.vendor == "sqlite":
        raise NotNeeded("on SQLite one transaction writes at a time")
    record = make_record()
    rows = Record.objects.filter(pk=record.pk)
    with transaction.atomic():
        rows.get()
        elsewhere(lambda: rows.update(reference=f"{record.reference} new"))
        seen = rows.get().reference
    expect(
        seen == f"{record.reference} new",
        "a transaction does not see what was committed since it began: it is not read committed",
    )


def locks_hold() -> str:
    """Lock a row, and try to lock it over another connection."""
    record = make_record()
    if not connection.features.has_select_for_update_skip_locked:
        raise NotNeeded("rows cannot be skipped here: a claim's conditional UPDATE decides")
    rows = Record.objects.filter(pk=record.pk)

    def lock() -> list[Record]:
        with transaction.atomic():
            return list(rows.select_for_update(skip_locked=True))

    with transaction.atomic():
        list(rows.select_for_update())
        expect(not elsewhere(lock), "a locked row was locked again")
    expect(len(elsewhere(lock)) == 1, "a row stays locked after the commit")
    return "skip locked"


def chain_has_one_end() -> str:
    """Have several writers extend one chain at once, each again until it has."""
    name = uuid7()

    def extend(number: int) -> int:
        for tries in range(1, _TRIES + 1):
            try:
                with transaction.atomic():
                    chain.append(
                        [chain.Note(chain=name, at=clock.now(), action="tried", actor=str(number))]
                    )
            except IntegrityError:
                continue
            return tries
        return 0

    tries = at_once([partial(extend, number) for number in range(_WORKERS)])
    wrong = [each for each in tries if not isinstance(each, int) or not each]
    expect(not wrong, f"a writer could not extend the chain: {wrong}")
    report = check_chain(name)
    expect(report.is_sound, f"the chain is broken: {report.faults}")
    expect(Entry.objects.filter(chain=name).count() == _WORKERS, "entries are missing")
    collisions = sum(each for each in tries if isinstance(each, int)) - _WORKERS
    return f"{_WORKERS} writers, {collisions} collisions"


def sessions_are_as_expected() -> str:
    """Ask the server how it treats this session."""
    found = list(server.look())
    wrong = [each for each in found if each.code in _SESSIONS]
    expect(not wrong, " ".join(f"{each.what} {each.repair}" for each in wrong))
    return " ".join(each.what for each in found)


def counts_tell_the_winner() -> None:
    """Have several connections change one row on a condition that one of them makes false."""
    envelope = make_envelope(make_record(), state=State.SCHEDULED)
    waiting = TransitionEnvelope.objects.filter(pk=envelope.pk, state=State.SCHEDULED)
    cancel = partial(waiting.update, state=State.CANCELLED, finished_at=clock.now())
    changed = at_once([cancel] * _WORKERS)
    won = changed.count(1)
    expect(
        won == 1 and changed.count(0) == _WORKERS - 1,
        f"a conditional UPDATE told its callers {changed}",
    )


CHECKS = (
    Check(
        name="sessions",
        promise="Transactions are read committed, over snapshots, and triggers fire.",
        invariant="2, 7",
        act=sessions_are_as_expected,
    ),
    Check(
        name="claims at once",
        promise="No envelope is claimed by two workers, and none by nobody.",
        invariant="4",
        act=claims_do_not_overlap,
    ),
    Check(
        name="fence",
        promise="A worker whose lease ran out changes nothing any more.",
        invariant="4",
        act=late_worker_is_fenced_off,
    ),
    Check(
        name="counts tell the winner",
        promise="Of several conditional UPDATEs of one row, one is told that it changed it.",
        invariant="4",
        act=counts_tell_the_winner,
    ),
    Check(
        name="readers do not wait",
        promise="What is not committed is neither seen nor waited for.",
        invariant="7",
        act=readers_do_not_wait,
    ),
    Check(
        name="commits are seen",
        promise="A transaction sees what was committed after it began.",
        invariant="4",
        act=commits_are_seen,
    ),
    Check(
        name="locks",
        promise="A locked row is skipped by others until the commit.",
        invariant="4",
        act=locks_hold,
    ),
    Check(
        name="one end of a chain",
        promise="Writers that extend one chain at once leave it unbroken.",
        invariant="6",
        act=chain_has_one_end,
    ),
)
