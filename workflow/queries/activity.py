"""Throughput and latency over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from django.db.models import Count as CountOf
from django.db.models import QuerySet
from django.db.models.functions import TruncHour, TruncMinute

from workflow.models import State, TransitionEnvelope

_SAMPLE = 3000
"""Latencies are taken from so many of the envelopes that finished last."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """How far back to look, and in which steps."""

    name: str
    step: timedelta
    steps: int
    trunc: type[TruncHour | TruncMinute]
    """What the database rounds to; several of its steps may make one of ours."""

    @property
    def length(self) -> timedelta:
        """The whole of it."""
        return self.step * self.steps


SPANS = {
    "hour": Span(name="hour", step=timedelta(minutes=1), steps=60, trunc=TruncMinute),
    "day": Span(name="day", step=timedelta(hours=1), steps=24, trunc=TruncHour),
    "week": Span(name="week", step=timedelta(hours=6), steps=28, trunc=TruncHour),
}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One step of time."""

    at: datetime
    fired: int = 0
    other: int = 0
    """Refused, failed or cancelled."""

    p50: float | None = None
    """Seconds from request to outcome of half of them; None without a sample."""

    p95: float | None = None

    @property
    def total(self) -> int:
        """All outcomes."""
        return self.fired + self.other


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Outcomes over a span, the oldest step first."""

    span: Span
    buckets: tuple[Bucket, ...]
    p50: float | None
    p95: float | None

    @property
    def total(self) -> int:
        """All outcomes of the span."""
        return sum(bucket.total for bucket in self.buckets)


def activity(*, span: Span, now: datetime) -> Activity:
    """Return outcomes by step of time, in two statements.

    Latency counts from when a transition was due to begin to its outcome; what was scheduled for
    later counts from its request and is left out.
    """
    first = _floor(now.astimezone(UTC), span) - span.step * (span.steps - 1)
    finished = TransitionEnvelope.objects.filter(finished_at__gte=first)
    counts = _counts(finished, span)
    samples = _samples(finished, span)
    buckets = []
    for number in range(span.steps):
        at = first + number * span.step
        fired, other = counts.get(at, (0, 0))
        p50, p95 = _quantiles(samples.get(at, ()))
        buckets.append(Bucket(at=at, fired=fired, other=other, p50=p50, p95=p95))
    p50, p95 = _quantiles([each for some in samples.values() for each in some])
    return Activity(span=span, buckets=tuple(buckets), p50=p50, p95=p95)


def _counts(finished: QuerySet[TransitionEnvelope], span: Span) -> dict[datetime, tuple[int, int]]:
    rows = (
        finished.annotate(step=span.trunc("finished_at", tzinfo=UTC))
        .values("step", "state")
        .annotate(n=CountOf("pk"))
        .order_by()
        .values_list("step", "state", "n")
    )
    counts: dict[datetime, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for at, state, n in rows:
        step = _floor(at, span)
        fired, other = counts[step]
        counts[step] = (fired + n, other) if state == State.FIRED else (fired, other + n)
    return counts


def _samples(finished: QuerySet[TransitionEnvelope], span: Span) -> dict[datetime, list[float]]:
    newest = (
        finished.filter(state=State.FIRED)
        .exclude(origin="timer")
        .order_by("-finished_at")
        .values_list("requested_at", "finished_at")[:_SAMPLE]
    )
    samples: dict[datetime, list[float]] = defaultdict(list)
    for requested_at, finished_at in newest:
        if finished_at is None:
            continue
        samples[_floor(finished_at.astimezone(UTC), span)].append(
            (finished_at - requested_at).total_seconds()
        )
    return samples


def _floor(at: datetime, span: Span) -> datetime:
    """Return the beginning of the step in which a time lies, counted from midnight, UTC."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // span.step * span.step


def _quantiles(values: Iterable[float]) -> tuple[float | None, float | None]:
    ordered = sorted(values)
    if not ordered:
        return None, None
    if len(ordered) == 1:
        return ordered[0], ordered[0]
    cuts = quantiles(ordered, n=20, method="inclusive")
    return cuts[9], cuts[18]
