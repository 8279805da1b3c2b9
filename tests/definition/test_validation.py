"""B9: whatever is unsound in a definition stops it, in words that name the part at fault."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.definition.faulty import FAULTS
from tests.definition.sample import (
    LABEL,
    LOSE,
    PARCEL,
    SEND,
    TELL,
    Elsewhere,
    Status,
    losing,
    parcel,
    sending,
)
from workflow.definition import DefinitionFault, Retry, Workflow, registry, retry
from workflow.definition import validation as validating
from workflow.definition.validation import faults


@pytest.mark.parametrize(("unsound", "words"), FAULTS, ids=[words[:60] for _, words in FAULTS])
def test_each_fault_is_told_and_stops_the_registration(
    unsound: Workflow[Any, Any], words: str
) -> None:
    told = [fault for fault in faults(unsound) if words in fault]
    assert len(told) == 1, faults(unsound)
    with pytest.raises(DefinitionFault, match="cannot be used until this is mended") as raised:
        registry.register(unsound)
    assert f"\n  - {told[0]}" in str(raised.value)
    assert raised.value.faults == tuple(faults(unsound))
    assert unsound not in registry.everything()


def sentences() -> Iterator[str]:
    """Yield a pattern of each sentence that the two modules can say, read from their source."""
    for module in (validating, retry):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            match node:
                case (
                    ast.Yield(value=ast.JoinedStr() | ast.Constant() as text)
                    | ast.GeneratorExp(elt=ast.JoinedStr() as text)
                    | ast.Call(func=ast.Attribute(attr="append"), args=[ast.JoinedStr() as text])
                ):
                    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                    yield "".join(
                        re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*"
                        for part in parts
                    )


def test_every_sentence_that_can_be_told_is_told_above() -> None:
    told = [fault for unsound, _ in FAULTS for fault in faults(unsound)]
    patterns = list(sentences())
    assert len(patterns) >= 20, "the source is not read as it was meant"
    assert [
        pattern
        for pattern in patterns
        if not any(re.fullmatch(f"(transition '.*': )?{pattern}", fault) for fault in told)
    ] == []


def test_a_start_that_is_a_plain_text_is_told() -> None:
    assert "initial status 'packed' is not one of Status" in faults(parcel(initial="packed"))


def test_everything_is_told_at_once() -> None:
    spoilt = sending(permission="nobody", retry=Retry(attempts=0), timeout=timedelta(0))
    spoilt = replace(spoilt, name="Parcel", version=0)
    assert len(faults(spoilt)) == 5


SOUND = {
    "as it is": PARCEL,
    "a final status that can be left": parcel(final=frozenset({Status.LOST, Status.SENT})),
    "a way back": losing(target=Status.PACKED, sources=(Status.SENT, Status.LOST)),
    "a step that stays where it is": parcel(
        transitions=(SEND, LOSE, replace(LOSE, name="wait", target=Status.SENT))
    ),
    "no permission": sending(permission=""),
    "one effect's name in two transitions": losing(after=(TELL,)),
    "a single try": sending(retry=Retry(attempts=1)),
    "a status that is start and end": parcel(
        statuses=Elsewhere,
        initial=Elsewhere.SENT,
        final=frozenset({Elsewhere.SENT}),
        transitions=(),
    ),
    "the longest name": parcel(name="p" * 64),
}
SOUND["a way back"] = replace(
    SOUND["a way back"],
    transitions=(*SOUND["a way back"].transitions, replace(LOSE, name="really")),
)


@pytest.mark.parametrize("sound", SOUND.values(), ids=SOUND)
def test_what_is_unusual_but_sound_is_let_through(sound: Workflow[Any, Any]) -> None:
    assert faults(sound) == []


@dataclass(frozen=True, kw_only=True)
class Undeclared:
    """An effect of one's own that is none."""

    name: str = "own"
    channel: str = "own"
    recovery: None = None


def test_what_only_looks_like_an_effect_is_none() -> None:
    (told,) = faults(sending(before=(LABEL, Undeclared())))
    assert "Undeclared(" in told
    assert "is no Effect" in told
