"""Everything that runs in a campaign, and that faults may lay hands on."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from workflow.examples.declarations.campaign.hosts import Host
from workflow.examples.declarations.campaign.release.workflows import STALL
from workflow.examples.declarations.campaign.stage import FOLDER, SETTINGS, Stage
from workflow.examples.declarations.console.child import Child, django, environment
from workflow.examples.declarations.console.downstreams import Downstreams
from workflow.testing.postgres import Server

HOSTS = 2
CLIENTS = 3
MOST_RELEASES = 60
_STOPS_WITHIN = 30.0
_PACKAGE = "workflow.examples.declarations.campaign"
_LOOK_EVERY = 0.1


class Theatre:
    """Clients, operators, hosts, downstreams, and the server if it is ours."""

    def __init__(
        self,
        *,
        stage: Stage,
        seed: int,
        rate: float,
        faults: float,
        server: Server | None,
        disk: Path | None,
        tick: Callable[[], None],
    ) -> None:
        """Start it all.

        Args:
            rate: Requests a second, of all clients.
            faults: Share of downstream calls that go wrong in each of four ways.
            disk: Small file system with the SQLite database, if it has one of its own.
            tick: Called several times a second while somebody waits.
        """
        self.stage = stage
        self.seed = seed
        self.server = server
        self.disk = disk
        self.newest = 1
        self.backfill: Child | None = None
        self._rate = rate
        self._tick = tick
        self.downstreams = Downstreams(
            journal=stage.journal, faults=faults, seed=seed, stall=STALL
        )
        self.downstreams.wait()
        self.changes = {
            **SETTINGS,
            **environment(),
            FOLDER: str(stage.folder),
            "DATABASE_URL": os.environ["DATABASE_URL"],
            "DOWNSTREAM_URL": self.downstreams.url,
        }
        base = Path(settings.BASE_DIR)
        self.hosts = [
            Host(
                number=number,
                folder=stage.folder,
                base=base,
                release=self.newest,
                changes=self.changes,
            )
            for number in range(1, HOSTS + 1)
        ]
        self.clients = [self._client(number) for number in range(1, CLIENTS + 1)]
        self.operators = self._operators()

    def _python(self, name: str, *arguments: str, release: int) -> Child:
        return Child(
            name=name,
            command=[sys.executable, "-m", *arguments],
            changes={**self.changes, "CAMPAIGN_RELEASE": str(release), "LOG_LEVEL": "ERROR"},
            output=self.stage.folder / f"{name}.log",
        )

    def _client(self, number: int) -> Child:
        return self._python(
            f"client-{number}",
            f"{_PACKAGE}.process",
            "client",
            *(str(number), str(self.seed), str(self._rate / CLIENTS)),
            release=self.newest,
        )

    def _operators(self) -> Child:
        # They have to know every version that any host may run, and ask for none.
        return self._python("operators", f"{_PACKAGE}.process", "operators", release=MOST_RELEASES)

    def manage(self, name: str, *arguments: str) -> Child:
        """Start a management command of the newest release."""
        return Child(
            name=name,
            command=django(*arguments),
            changes={
                **self.changes,
                "CAMPAIGN_RELEASE": str(self.newest),
                "LOG_LEVEL": "ERROR",
            },
            output=self.stage.folder / f"{name}.log",
        )

    def new_client(self, index: int) -> None:
        """Have a client of the newest release in place of another."""
        self.clients[index].stop(within=_STOPS_WITHIN)
        self.clients[index].close()
        self.clients[index] = self._client(index + 1)

    def watch(self) -> None:
        """Start again what has ended."""
        for host in self.hosts:
            host.watch(newest=self.newest)
        self.downstreams.watch()
        for client in self.clients:
            if client.exit_code is not None:
                raise AssertionError(f"A client has ended:\n{client.last_lines()}")
        if self.operators.exit_code is not None:
            raise AssertionError(f"The operators have ended:\n{self.operators.last_lines()}")

    def wait(self, seconds: float) -> None:
        """Let time pass, and look after everything meanwhile."""
        self.until(lambda: False, seconds=seconds)

    def until(self, look: Callable[[], bool], *, seconds: float) -> bool:
        """Return true once `look` does, and false if it has not in so many seconds."""
        end = time.monotonic() + seconds
        while True:
            if look():
                return True
            if time.monotonic() > end:
                return False
            self.watch()
            self._tick()
            time.sleep(min(_LOOK_EVERY, max(0.0, end - time.monotonic())))

    def host(self, chance: random.Random) -> Host:
        """Return one of the hosts that are ready; wait for one if need be."""
        self.until(lambda: any(host.is_ready for host in self.hosts), seconds=60)
        return chance.choice([host for host in self.hosts if host.is_ready])

    def end_clients(self) -> None:
        """Have all clients come to an end: what they have asked is answered."""
        for client in self.clients:
            client.stop(within=_STOPS_WITHIN * 2)
        self.clients = []

    def end(self) -> None:
        """Stop everything in order; what does not stop is killed."""
        self.operators.stop(within=_STOPS_WITHIN)
        for host in self.hosts:
            host.stop()

    def destroy(self) -> None:
        """Kill all that is left, however the campaign ended."""
        for child in (*self.clients, self.operators, self.backfill):
            if child is not None:
                child.kill()
        for host in self.hosts:
            host.signal(signal.SIGCONT)
            host.destroy()
        self.downstreams.stop()
