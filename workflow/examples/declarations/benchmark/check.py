"""The books after a benchmark: what is fast and wrong is not fast."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from audit.models import Entry
from audit.verify import verify_all
from workflow.examples.declarations.benchmark.processes import told
from workflow.examples.declarations.benchmark.workflow import NAME, Status
from workflow.models import Attempt, EffectEntry, EffectState, Ending, Record, TransitionEnvelope


def faults(*, asked: int, sink: str) -> Iterator[str]:
    """Yield what is not as it must be after so many approvals."""
    envelopes = TransitionEnvelope.objects.filter(workflow=NAME)
    approved = Record.objects.filter(workflow=NAME, status=Status.APPROVED.value, version=1)
    yield from _differs("envelopes", envelopes.count(), asked)
    yield from _differs("fired envelopes", envelopes.filter(state="fired").count(), asked)
    yield from _differs("approved records", approved.count(), asked)
    fired = Entry.objects.filter(action="fired")
    yield from _differs("entries of firing", fired.count(), asked)
    twice = fired.values("chain").annotate(n=Count("pk")).filter(n__gt=1)
    yield from _differs("records that fired twice", twice.count(), 0)
    attempts = Attempt.objects.filter(ending=Ending.FIRED)
    yield from _differs("attempts that fired", attempts.count(), asked)
    if sink != "none":
        done = EffectEntry.objects.filter(state=EffectState.DONE)
        counted = told(sink)
        yield from _differs("effects done", done.count(), asked)
        yield from _differs("keys at the sink", counted["keys"], asked)
        yield from _differs("calls at the sink", counted["calls"], asked)
    yield from (f"the trail: {fault}" for fault in verify_all().faults)


def _differs(what: str, found: int, wanted: int) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found:,} instead of {wanted:,}"
