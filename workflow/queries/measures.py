"""Figures about the whole: what waits, what is stuck, how well and how fast things went lately.

Each is one statement over rows that are few (what is unfinished) or recent (what ended within
`WINDOW`), and has an index: a scrape costs the same however long the history is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from audit.models import Entry, Seal, Verification
from workflow.models import (
    FINAL,
    Channel,
    Cluster,
    EffectEntry,
    Pause,
    State,
    TransitionEnvelope,
)
from workflow.queries.world import SILENT_AFTER

WINDOW = timedelta(minutes=5)
"""What counts as lately."""

_SAMPLES = 2000
"""Latencies that quantiles are drawn from, the latest ones."""

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure with a value for each combination of labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], float] = field(default_factory=dict)
    is_counter: bool = False


def measures(*, now: datetime) -> Iterator[Measure]:
    """Yield every figure; fourteen statements."""
    yield from _envelopes(now)
    yield from _lately(now)
    yield from _effects(now)
    yield from _channels(now)
    yield from _clusters(now)
    yield from _trail(now)


def _envelopes(now: datetime) -> Iterator[Measure]:
    states = [state for state in State if state not in FINAL]
    unfinished = TransitionEnvelope.objects.filter(state__in=states)
    yield _counted(
        "envelopes",
        "Transitions that are not finished.",
        ("workflow", "state"),
        unfinished.values_list("workflow", "state").annotate(number=Count("pk")),
    )
    ready = TransitionEnvelope.objects.ready(now=now).not_paused(now=now)
    yield _aged(
        "oldest_due_seconds",
        "How long the oldest transition has been due without being begun; paused ones left out.",
        ("workflow",),
        ready.values_list("workflow").annotate(at=Min("due_at")),
        now,
    )


def _lately(now: datetime) -> Iterator[Measure]:
    ended = TransitionEnvelope.objects.filter(finished_at__gte=now - WINDOW)
    yield _counted(
        "finished_recent",
        "Transitions that finished in the last five minutes.",
        ("workflow", "transition", "state"),
        ended.values_list("workflow", "transition", "state").annotate(number=Count("pk")),
    )
    fired = ended.filter(state=State.FIRED)
    tried = list(
        fired.values_list("workflow").annotate(
            number=Count("pk"), first=Count("pk", filter=Q(attempts=1)), tries=Sum("attempts")
        )
    )
    yield Measure(
        name="first_try_ratio",
        help="Share of the transitions fired in the last five minutes that took one attempt.",
        labels=("workflow",),
        values={(name,): first / number for name, number, first, _ in tried},
    )
    yield Measure(
        name="attempts_recent",
        help="Attempts that the transitions fired in the last five minutes took.",
        labels=("workflow",),
        values={(name,): tries for name, _, _, tries in tried},
    )
    took = fired.order_by("-finished_at").values_list("workflow", "requested_at", "finished_at")
    samples: dict[str, list[float]] = defaultdict(list)
    for name, began, finished in took[:_SAMPLES]:
        if finished is not None:
            samples[name].append((finished - began).total_seconds())
    yield _quantiles(
        "latency_seconds",
        "From request to outcome, of transitions fired in the last five minutes.",
        "workflow",
        samples,
    )


def _effects(now: datetime) -> Iterator[Measure]:
    unfinished = EffectEntry.objects.filter(finished_at__isnull=True)
    yield _counted(
        "effects",
        "Downstream calls that are not finished. in_doubt and parked wait for a person.",
        ("channel", "state"),
        unfinished.values_list("channel", "state").annotate(number=Count("pk")),
    )
    due = unfinished.filter(claim__isnull=True, due_at__lte=now)
    yield _aged(
        "oldest_effect_due_seconds",
        "How long the oldest downstream call has been due without being begun.",
        ("channel",),
        due.values_list("channel").annotate(at=Min("due_at")),
        now,
    )
    done = EffectEntry.objects.filter(
        envelope__finished_at__gte=now - WINDOW, finished_at__isnull=False
    )
    took = done.order_by("-pk").values_list("channel", "planned_at", "finished_at", "attempts")
    samples: dict[str, list[float]] = defaultdict(list)
    first: dict[str, list[bool]] = defaultdict(list)
    for name, planned, finished, attempts in took[:_SAMPLES]:
        if finished is not None:
            samples[name].append((finished - planned).total_seconds())
        first[name].append(attempts == 0)
    yield _quantiles(
        "effect_latency_seconds",
        "From plan to outcome, of calls for transitions that finished in the last five minutes.",
        "channel",
        samples,
    )
    yield Measure(
        name="effect_first_try_ratio",
        help="Share of those calls that did not fail or fall into doubt before.",
        labels=("channel",),
        values={(name,): sum(each) / len(each) for name, each in first.items()},
    )


def _channels(now: datetime) -> Iterator[Measure]:
    rows = list(Channel.objects.values_list("name", "opens_at", "failures", "closed_by"))
    yield Measure(
        name="channel_open",
        help="Whether calls may begin on a channel: 1 or 0.",
        labels=("channel",),
        values={(name,): float(at is None or at <= now) for name, at, _, _ in rows},
    )
    yield Measure(
        name="channel_failures",
        help="Failed calls in a row.",
        labels=("channel",),
        values={(name,): failures for name, _, failures, _ in rows},
    )
    yield _counted(
        "pauses",
        "Stops by people that are in force.",
        ("scope", "name"),
        Pause.objects.in_force(now=now).values_list("scope", "name").annotate(number=Count("pk")),
    )


def _clusters(now: datetime) -> Iterator[Measure]:
    rows = list(Cluster.objects.values_list("seen_at", "workers", "restarts", "stopped_at"))
    alive = [row for row in rows if row[3] is None and row[0] > now - SILENT_AFTER]
    yield _single("workers", "Worker processes of clusters that live.", sum(r[1] for r in alive))
    yield _single("clusters", "Clusters that live.", len(alive))
    yield _single(
        "cluster_restarts",
        "How often the clusters of the last week were started anew: killed or wedged.",
        sum(row[2] for row in rows),
    )


def _trail(now: datetime) -> Iterator[Measure]:
    last = Entry.objects.aggregate(last=Max("pk"))["last"] or 0
    yield Measure(
        name="trail_entries",
        help="Entries of the audit trail, by the last one's number.",
        values={(): last},
        is_counter=True,
    )
    sealed = Seal.objects.order_by("-number").values_list("sealed_at", flat=True).first()
    if sealed is not None:
        yield _single("seal_age_seconds", "Age of the last seal.", (now - sealed).total_seconds())
    verified = (
        Verification.objects.filter(finished_at__isnull=False)
        .order_by("-finished_at")
        .values_list("finished_at", "problems")
        .first()
    )
    if verified is not None and verified[0] is not None:
        age = (now - verified[0]).total_seconds()
        yield _single("verification_age_seconds", "Age of the last complete verification.", age)
        yield _single("verification_problems", "What it found.", verified[1])


def _single(name: str, text: str, value: float) -> Measure:
    return Measure(name=name, help=text, values={(): float(value)})


def _counted(name: str, text: str, labels: tuple[str, ...], rows: Any) -> Measure:
    values = {tuple(map(str, row[:-1])): float(row[-1]) for row in rows.order_by()}
    return Measure(name=name, help=text, labels=labels, values=values)


def _aged(name: str, text: str, labels: tuple[str, ...], rows: Any, now: datetime) -> Measure:
    values = {tuple(row[:-1]): (now - row[-1]).total_seconds() for row in rows.order_by()}
    return Measure(name=name, help=text, labels=labels, values=values)


def _quantiles(name: str, text: str, label: str, samples: dict[str, list[float]]) -> Measure:
    values: dict[tuple[str, ...], float] = {}
    for key, found in samples.items():
        found.sort()
        for share in QUANTILES:
            values[key, f"{share:g}"] = found[min(len(found) - 1, int(share * len(found)))]
    return Measure(name=name, help=text, labels=(label, "quantile"), values=values)
