"""A backfill that runs meanwhile, is killed, and taken up again."""

from __future__ import annotations

import random

from workflow.examples.declarations.campaign.faults.fault import Fault, Injected
from workflow.examples.declarations.campaign.theatre import Theatre

RATE = 40
"""Events a second, so that it lasts."""


def begin(theatre: Theatre, *, rate: float | None = RATE) -> None:
    """Start it, or go on with it."""
    limit = () if rate is None else ("--rate", str(rate))
    theatre.backfill = theatre.manage(
        "backfill",
        *("backfill", str(theatre.stage.history), "--mapping", "campaign", "--resume"),
        *("--batch", "20", "--patience", "5", *limit),
    )


def _kill(theatre: Theatre, chance: random.Random) -> Injected:
    running = theatre.backfill
    if running is None or running.exit_code is not None:
        how = "ended before" if running is None else f"had ended with {running.exit_code}"
    else:
        how = "killed"
        running.kill()
        theatre.wait(chance.uniform(0, 1))
    begin(theatre)
    return Injected(detail=f"{how}, and taken up again")


HISTORY = (Fault(kind="kill the backfill", inject=_kill),)
