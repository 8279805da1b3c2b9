"""All checks, one after the other."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from workflow.definition import registry
from workflow.testing.conformance import concurrency, guarding, identity, values
from workflow.testing.conformance.check import WORKFLOW, Check, Failed, NotNeeded

CHECKS: tuple[Check, ...] = (
    *guarding.CHECKS,
    *identity.CHECKS,
    *concurrency.CHECKS,
    *values.CHECKS,
)


class Verdict(enum.StrEnum):
    """How a check came out."""

    HELD = "held"
    FAILED = "FAILED"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One check, and what came of it."""

    check: Check
    verdict: Verdict
    told: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "name": self.check.name,
            "promise": self.check.promise,
            "invariant": self.check.invariant,
            "verdict": self.verdict.value,
            "told": self.told,
            "seconds": round(self.seconds, 3),
        }


def run() -> Iterator[Result]:
    """Try everything on the database that this process uses; what is entered there stays."""
    registry.register(WORKFLOW)
    try:
        for check in CHECKS:
            yield _tried(check)
    finally:
        registry.unregister(WORKFLOW)


def _tried(check: Check) -> Result:
    began = time.monotonic()
    try:
        told = check.act() or ""
        verdict = Verdict.HELD
    except NotNeeded as why:
        verdict, told = Verdict.NOT_NEEDED, str(why)
    except Failed as wrong:
        verdict, told = Verdict.FAILED, str(wrong)
    except Exception as error:  # noqa: BLE001  (any error of the server is a result)
        verdict, told = Verdict.FAILED, f"{type(error).__name__}: {error}"
        connection.close()
    took = time.monotonic() - began
    return Result(check=check, verdict=verdict, told=told, seconds=took)
