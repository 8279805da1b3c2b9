"""The engine's settings, read once a process and checked against each other at start-up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.core.signals import setting_changed


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one attempt and one batch; each from `settings.ESCAPEMENT`."""

    lease: timedelta
    """How long a claim holds without renewal; a dead worker's envelopes wait this long at most."""

    send_window: timedelta
    """How long after its intent a downstream call may begin; shorter than the lease."""

    calls: int
    """Most downstream calls that one worker makes at a time."""

    batch: int
    """Most envelopes claimed and committed together."""

    payload_bytes: int
    """Largest payload of a request, as canonical JSON."""

    drain: timedelta
    """How long a stopping cluster may finish what it has begun."""

    ask_first: bool
    """Whether calls are looked up before they are first sent: for the time after a restore."""


@cache
def limits() -> Limits:
    """Return the limits in force."""
    chosen = getattr(settings, "ESCAPEMENT", {})
    return Limits(
        lease=timedelta(seconds=chosen.get("LEASE_SECONDS", 30)),
        send_window=timedelta(seconds=chosen.get("SEND_WINDOW_SECONDS", 5)),
        calls=chosen.get("CALLS_PER_WORKER", 200),
        batch=chosen.get("BATCH_SIZE", 200),
        payload_bytes=chosen.get("PAYLOAD_LIMIT_BYTES", 65536),
        drain=timedelta(seconds=chosen.get("DRAIN_SECONDS", 30)),
        ask_first=bool(chosen.get("ASK_FIRST", False)),
    )


def _forget(**_: object) -> None:
    limits.cache_clear()


setting_changed.connect(_forget)
