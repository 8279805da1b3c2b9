"""What a guard finds. A refusal is a value, not an exception, so that all of them are reported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The guard is content; what it compared is kept as evidence."""

    required: str = ""
    actual: str = ""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The guard says no, why, and what it compared."""

    message: str
    """One sentence for the person who asked: what is missing and what to do."""

    required: str = ""
    actual: str = ""
    code: str = "guard"
    """Stable reason code; the engine's own refusals use others, such as `wrong_status`."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One guard's answer under the guard's name, as stored with the decision."""

    guard: str
    answer: Allowed | Refusal

    def as_evidence(self) -> dict[str, str | bool]:
        """Return a JSON object of the finding."""
        evidence: dict[str, str | bool] = {
            "guard": self.guard,
            "held": isinstance(self.answer, Allowed),
            "required": self.answer.required,
            "actual": self.answer.actual,
        }
        if isinstance(self.answer, Refusal):
            evidence |= {"code": self.answer.code, "message": self.answer.message}
        return evidence


def allow(*, required: object = "", actual: object = "") -> Allowed:
    """Return the guard's consent with the evidence it rests on."""
    return Allowed(required=str(required), actual=str(actual))


def refuse(
    message: str, *, required: object = "", actual: object = "", code: str = "guard"
) -> Refusal:
    """Return the guard's refusal with the evidence it rests on."""
    return Refusal(message=message, required=str(required), actual=str(actual), code=code)
