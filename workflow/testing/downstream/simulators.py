"""All simulated downstreams at work: what arrives, what goes wrong with it, what is done."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from workflow.testing.downstream.budget import Budget
from workflow.testing.downstream.call_backs import CallBacks
from workflow.testing.downstream.downstream import Downstream, Reply, Request, Unfit, problem
from workflow.testing.downstream.faults import Fault, Faults
from workflow.testing.downstream.journal import Journal, Writer, text
from workflow.testing.downstream.letters import Letters
from workflow.testing.downstream.payments import Payments
from workflow.testing.downstream.reporting import Reporting
from workflow.testing.downstream.server import HOST, Server, Taken
from workflow.testing.downstream.transfers import Transfers

STALL = 3.0
"""Seconds without an answer; clients are expected to give up before."""

BUDGET_LIMIT = 100_000_000
"""Cents of each budget."""

_DOES = frozenset({Fault.FAILS_AFTER, Fault.GARBAGE_AFTER, Fault.STALLS, Fault.DROPS_AFTER})
_GARBAGE = "<!doctype html><title>Welcome</title><p>Please sign in."


class Simulators:
    """All downstreams, running in threads of this process."""

    def __init__(
        self,
        *,
        journal: Path,
        faults: Faults | None = None,
        host: str = HOST,
        port: int = 0,
        stall: float = STALL,
        budget_limit: int = BUDGET_LIMIT,
        takes: float = 1.0,
    ) -> None:
        """Start them.

        Args:
            journal: File that keeps what they received; one that exists is carried on.
            host: Address to take calls at.
            port: 0 for a free one.
            stall: Seconds that a stalling call gets no answer, and after which a late one lands.
            budget_limit: Cents that can be reserved on each budget.
            takes: Seconds that a transfer is under way.

        Raises:
            OSError: The port is taken.
        """
        self._faults = faults or Faults()
        self.journal = Journal(journal)
        self._stall = stall
        self._stopping = threading.Event()
        transfers = Transfers(takes=takes)
        served: tuple[Downstream, ...] = (
            Payments(),
            Budget(limit=budget_limit),
            Reporting(),
            Letters(),
            transfers,
        )
        self.downstreams: Mapping[str, Downstream] = {each.name: each for each in served}
        try:
            self._server = Server(host=host, port=port, front=self)
        except OSError:
            self.journal.close()
            raise
        self._call_backs = CallBacks(self.journal, transfers.state)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="simulators"
        )
        self._thread.start()
        self.url = self._server.url

    def close(self) -> None:
        """Stop. What stalls is dropped, and what would land late does not land."""
        self._stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        self._call_backs.close()
        self.journal.close()

    def take(self, downstream: Downstream, request: Request) -> Taken:
        """Write a request down, do what it asks, as far as no fault prevents it, and answer.

        One transaction, so that no SIGKILL leaves a deed without its call.
        """
        with self.journal.writing() as journal:
            earlier = journal.calls_under(
                downstream=downstream.name, method=request.method, key=request.key
            )
            number = journal.receive(
                downstream=downstream.name,
                method=request.method,
                path="/".join(request.path),
                key=request.key,
                attempt=earlier + 1,
                correlation_id=request.correlation_id,
                traceparent=request.traceparent,
                body=text(request.body),
            )
            request = replace(request, call=number)
            fault = self._faults.of(
                downstream=downstream.name,
                method=request.method,
                key=request.key,
                attempt=earlier + 1,
            )
            done = _act(downstream, request, journal) if fault is None or fault in _DOES else None
            reply = _reply(fault, done)
            journal.answered(call=number, fault=fault, status=reply.status if reply else None)
        return Taken(request=request, fault=fault, reply=reply)

    def hold(self, downstream: Downstream, taken: Taken) -> None:
        """Keep a sender waiting, if that is what goes wrong; then do what is to be done late."""
        if taken.fault in (Fault.STALLS, Fault.LATE):
            is_stopping = self._stopping.wait(self._stall)
            if taken.fault is Fault.LATE and not is_stopping:
                with self.journal.writing() as journal:
                    _act(downstream, taken.request, journal)


def _act(downstream: Downstream, request: Request, journal: Writer) -> Reply:
    try:
        return downstream.handle(request, journal=journal, now=time.time())
    except Unfit as unfit:
        return problem(400, "The request is not fit.", detail=str(unfit), code="unfit")


def _reply(fault: Fault | None, done: Reply | None) -> Reply | None:
    """Return what is answered; None for nothing."""
    match fault:
        case None:
            return done
        case Fault.BUSY:
            busy = problem(503, "Busy.")
            return replace(busy, headers={**busy.headers, "Retry-After": "1"})
        case Fault.FAILS_BEFORE | Fault.FAILS_AFTER:
            return problem(500, "Something went wrong.")
        case Fault.GARBAGE_BEFORE | Fault.GARBAGE_AFTER:
            return Reply(status=200, body=_GARBAGE, headers={"Content-Type": "text/html"})
        case _:
            return None


@contextlib.contextmanager
def simulators(
    *,
    faults: Faults | None = None,
    journal: Path | None = None,
    port: int = 0,
    stall: float = STALL,
    budget_limit: int = BUDGET_LIMIT,
    takes: float = 1.0,
) -> Iterator[Simulators]:
    """Run the downstreams in this process for a while; see `Simulators`.

    Args:
        journal: By default a file that vanishes afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="downstream-") as folder:
        running = Simulators(
            journal=journal or Path(folder, "journal.sqlite3"),
            faults=faults,
            port=port,
            stall=stall,
            budget_limit=budget_limit,
            takes=takes,
        )
        try:
            yield running
        finally:
            running.close()
