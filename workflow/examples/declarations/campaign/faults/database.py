"""A server that is restarted, crashes, crashes again while it recovers, or drops connections."""

from __future__ import annotations

import random
from contextlib import suppress
from subprocess import CalledProcessError

from django.db import connection

from workflow.examples.declarations.campaign.faults.fault import Fault, Injected
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.theatre import Theatre
from workflow.testing.postgres import Server


def _missing(theatre: Theatre) -> str:
    if connection.vendor == "sqlite":
        return "SQLite has no server"
    if theatre.server is None:
        return "the server was given by its address, and is not ours to stop"
    return ""


def _server(theatre: Theatre) -> Server:
    if theatre.server is None:
        raise AssertionError("there is no server to stop")
    return theatre.server


def _restart(theatre: Theatre, chance: random.Random) -> Injected:
    mode, away = chance.choice(("fast", "immediate", "immediate")), chance.uniform(0, 3)
    server = _server(theatre)
    server.stop(mode=mode)
    theatre.wait(away)
    server.start()
    return Injected(detail=f"{mode}, away for {away:.1f} s")


def _crash(theatre: Theatre, _: random.Random) -> Injected:
    server = _server(theatre)
    server.kill()
    server.begin_anew()
    return Injected(detail="SIGKILL of its main process")


def _during_recovery(theatre: Theatre, chance: random.Random) -> Injected:
    server = _server(theatre)
    times = chance.randint(1, 3)
    server.kill()
    for _ in range(times):
        server.begin_anew(waits=False)
        theatre.wait(chance.uniform(0.05, 0.4))
        with suppress(FileNotFoundError, ProcessLookupError, CalledProcessError, IndexError):
            server.kill()
    server.begin_anew()
    return Injected(detail=f"SIGKILL, and {times} more while it recovered")


def _cut(theatre: Theatre, chance: random.Random) -> Injected:
    times = chance.randint(1, 3)
    cut = 0
    for _ in range(times):
        cut += insist(_cut_all)
        theatre.wait(chance.uniform(0.05, 0.5))
    return Injected(detail=f"{cut} connections, in {times} waves")


def _cut_all() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def _no_connections(_: Theatre) -> str:
    return "" if connection.vendor == "postgresql" else "SQLite has no connections to drop"


DATABASE = (
    Fault(kind="restart the database", inject=_restart, missing=_missing),
    Fault(kind="crash the database", inject=_crash, missing=_missing),
    Fault(kind="crash the database while it recovers", inject=_during_recovery, missing=_missing),
    Fault(kind="drop all connections", inject=_cut, missing=_no_connections, times=2),
)
