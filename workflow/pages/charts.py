"""Bars and lines as SVG shapes: throughput and latency, readable without colour too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format

from workflow.queries.activity import Activity, Bucket
from workflow.queries.moments import duration

WIDTH, HEIGHT = 620, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 24
_TICKS = 4
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One step of time."""

    x: float
    width: float
    fired_y: float
    fired_height: float
    other_y: float
    other_height: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Bars:
    """The chart of outcomes."""

    bars: tuple[Bar, ...]
    ups: tuple[Tick, ...]
    overs: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One measured value."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The chart of latency."""

    p50: tuple[str, ...]
    """Points of polylines; a gap begins a new one."""

    p95: tuple[str, ...]
    dots50: tuple[Dot, ...]
    dots95: tuple[Dot, ...]
    ups: tuple[Tick, ...]
    overs: tuple[Tick, ...]


def bars(activity: Activity) -> Bars:
    """Return the chart of how many outcomes there were in each step."""
    top = _ceiling(max((bucket.total for bucket in activity.buckets), default=0))
    step = _step(activity)
    shapes = []
    for number, bucket in enumerate(activity.buckets):
        fired = _inner() * bucket.fired / top
        other = _inner() * bucket.other / top
        base = HEIGHT - _BOTTOM
        shapes.append(
            Bar(
                x=round(_LEFT + number * step + step * 0.12, 2),
                width=round(step * 0.76, 2),
                fired_y=round(base - fired, 2),
                fired_height=round(fired, 2),
                other_y=round(base - fired - other, 2),
                other_height=round(other, 2),
                title=f"{_when(bucket.at, activity)}: {bucket.fired:,} + {bucket.other:,}",
            )
        )
    return Bars(
        bars=tuple(shapes),
        ups=tuple(
            Tick(at=_height(top * n / _TICKS, top), text=f"{top * n / _TICKS:,.6g}")
            for n in range(_TICKS + 1)
        ),
        overs=_overs(activity),
    )


def lines(activity: Activity) -> Lines:
    """Return the chart of how long half, and 95 of 100, took."""
    highest = max((bucket.p95 or 0.0 for bucket in activity.buckets), default=0.0)
    top = _ceiling(highest) if highest else 1.0
    return Lines(
        p50=_polylines(activity, [bucket.p50 for bucket in activity.buckets], top),
        p95=_polylines(activity, [bucket.p95 for bucket in activity.buckets], top),
        dots50=_dots(activity, [bucket.p50 for bucket in activity.buckets], top),
        dots95=_dots(activity, [bucket.p95 for bucket in activity.buckets], top),
        ups=tuple(
            Tick(
                at=_height(top * n / _TICKS, top),
                text=duration(timedelta(seconds=top * n / _TICKS)) if n else "0",
            )
            for n in range(_TICKS + 1)
        ),
        overs=_overs(activity),
    )


def _polylines(activity: Activity, values: Sequence[float | None], top: float) -> tuple[str, ...]:
    found: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append(f"{_x(activity, number):g},{_height(value, top):g}")
    return tuple(" ".join(points) for points in found if len(points) > 1)


def _dots(activity: Activity, values: Iterable[float | None], top: float) -> tuple[Dot, ...]:
    return tuple(
        Dot(
            x=_x(activity, number),
            y=_height(value, top),
            title=f"{_when(activity.buckets[number].at, activity)}:"
            f" {duration(timedelta(seconds=value))}",
        )
        for number, value in enumerate(values)
        if value is not None
    )


def _x(activity: Activity, number: int) -> float:
    return round(_LEFT + (number + 0.5) * _step(activity), 2)


def _step(activity: Activity) -> float:
    return (WIDTH - _LEFT - _RIGHT) / max(1, len(activity.buckets))


def _inner() -> float:
    return HEIGHT - _TOP - _BOTTOM


def _height(value: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - _inner() * min(value / top, 1.0), 2)


def _overs(activity: Activity) -> tuple[Tick, ...]:
    every = max(1, len(activity.buckets) // 6)
    return tuple(
        Tick(at=_x(activity, number), text=_when(bucket.at, activity))
        for number, bucket in enumerate(activity.buckets)
        if number % every == every // 2
    )


def _when(at: datetime, activity: Activity) -> str:
    form = "D H:i" if activity.span.step > timedelta(hours=1) else "H:i"
    return date_format(timezone.localtime(at), form)


def _ceiling(value: float) -> float:
    """Return the next round number, so that the axis is marked with round ones."""
    if value <= 0:
        return 4.0
    power = 1.0
    while value > power * 10:
        power *= 10
    while value <= power:
        power /= 10
    return next(nice * power for nice in _NICE if value <= nice * power * 1.0000001)


def has_latency(buckets: Iterable[Bucket]) -> bool:
    """Return whether there is any latency to draw."""
    return any(bucket.p50 is not None for bucket in buckets)
