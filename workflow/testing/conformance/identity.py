"""One id, one slot, one version: what unique constraints hold, under concurrent inserts."""

from __future__ import annotations

from collections import Counter
from functools import partial

from django.db import IntegrityError, transaction

from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.models import Record, State, TransitionEnvelope, uuid7
from workflow.testing.conformance.check import (
    Check,
    at_once,
    expect,
    fire,
    make_envelope,
    make_record,
    refused,
)

_MANY = 8


def id_is_used_once() -> None:
    """Insert an envelope under an id that there is."""
    first = make_envelope(
        make_record(), state=State.CANCELLED, due_at=None, finished_at=clock.now()
    )
    with refused("a second envelope under one transition id"):
        make_envelope(make_record(), transition_id=first.pk)


def same_request_at_once() -> str:
    """Submit the same request over several connections at the same moment."""
    request = Request(record=make_record().pk, transition="finish", user=None)
    answers = at_once([partial(submit, request=request, now=clock.now())] * _MANY)
    found = Counter(type(answer).__name__ for answer in answers)
    expect(found == {"Accepted": 1, "Repeated": _MANY - 1}, f"the answers were {dict(found)}")
    return f"{_MANY} at once: one accepted, {_MANY - 1} recognised"


def rivals_at_once() -> str:
    """Submit different requests for one record at the same moment."""
    record = make_record().pk
    answers = at_once(
        [
            partial(
                submit,
                request=Request(record=record, transition="finish", user=None),
                now=clock.now(),
            )
            for _ in range(_MANY)
        ]
    )
    found = Counter(type(answer).__name__ for answer in answers)
    expect(found == {"Accepted": 1, "Refused": _MANY - 1}, f"the answers were {dict(found)}")
    return f"{_MANY} at once: one accepted, {_MANY - 1} refused"


def slot_is_one() -> None:
    """Insert a second envelope in flight for one record."""
    record = make_record()
    make_envelope(record)
    with refused("a second envelope in flight"):
        make_envelope(record)
    make_envelope(record, state=State.SCHEDULED)


def version_is_made_once() -> None:
    """Settle a second envelope as the maker of one version."""
    record = make_record()
    fire(make_envelope(record))
    with refused("a second envelope for one version of a record"):
        fire(make_envelope(record))


def refusal_leaves_the_transaction_usable() -> None:
    """Lose an insert in a savepoint, go on, and commit the rest."""
    taken = make_record()
    with transaction.atomic():
        before = make_record()
        try:
            with transaction.atomic():
                make_record(reference=taken.reference)
        except IntegrityError:
            pass
        else:
            expect(holds=False, otherwise="a reference was taken twice")
        after = make_record()
    kept = Record.objects.filter(pk__in=[before.pk, after.pk]).count()
    expect(kept == 2, f"{kept} of 2 rows around a refused insert were kept")  # noqa: PLR2004


def all_or_nothing() -> None:
    """Roll a transaction back, and look for what it wrote."""
    name = uuid7()
    try:
        with transaction.atomic():
            record = make_record(id=name)
            make_envelope(record)
            raise _Undo
    except _Undo:
        pass
    left = TransitionEnvelope.objects.filter(record=name).count()
    left += Record.objects.filter(pk=name).count()
    expect(not left, f"{left} rows of a transaction that was rolled back are there")


class _Undo(Exception):
    """Ends a transaction."""


CHECKS = (
    Check(
        name="one id, once",
        promise="A second envelope under one transition id is refused.",
        invariant="1",
        act=id_is_used_once,
    ),
    Check(
        name="same request at once",
        promise="One request, sent over several connections at once, is taken once.",
        invariant="1",
        act=same_request_at_once,
    ),
    Check(
        name="rivals at once",
        promise="Of several requests for one record at once, one is taken.",
        invariant="3",
        act=rivals_at_once,
    ),
    Check(
        name="one slot",
        promise="A record has one envelope in flight, and any number for later.",
        invariant="3",
        act=slot_is_one,
    ),
    Check(
        name="one maker of a version",
        promise="Two envelopes cannot have made one version of a record.",
        invariant="2",
        act=version_is_made_once,
    ),
    Check(
        name="a refusal is survived",
        promise="After a refused insert in a savepoint, the transaction goes on and commits.",
        invariant="1",
        act=refusal_leaves_the_transaction_usable,
    ),
    Check(
        name="all or nothing",
        promise="What was rolled back is gone.",
        invariant="7",
        act=all_or_nothing,
    ),
)
