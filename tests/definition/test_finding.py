"""B2, B3: what a guard found, as it is stored: held or not, required and actual value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from workflow.definition import Finding, InvalidRequest, UnknownDefinition, allow, refuse


def test_consent_is_stored_with_what_was_compared() -> None:
    finding = Finding(guard="is_solvent", answer=allow(required="> 0", actual=Decimal("1.50")))
    assert finding.as_evidence() == {
        "guard": "is_solvent",
        "held": True,
        "required": "> 0",
        "actual": "1.50",
    }


def test_refusal_is_stored_with_its_message_and_code() -> None:
    answer = refuse("Wait.", required=date(2026, 2, 1), actual=None, code="too_early")
    assert Finding(guard="is_due", answer=answer).as_evidence() == {
        "guard": "is_due",
        "held": False,
        "required": "2026-02-01",
        "actual": "None",
        "code": "too_early",
        "message": "Wait.",
    }


def test_a_refusal_without_a_code_is_a_guards() -> None:
    assert refuse("No.").code == "guard"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x" * 78, repr("x" * 78)), ("x" * 79, "'" + "x" * 76 + "..."), (None, "None")],
)
def test_an_offending_value_is_shown_up_to_a_line(value: object, shown: str) -> None:
    error = InvalidRequest("payload.note", value, "too long")
    assert str(error) == f"payload.note {shown}: too long"
    assert error.value == value


@pytest.mark.parametrize(("version", "told"), [(None, "'parcel'"), (3, "'parcel/3'")])
def test_an_unknown_definition_is_named_as_it_was_asked_for(
    version: int | None, told: str
) -> None:
    assert str(UnknownDefinition("parcel", version, [])) == (
        f"No workflow {told} is registered; known: none."
    )
