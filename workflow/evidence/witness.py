"""What records say about themselves, for the verification of the trail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from simple_history.utils import get_history_manager_for_model

from audit.verify.witness import Snapshot, Standing
from workflow.definition import UnknownDefinition, registry
from workflow.engine.trail import BEGINS, MOVES
from workflow.models import Record
from workflow.models.snapshot import snapshot, snapshot_digest

_PAGE = 5_000

_TWO = "two rows that differ"
"""Instead of a digest, where the history tells of one transition twice."""


class Records:
    """Each record's status and the transition that put it there."""

    moves = frozenset(action.value for action in MOVES)
    begins = frozenset(action.value for action in BEGINS)

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

    def digests(self, *, told: Sequence[Snapshot]) -> Iterable[tuple[Snapshot, str]]:
        """Yield each with the digest of the history row it tells of; empty if that is gone.

        A workflow that this release does not have is passed over: nobody knows its fields.
        """
        chains = {each.chain for each in told}
        models: dict[type[Any], set[UUID]] = defaultdict(set)
        for chain, name in Record.objects.filter(pk__in=chains).values_list("pk", "workflow"):
            try:
                models[registry.latest(name).subject].add(chain)
            except UnknownDefinition:
                chains.discard(chain)
        found: dict[tuple[UUID, UUID | None], str] = {}
        for model, some in models.items():
            found |= _digests(model, some, {each.cause for each in told})
        for each in told:
            if each.chain in chains:
                yield each, found.get((each.chain, each.cause), "")


def _digests(
    model: type[Any], chains: set[UUID], causes: set[UUID | None]
) -> dict[tuple[UUID, UUID | None], str]:
    history = get_history_manager_for_model(model).model
    rows = history.objects.filter(record_id__in=chains).order_by("history_id")
    found: dict[tuple[UUID, UUID | None], str] = {}
    for row in rows.iterator():
        cause = None if row.history_type == "+" else row.transition_id
        if (row.history_type == "+" or cause) and cause in causes:
            digest = snapshot_digest(snapshot(row=row, model=model))
            if found.setdefault((row.record_id, cause), digest) != digest:
                found[row.record_id, cause] = _TWO
    return found
