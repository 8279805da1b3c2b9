"""A budget ledger: reserves while there is something left, and releases. It honours our key."""

from __future__ import annotations

from workflow.testing.downstream.downstream import (
    Reply,
    Request,
    euros,
    no_such_path,
    problem,
)
from workflow.testing.downstream.journal import Deed, Writer


class Budget:
    """`POST /budget/reservations` and `POST /budget/releases`, each once under a key.

    A reservation is released once, under whatever key it is asked.
    """

    name = "budget"

    def __init__(self, *, limit: int) -> None:
        """Give every budget the same limit, in cents."""
        self._limit = limit

    def handle(self, request: Request, *, journal: Writer, now: float) -> Reply:
        """Reserve, release, or look up."""
        match request.method, request.path:
            case "POST", ("reservations",):
                return self._reserve(request, journal)
            case "POST", ("releases",):
                return self._release(request, journal)
            case "GET", ("reservations", key):
                found = journal.deeds(downstream=self.name, kind="reservation", key=key)
                if not found:
                    return problem(404, f"No reservation {key!r} was made.", code="unknown_key")
                return Reply(status=200, body=_reservation(found[0]))
            case _:
                return no_such_path(request)

    def _reserve(self, request: Request, journal: Writer) -> Reply:
        budget, amount = request.text("budget"), request.cents("amount")
        reference = request.text("reference")
        earlier = journal.deeds(downstream=self.name, kind="reservation", key=request.key)
        if earlier:
            if (earlier[0].subject, earlier[0].amount) != (budget, amount):
                return problem(422, "This key stands for another reservation.", code="key_reused")
            return Reply(status=200, body=_reservation(earlier[0]))
        reserved = journal.total(downstream=self.name, kind="reservation", subject=budget)
        released = journal.total(downstream=self.name, kind="release", note=budget)
        left = self._limit - reserved + released
        if amount > left:
            return problem(
                409,
                "The budget is used up.",
                detail=f"Budget {budget} has {euros(left)} left, and {euros(amount)} is needed.",
                code="budget_used_up",
                required=f"at most {euros(left)}",
                actual=euros(amount),
            )
        made = journal.do(
            call=request.call,
            downstream=self.name,
            kind="reservation",
            key=request.key,
            reference=reference,
            amount=amount,
            subject=budget,
        )
        (deed,) = journal.deeds(id=made)
        return Reply(status=201, body=_reservation(deed))

    def _release(self, request: Request, journal: Writer) -> Reply:
        number = request.text("reservation")
        digits = number.removeprefix("R-")
        found = (
            journal.deeds(downstream=self.name, kind="reservation", id=int(digits))
            if digits.isdecimal()
            else []
        )
        if not found:
            return problem(404, f"No reservation {number!r} was made.", code="unknown_reservation")
        (reservation,) = found
        earlier = journal.deeds(downstream=self.name, kind="release", subject=number)
        if earlier:
            return Reply(status=200, body={"release": f"L-{earlier[0].id}"})
        made = journal.do(
            call=request.call,
            downstream=self.name,
            kind="release",
            key=request.key,
            reference=reservation.reference,
            amount=reservation.amount,
            subject=number,
            note=reservation.subject,
        )
        return Reply(status=201, body={"release": f"L-{made}"})


def _reservation(deed: Deed) -> dict[str, object]:
    return {"reservation": f"R-{deed.id}", "budget": deed.subject, "amount": euros(deed.amount)}
