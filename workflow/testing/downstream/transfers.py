"""A bank that takes its time: it accepts a transfer, and tells later that it is through.

It honours our key. Whoever gives an address in X-Callback-URL is told there; others ask.
"""

from __future__ import annotations

from workflow.testing.downstream.downstream import Reply, Request, no_such_path, problem
from workflow.testing.downstream.journal import Deed, Writer


class Transfers:
    """`POST /transfers` answers 202; `GET /transfers/NUMBER` says how it stands."""

    name = "transfers"

    def __init__(self, *, takes: float) -> None:
        """Let a transfer take so many seconds."""
        self._takes = takes

    def handle(self, request: Request, *, journal: Writer, now: float) -> Reply:
        """Accept a transfer, or say how one stands."""
        match request.method, request.path:
            case "POST", ():
                return Reply(status=202, body=self.state(self._accept(request, journal, now), now))
            case "GET", (number,):
                digits = number.removeprefix("T-")
                found = (
                    journal.deeds(downstream=self.name, id=int(digits))
                    if digits.isdecimal()
                    else []
                )
                if not found:
                    return problem(404, f"No transfer {number!r}.", code="unknown_transfer")
                return Reply(status=200, body=self.state(found[0], now))
            case _:
                return no_such_path(request)

    def state(self, deed: Deed, now: float) -> dict[str, object]:
        """Return how a transfer stands."""
        is_through = now - deed.at >= self._takes
        return {
            "transfer": f"T-{deed.id}",
            "key": deed.key,
            "state": "done" if is_through else "open",
        }

    def _accept(self, request: Request, journal: Writer, now: float) -> Deed:
        amount, reference = request.cents("amount"), request.text("reference")
        earlier = journal.deeds(downstream=self.name, key=request.key)
        if earlier:
            return earlier[0]
        made = journal.do(
            call=request.call,
            downstream=self.name,
            kind="transfer",
            key=request.key,
            reference=reference,
            amount=amount,
        )
        if request.call_back:
            journal.call_back(deed=made, url=request.call_back, due_at=now + self._takes)
        (deed,) = journal.deeds(id=made)
        return deed
