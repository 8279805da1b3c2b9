"""What happens around the workers: clocks, disks, downstreams, deployments, hostile statements."""

from __future__ import annotations

import random

from django.db import DatabaseError, connection, transaction

from workflow.examples.declarations.campaign.faults.fault import Fault, Injected
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.theatre import MOST_RELEASES, Theatre
from workflow.models import Record
from workflow.models.guards import rules

_CHUNK = b"\0" * 65_536


def _step_clock(theatre: Theatre, chance: random.Random) -> Injected:
    host = theatre.host(chance)
    seconds = chance.choice((-3600, -90, -7, 7, 90, 3600))
    host.clock.write_text(str(seconds))
    return Injected(detail=f"{host.name}, {seconds:+d} s from true time")


def _one_clock(_: Theatre) -> str:
    if connection.vendor == "sqlite":
        return "those who share a SQLite file share one host, and its clock"
    return ""


def _fill_disk(theatre: Theatre, chance: random.Random) -> Injected:
    seconds = chance.uniform(3, 6)
    if theatre.disk is None:
        raise AssertionError("there is no disk to fill")
    ballast = theatre.disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            written = 0
            while True:
                try:
                    written += file.write(_CHUNK)
                except OSError:
                    break
        theatre.wait(seconds)
    finally:
        ballast.unlink()
    return Injected(detail=f"{written / 2**20:.0f} MiB written, full for {seconds:.1f} s")


def _no_disk(theatre: Theatre) -> str:
    if connection.vendor != "sqlite":
        return "the server keeps its files on the disk of this machine, which is not filled"
    if theatre.disk is None:
        return "no file system may be mounted here (needs root), or the database was given"
    return ""


def _kill_downstreams(theatre: Theatre, chance: random.Random) -> Injected:
    theatre.downstreams.kill()
    theatre.wait(chance.uniform(0.5, 2))
    return Injected(detail="SIGKILL; they come again on the same port")


def _deploy(theatre: Theatre, chance: random.Random) -> Injected:
    """Bring one host to the newest release; if all have it, begin with the next."""
    if all(host.release == theatre.newest for host in theatre.hosts):
        theatre.newest = min(theatre.newest + 1, MOST_RELEASES)
        migration = theatre.manage("migrate", "migrate", "--verbosity", "0")
        if not theatre.until(lambda: migration.exit_code is not None, seconds=60):
            migration.kill()
        migration.close()
    behind = [host for host in theatre.hosts if host.release != theatre.newest]
    host = chance.choice(behind or theatre.hosts)
    host.deploy(theatre.newest)
    theatre.new_client(chance.randrange(len(theatre.clients)))
    others = sorted({each.release for each in theatre.hosts if each is not host})
    return Injected(
        detail=f"{host.name} drained and begun with release {theatre.newest}, beside {others}"
    )


def _behind_its_back(theatre: Theatre, chance: random.Random) -> Injected:
    """Change a status without an envelope, as a script of an administrator would."""
    pks = theatre.stage.records.read_text().split()
    pk = chance.choice(pks)

    def change() -> str:
        try:
            with transaction.atomic():
                changed = Record.objects.filter(pk=pk, status="open").update(status="paid")
        except DatabaseError as error:
            if not str(error).startswith(rules.PREFIX):
                raise
            return "refused by the database"
        return "no such row now" if not changed else "IT WAS LET THROUGH"

    return Injected(detail=insist(change))


ENVIRONS = (
    Fault(kind="step a host's clock", inject=_step_clock, missing=_one_clock),
    Fault(kind="fill the disk", inject=_fill_disk, missing=_no_disk),
    Fault(kind="kill the downstreams", inject=_kill_downstreams),
    Fault(kind="deploy the next release", inject=_deploy),
    Fault(kind="change a status behind the engine's back", inject=_behind_its_back),
)
