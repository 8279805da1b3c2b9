"""Two hosts and a database that only a network connects: the part that runs beside the database.

`python -m tests.crash.apart FOLDER NAMESPACE LINK ADDRESS NAMESPACE LINK ADDRESS`: started in the
database's own network namespace, with two others that hold the hosts, the ends of the links to
them that are here, and our addresses on these. It says on standard output what it found, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django

from workflow.engine.boundary import Boundary
from workflow.testing.cluster import Cluster
from workflow.testing.postgres import Server, installed

PROJECT = Path(__file__).resolve().parents[2]

NETWORK = "198.18.0.0/15"
"""Set aside for tests of networks (RFC 2544)."""

WITHIN = 60.0
LEASE = 2
COUNT = 150


def link(name: str, state: str) -> None:
    subprocess.run(["ip", "link", "set", name, state], check=True)


def main(given: Sequence[str]) -> dict[str, Any]:
    folder, *rest = given
    place = Path(folder)
    hosts = [rest[:3], rest[3:]]
    binaries = installed()
    assert binaries is not None
    server = Server(binaries=binaries, folder=place, host="0.0.0.0", network=NETWORK)
    server.make()
    clusters: list[Cluster] = []
    try:
        os.environ["DATABASE_URL"] = server.url_at("127.0.0.1")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.crash.settings"
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for number, (namespace, _, address) in enumerate(hosts):
            clusters.append(
                Cluster(
                    log=place.parent / f"host-{number}.log",
                    workers=2,
                    environment={
                        "DATABASE_URL": server.url_at(address),
                        "LEASE_SECONDS": str(LEASE),
                        "BATCH_SIZE": "5",
                        "ESCAPEMENT_DIE_IN": str(deaths(place, number)),
                    },
                    folder=PROJECT,
                    through=("ip", "netns", "exec", namespace),
                )
            )
        return story(clusters, cut=hosts[1][1], stops=deaths(place, 1))
    finally:
        for cluster in clusters:
            cluster.destroy()
        server.stop()


def deaths(place: Path, number: int) -> Path:
    """Return the folder by which a host's processes are told where to stand still."""
    folder = place.parent / f"deaths-{number}"
    folder.mkdir(exist_ok=True)
    return folder


def story(clusters: list[Cluster], *, cut: str, stops: Path) -> dict[str, Any]:
    """Load both, cut the second off while it works, heal it, and look at everything."""
    from tests.crash import load
    from tests.crash.invariants import faults, unfinished
    from tests.crash.polling import until

    def works(which: int) -> bool:
        return load.done_by(clusters[which].supervisor.pid) > before[which]

    before = [0, 0]
    until(lambda: all(each.is_ready for each in clusters), seconds=WITHIN, what="ready")
    load.ask(COUNT)
    until(lambda: works(0) and works(1), seconds=WITHIN, what="both at work")
    load.await_all(seconds=WITHIN)

    # One of its workers is inside its transaction, whose locks the server holds for it.
    mark = stops / Boundary.BATCH_WRITTEN
    mark.write_text("stop")
    load.ask(COUNT)
    told = mark.with_name(f"{mark.name}.pid")
    inside = int(until(lambda: told.exists() and told.read_text(), seconds=WITHIN, what="inside"))
    link(cut, "down")
    os.kill(inside, signal.SIGCONT)
    stranded = load.held_by(clusters[1].supervisor.pid)
    load.ask(COUNT)
    began = time.monotonic()
    load.await_all(seconds=WITHIN)
    alone = time.monotonic() - began

    before = [load.done_by(each.supervisor.pid) for each in clusters]
    link(cut, "up")
    began = time.monotonic()

    def healed() -> bool:
        load.ask(10)
        load.await_all(seconds=WITHIN)
        return works(1)

    until(healed, seconds=WITHIN, what="healed")
    return {
        "stranded": stranded,
        "alone_seconds": alone,
        "healed_seconds": time.monotonic() - began,
        "faults": faults(),
        "unfinished": unfinished(),
        "restarts": [each.restarts for each in clusters],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
