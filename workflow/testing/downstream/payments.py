"""A payment provider. The same instruction twice pays twice; one can ask whether it came."""

from __future__ import annotations

from workflow.testing.downstream.downstream import (
    Reply,
    Request,
    euros,
    no_such_path,
    problem,
)
from workflow.testing.downstream.journal import Deed, Writer

HIGHEST = 10_000_000
"""Cents of one payment."""


class Payments:
    """`POST /payments/instructions` pays; `GET /payments/instructions/KEY` looks up."""

    name = "payments"

    def handle(self, request: Request, *, journal: Writer, now: float) -> Reply:
        """Pay, without looking whether it was paid before; or look up."""
        match request.method, request.path:
            case "POST", ("instructions",):
                return self._pay(request, journal)
            case "GET", ("instructions", key):
                found = journal.deeds(downstream=self.name, key=key)
                if not found:
                    return problem(404, f"No instruction {key!r} has arrived.", code="unknown_key")
                return Reply(status=200, body=_payment(found[0]) | {"count": len(found)})
            case _:
                return no_such_path(request)

    def _pay(self, request: Request, journal: Writer) -> Reply:
        amount, reference = request.cents("amount"), request.text("reference")
        if not 0 < amount <= HIGHEST:
            return problem(
                422,
                "This amount is not paid.",
                detail=f"A payment is more than 0.00 and at most {euros(HIGHEST)}.",
                code="amount_out_of_range",
                required=f"0.01 to {euros(HIGHEST)}",
                actual=euros(amount),
            )
        made = journal.do(
            call=request.call,
            downstream=self.name,
            kind="payment",
            key=request.key,
            reference=reference,
            amount=amount,
        )
        (deed,) = journal.deeds(id=made)
        return Reply(status=201, body=_payment(deed))


def _payment(deed: Deed) -> dict[str, object]:
    return {
        "payment": f"P-{deed.id}",
        "reference": deed.reference,
        "amount": euros(deed.amount),
    }
