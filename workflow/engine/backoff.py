"""When to try again, and when to stop trying."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from workflow.definition import Retry, UnknownDefinition, registry
from workflow.models import TransitionEnvelope


def policy(envelope: TransitionEnvelope) -> Retry:
    """Return the envelope's retry policy; the default one if its definition is not here."""
    try:
        workflow = registry.get(envelope.workflow, envelope.definition_version)
    except UnknownDefinition:
        return Retry()
    transition = workflow.by_name.get(envelope.transition)
    return Retry() if transition is None else transition.retry


def next_try(
    *, retry: Retry, failures: int, now: datetime, at_least: timedelta | None = None
) -> datetime | None:
    """Return when to try again after so many failures; None when the attempts are used up.

    Half of the delay is random, so that what failed together does not come back together.
    """
    if failures >= retry.attempts:
        return None
    delay = retry.delay(failures=failures)
    jittered = delay * random.uniform(0.5, 1.0)  # noqa: S311  (spreads load, guards nothing)
    return now + max(jittered, at_least or timedelta(0))
