"""Which fault comes when: drawn from a seed, the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from workflow.examples.declarations.campaign.faults.database import DATABASE
from workflow.examples.declarations.campaign.faults.environs import ENVIRONS
from workflow.examples.declarations.campaign.faults.fault import Fault
from workflow.examples.declarations.campaign.faults.freeze import FREEZES
from workflow.examples.declarations.campaign.faults.history import HISTORY
from workflow.examples.declarations.campaign.faults.kills import KILLS

EVERY: tuple[Fault, ...] = (*KILLS, *FREEZES, *DATABASE, *ENVIRONS, *HISTORY)


def plan(*, seed: int, faults: Sequence[Fault]) -> Iterator[tuple[Fault, random.Random, float]]:
    """Yield faults without end, each with its own chance and the seconds to wait before it.

    In each round every kind comes as often as it says, in an order that the seed draws.
    """
    order = random.Random(f"{seed}/order")  # noqa: S311  (a plan, no secret)
    number = 0
    while True:
        these = [fault for fault in faults for _ in range(fault.times)]
        order.shuffle(these)
        for fault in these:
            number += 1
            chance = random.Random(f"{seed}/{number}/{fault.kind}")  # noqa: S311
            yield fault, chance, chance.uniform(0.5, 2.5)
