"""A registered-letter provider. Every call posts a letter, and nobody can be asked about it."""

from __future__ import annotations

from workflow.testing.downstream.downstream import Reply, Request, no_such_path
from workflow.testing.downstream.journal import Writer


class Letters:
    """`POST /letters` posts one."""

    name = "letters"

    def handle(self, request: Request, *, journal: Writer, now: float) -> Reply:
        """Post a letter."""
        if (request.method, request.path) != ("POST", ()):
            return no_such_path(request)
        made = journal.do(
            call=request.call,
            downstream=self.name,
            kind="letter",
            key=request.key,
            reference=request.text("reference"),
            subject=request.text("subject"),
        )
        return Reply(status=201, body={"letter": f"RR-{made}"})
