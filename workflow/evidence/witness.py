"""What records say about themselves, for the verification of the trail."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from audit.verify.witness import Standing
from workflow.engine.trail import MOVES, Action
from workflow.models import Record

_PAGE = 5_000


class Records:
    """Each record's status and the transition that put it there."""

    moves = frozenset(action.value for action in MOVES)
    begins = frozenset({Action.STARTED.value})

    def standings(self, *, after: UUID | None) -> Iterator[Standing]:
        """Yield all after this id, in the order of ids, page by page."""
        while True:
            rows = Record.objects.order_by("pk")
            if after is not None:
                rows = rows.filter(pk__gt=after)
            page = list(rows.values_list("pk", "status", "last_transition_id")[:_PAGE])
            if not page:
                return
            for chain, value, cause in page:
                yield Standing(chain=chain, value=value, cause=cause)
            after = page[-1][0]

    def standing(self, *, chain: UUID) -> Standing | None:
        """Return that of one record; None if there is none."""
        found = Record.objects.filter(pk=chain).values_list("status", "last_transition_id")
        return next(
            (Standing(chain=chain, value=value, cause=cause) for value, cause in found), None
        )
