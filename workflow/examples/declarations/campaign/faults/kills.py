"""SIGKILL of every process that there is, idle or busy."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

from django.db.models import Q

from workflow.effects.claim import is_due
from workflow.engine import clock
from workflow.examples.declarations.campaign import recovery
from workflow.examples.declarations.campaign.faults.fault import Fault, Injected
from workflow.examples.declarations.campaign.hosts import Host
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.theatre import Theatre

_LULL = 6.0
"""Seconds within which work that was begun should be over once nobody asks for more."""

_LOOK = 0.05

Pick = Callable[[Host, random.Random], int]


def busy_worker(host: Host, chance: random.Random) -> int:
    """Return a worker, if possible one that holds something."""
    workers = _there(host, "worker")
    busy = [pid for pid in workers if any(insist(lambda: recovery.held_by(_of(host, pid))))]  # noqa: B023
    return chance.choice(busy or workers)


def _any_worker(host: Host, chance: random.Random) -> int:
    return chance.choice(_there(host, "worker"))


def _there(host: Host, role: str) -> list[int]:
    """Return the processes of a role, once there are any: a cluster may be just about to fork."""
    until = time.monotonic() + recovery.LIMIT
    while not (found := host.cluster.victims(role)):
        if time.monotonic() > until:
            raise AssertionError(f"{host.name} has had no {role} for {recovery.LIMIT:g} s")
        time.sleep(_LOOK)
    return found


def _of(host: Host, pid: int) -> Q:
    return recovery.of_process(host, pid)


def _one(role: str) -> Pick:
    def pick(host: Host, chance: random.Random) -> int:
        return chance.choice(_there(host, role))

    return pick


def _supervisor(host: Host, _: random.Random) -> int:
    return host.cluster.supervisor.pid


def _kill(pick: Pick, *, idle: bool = False) -> Callable[[Theatre, random.Random], Injected]:
    def inject(theatre: Theatre, chance: random.Random) -> Injected:
        host = theatre.host(chance)
        was_idle = _has_gone_quiet(theatre) if idle else False
        try:
            pid = pick(host, chance)
            whose = _of(host, pid)
            at = recovery.now()
            held = insist(lambda: recovery.held_by(whose))
            since = time.monotonic()
            host.cluster.processes()
            os.kill(pid, signal.SIGKILL)
        finally:
            theatre.stage.lull.unlink(missing_ok=True)
        took = recovery.recovered(
            theatre=theatre, host=host, whose=whose, held=held, since=since, at=at
        )
        how = "while nothing was due" if was_idle else f"with {sum(map(len, held))} claims"
        limit = recovery.IDLE_LIMIT if was_idle else recovery.LIMIT
        return Injected(detail=f"{host.name}, {how}", recovery=took, limit=limit)

    return inject


def _has_gone_quiet(theatre: Theatre) -> bool:
    """Stop the clients for a moment; return whether nothing is due and nothing held."""
    theatre.stage.lull.touch()

    def is_quiet() -> bool:
        return insist(
            lambda: not is_due(now=clock.now()) and not any(recovery.held_by(Q(pk__isnull=False)))
        )

    return theatre.until(is_quiet, seconds=_LULL)


def _lose_host(theatre: Theatre, chance: random.Random) -> Injected:
    host = theatre.host(chance)
    whose = recovery.of_host(host)
    at = recovery.now()
    held = insist(lambda: recovery.held_by(whose))
    since = time.monotonic()
    host.lose()
    took = recovery.recovered(
        theatre=theatre, host=host, whose=whose, held=held, since=since, at=at, returns=False
    )
    detail = f"{host.name}, with {sum(map(len, held))} claims"
    return Injected(detail=detail, recovery=took, limit=recovery.LIMIT)


KILLS = (
    Fault(kind="kill a busy worker", inject=_kill(busy_worker), times=3),
    Fault(kind="kill an idle worker", inject=_kill(_any_worker, idle=True), times=2),
    Fault(kind="kill the pusher", inject=_kill(_one("pusher"))),
    Fault(kind="kill the idle pusher", inject=_kill(_one("pusher"), idle=True)),
    Fault(kind="kill the monitor", inject=_kill(_one("monitor"))),
    Fault(kind="kill the sentinel", inject=_kill(_one("sentinel"))),
    Fault(kind="kill the main process", inject=_kill(_one("main"))),
    Fault(kind="kill the supervisor", inject=_kill(_supervisor)),
    Fault(kind="kill a whole host", inject=_lose_host),
)
