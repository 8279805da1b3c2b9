"""What a backfill leaves behind, in a form that does not depend on when and in how many runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from audit.models import Entry
from workflow.examples.declarations.models import Declaration
from workflow.models import BackfillReject, Record, State, TransitionEnvelope

Row = tuple[Any, ...]


def state() -> dict[str, Counter[Row]]:
    """Return every row that matters, as often as it is there."""
    history = Declaration.history.model.objects.values_list(
        "history_date",
        "history_type",
        "history_change_reason",
        "transition_id",
        "record__reference",
        "amount",
        "submitted_at",
        "approved_at",
        "paid_at",
        "supervisor__username",
    )
    return {
        "records": Counter(
            Record.objects.values_list("id", "reference", "status", "version", "status_since")
        ),
        "envelopes": Counter(
            TransitionEnvelope.objects.values_list(
                "transition_id",
                "record",
                "transition",
                "target",
                "state",
                "code",
                "digest",
                "happened_at",
                "source_row",
                "source_position",
                "resulting_version",
            )
        ),
        "entries": Counter(
            Entry.objects.exclude(action__startswith="backfill").values_list(
                "chain", "sequence", "action", "actor", "old", "new", "transition_id"
            )
        ),
        "history": Counter(history),
        "subjects": Counter(
            Declaration.objects.values_list("record", "number", "amount", "paid_at")
        ),
        "rejects": Counter(
            BackfillReject.objects.values_list("id", "code", "reference", "source_row", "raw")
        ),
    }


def difference(one: dict[str, Counter[Row]], other: dict[str, Counter[Row]]) -> dict[str, Any]:
    """Return the rows that are in one of two states only, a few of each table."""
    found = {name: (one[name] - other[name], other[name] - one[name]) for name in one}
    return {
        name: (list(more)[:3], list(less)[:3])
        for name, (more, less) in found.items()
        if more or less
    }


def pairs() -> Counter[tuple[str, str]]:
    """Return how often one event follows another, over what was adopted and what was rejected."""
    by_reference: dict[str, list[tuple[int, int, str]]] = {}
    adopted = TransitionEnvelope.objects.filter(source_run__isnull=False).values_list(
        "record__reference", "source_position", "source_row", "transition"
    )
    rejected = BackfillReject.objects.filter(resolved_at__isnull=True).values_list(
        "reference", "source_position", "source_row", "transition"
    )
    for reference, position, row, transition in [*adopted, *rejected]:
        place = (position or 0, row or 0, transition)
        by_reference.setdefault(reference, []).append(place)
    counted: Counter[tuple[str, str]] = Counter()
    for places in by_reference.values():
        names = [name for _, _, name in sorted(places)]
        counted.update(zip(["", *names], [*names, ""], strict=True))
    return counted


def in_flight() -> int:
    return TransitionEnvelope.objects.exclude(state__in=[State.RECONSTRUCTED, State.FIRED]).count()
