"""B5, B6: a change of meaning changes the fingerprint; what means nothing does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.definition.sample import (
    CARRIER,
    COLLECT,
    LABEL,
    LOSE,
    PARCEL,
    SEND,
    TELL,
    OtherSlip,
    Status,
    call,
    find,
    is_stamped,
    is_weighed,
    labelling,
    losing,
    other_slip,
    parcel,
    recall,
    seal,
    sending,
)
from workflow.definition import Ask, Reason, Resend, Undo, Workflow
from workflow.definition.fingerprint import describe, fingerprint

MEANING: dict[str, Workflow[Any, Any]] = {
    "name": parcel(name="packet"),
    "version": parcel(version=2),
    "initial": parcel(initial=Status.SENT),
    "final": parcel(final=frozenset({Status.LOST, Status.SENT})),
    "a transition less": parcel(transitions=(SEND,)),
    "a transition more": parcel(transitions=(SEND, LOSE, replace(LOSE, name="drop"))),
    "a transition's name": sending(name="dispatch"),
    "sources": losing(sources=(Status.SENT, Status.PACKED)),
    "target": losing(target=Status.SENT),
    "permission": sending(permission="parcels.lose_parcel"),
    "no permission": sending(permission=""),
    "a guard less": sending(guards=(is_weighed,)),
    "another guard": sending(guards=(is_weighed, seal)),
    "another form": sending(form=OtherSlip),
    "no form": sending(form=None),
    "reason": sending(reason=Reason.REQUIRED),
    "another apply": sending(apply=is_stamped),
    "no apply": sending(apply=None),
    "automatic": losing(automatic_after=timedelta(days=31)),
    "not automatic": losing(automatic_after=None),
    "an effect less": sending(after=()),
    "effects in another order": sending(before=(COLLECT, LABEL)),
    "an effect later": sending(before=(LABEL,), after=(COLLECT, TELL)),
    "an effect's name": labelling(name="print"),
    "an effect's channel": labelling(channel=CARRIER),
    "an effect's call": labelling(send=recall),
    "an effect's request": labelling(request=other_slip),
    "an effect's recovery": labelling(recovery=Ask()),
    "an effect's undo": labelling(undo=Undo(send=call, recovery=Resend())),
    "an undo's recovery": labelling(undo=Undo(send=recall, recovery=Ask())),
    "an effect's undo gone": labelling(undo=None),
}

NO_MEANING: dict[str, Workflow[Any, Any]] = {
    "label": sending(label="Dispatch"),
    "order of transitions": parcel(transitions=(LOSE, SEND)),
    "subject": parcel(subject=object),
}


@pytest.mark.parametrize("changed", MEANING.values(), ids=MEANING)
def test_a_change_of_meaning_shows(changed: Workflow[Any, Any]) -> None:
    assert fingerprint(changed) != fingerprint(PARCEL)


def test_no_two_changes_look_the_same() -> None:
    prints = [fingerprint(changed) for changed in MEANING.values()]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("changed", NO_MEANING.values(), ids=NO_MEANING)
def test_what_means_nothing_does_not_show(changed: Workflow[Any, Any]) -> None:
    assert fingerprint(changed) == fingerprint(PARCEL)


def test_the_order_of_sources_means_nothing() -> None:
    there = losing(sources=(Status.SENT, Status.PACKED))
    back = losing(sources=(Status.PACKED, Status.SENT))
    assert fingerprint(there) == fingerprint(back)


PRINT = """
from tests.definition.sample import Status, parcel
from workflow.definition.fingerprint import fingerprint
print(fingerprint(parcel(final=frozenset(Status))))
"""


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_every_process_finds_the_same(seed: str) -> None:
    """Sets of statuses have another order in each."""
    told = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == fingerprint(parcel(final=frozenset(Status)))


def test_it_is_a_digest_of_a_description_that_can_be_stored_and_compared() -> None:
    described = describe(PARCEL)
    assert described["statuses"] == ["lost", "packed", "sent"]
    send = described["transitions"]["send"]
    assert send["guards"] == [
        f"{is_weighed.__module__}.{name}" for name in ("is_weighed", "is_stamped")
    ]
    assert send["before"][1]["recovery"] == f"Lookup {find.__module__}.find 300"
    assert described["transitions"]["lose"]["automatic_after"] == 2_592_000.0
    assert len(fingerprint(PARCEL)) == 64


class Weighs:
    """A guard that is an object, as `functools.partial` makes them too."""

    def __call__(self, _: Any) -> None: ...


def at_most(most: int) -> Callable[[Any], None]:
    def guard(_: Any) -> None:
        assert most

    return guard


def test_a_guard_that_is_an_object_has_the_same_name_everywhere() -> None:
    one, other = sending(guards=(Weighs(),)), sending(guards=(Weighs(),))
    assert fingerprint(one) == fingerprint(other)


def test_guards_made_by_one_function_are_told_apart() -> None:
    one, other = sending(guards=(at_most(5),)), sending(guards=(at_most(50),))
    assert fingerprint(one) != fingerprint(other)


def test_a_guard_with_arguments_is_told_by_them() -> None:
    def guard(_: Any, *, most: Decimal) -> None:
        assert most

    def fixed(most: int) -> str:
        return fingerprint(sending(guards=(partial(guard, most=Decimal(most)),)))

    assert fixed(5) == fixed(5)
    assert fixed(5) != fixed(50)


def test_a_guard_that_refers_to_itself_has_a_name() -> None:
    def guard(_: Any, depth: int = 0) -> None:
        if depth:
            guard(_, depth - 1)

    one = sending(guards=(guard,))
    assert fingerprint(one) == fingerprint(replace(one))


def test_a_plain_function_is_told_by_its_name_alone() -> None:
    names = describe(sending(guards=(is_weighed,)))["transitions"]["send"]["guards"]
    assert names == [f"{is_weighed.__module__}.is_weighed"]
