"""What a guard finds. A refusal is a value, not an exception, so that all of them are reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The guard is content; what it compared is kept as evidence."""

    required: str = ""
    actual: str = ""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The guard says no, why, and what it compared."""

    message: str
    """One sentence for the person who asked: what is missing and what to do. In the language of
    the source; that is what the trail keeps, whatever language it is shown in."""

    required: str = ""
    actual: str = ""
    code: str = "guard"
    """Stable reason code; the engine's own refusals use others, such as `wrong_status`."""

    template: str = ""
    """The message before its facts were put in, as a catalogue knows it; empty: it has none."""

    facts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One guard's answer under the guard's name, as stored with the decision."""

    guard: str
    answer: Allowed | Refusal

    def as_evidence(self) -> dict[str, Any]:
        """Return a JSON object of the finding."""
        evidence: dict[str, Any] = {
            "guard": self.guard,
            "held": isinstance(self.answer, Allowed),
            "required": self.answer.required,
            "actual": self.answer.actual,
        }
        if isinstance(self.answer, Refusal):
            evidence |= {"code": self.answer.code, "message": self.answer.message}
            if self.answer.template:
                evidence |= {"template": self.answer.template, "facts": dict(self.answer.facts)}
        return evidence


def allow(*, required: object = "", actual: object = "") -> Allowed:
    """Return the guard's consent with the evidence it rests on."""
    return Allowed(required=str(required), actual=str(actual))


def refuse(
    message: str,
    *,
    facts: Mapping[str, object] | None = None,
    required: object = "",
    actual: object = "",
    code: str = "guard",
) -> Refusal:
    """Return the guard's refusal with the evidence it rests on.

    Args:
        message: Mark it with `gettext_noop`, so that catalogues can have it; it is translated
            when it is shown, not here.
        facts: What goes into the message's `%(name)s`. Put nothing into it by yourself: a
            catalogue knows the sentence without its facts.
    """
    told = {name: str(value) for name, value in (facts or {}).items()}
    return Refusal(
        message=message % told if told else message,
        template=message if told else "",
        facts=told,
        required=str(required),
        actual=str(actual),
        code=code,
    )
