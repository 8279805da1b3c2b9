"""A reporting feed. It honours our key, and notices what comes out of order."""

from __future__ import annotations

from workflow.testing.downstream.downstream import Reply, Request, no_such_path, problem
from workflow.testing.downstream.journal import Writer

OUT_OF_ORDER = "out of order"


class Reporting:
    """`POST /reporting/entries` takes an entry, once under a key.

    Each has the `place` of its record's order; one that is not higher than those before it is
    taken, and noted.
    """

    name = "reporting"

    def handle(self, request: Request, *, journal: Writer, now: float) -> Reply:
        """Take an entry, or look one up."""
        match request.method, request.path:
            case "POST", ("entries",):
                return self._take(request, journal)
            case "GET", ("entries", key):
                found = journal.deeds(downstream=self.name, key=key)
                if not found:
                    return problem(404, f"No entry {key!r} has arrived.", code="unknown_key")
                return Reply(status=200, body={"entry": f"E-{found[0].id}"})
            case _:
                return no_such_path(request)

    def _take(self, request: Request, journal: Writer) -> Reply:
        reference, place = request.text("reference"), request.number("place")
        status = request.text("status")
        earlier = journal.deeds(downstream=self.name, key=request.key)
        if earlier:
            return Reply(status=200, body={"entry": f"E-{earlier[0].id}"})
        highest = journal.highest_place(downstream=self.name, reference=reference)
        made = journal.do(
            call=request.call,
            downstream=self.name,
            kind="entry",
            key=request.key,
            reference=reference,
            place=place,
            subject=status,
            note="" if place > highest else OUT_OF_ORDER,
        )
        return Reply(status=201, body={"entry": f"E-{made}"})
