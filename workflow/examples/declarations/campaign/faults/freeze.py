"""SIGSTOP for longer than a lease, and SIGCONT: a paused machine, a worker that comes too late.

It stays shorter than the settling time that the payment's look-up declares, and than operators
wait before they look for a letter. A process that is frozen between its last look at the clock and
the first byte of its call, for longer than that, sends what others have sent meanwhile; no sender
can prevent it, and the time that the effect declares is what covers it (docs/explanation).
"""

from __future__ import annotations

import os
import random
import signal

from workflow.examples.declarations.campaign.faults.fault import Fault, Injected
from workflow.examples.declarations.campaign.faults.kills import busy_worker
from workflow.examples.declarations.campaign.stage import LEASE
from workflow.examples.declarations.campaign.theatre import Theatre


def _length(chance: random.Random) -> float:
    return chance.uniform(1.2 * LEASE, 1.6 * LEASE)


def _worker(theatre: Theatre, chance: random.Random) -> Injected:
    host = theatre.host(chance)
    pid, seconds = busy_worker(host, chance), _length(chance)
    os.kill(pid, signal.SIGSTOP)
    try:
        theatre.wait(seconds)
    finally:
        _wake(pid)
    return Injected(detail=f"{host.name}, {seconds:.1f} s")


def _host(theatre: Theatre, chance: random.Random) -> Injected:
    host, seconds = theatre.host(chance), _length(chance)
    host.signal(signal.SIGSTOP)
    try:
        theatre.wait(seconds)
    finally:
        host.signal(signal.SIGCONT)
    return Injected(detail=f"{host.name}, {seconds:.1f} s")


def _wake(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return  # its supervisor has meanwhile begun its cluster anew


FREEZES = (
    Fault(kind="freeze a worker past its lease", inject=_worker, times=2),
    Fault(kind="freeze a whole host past its leases", inject=_host),
)
