"""What the receivers of effects counted, against the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from workflow.examples.declarations.campaign.stage import Stage
from workflow.models import (
    EFFECT_STUCK,
    Doubt,
    EffectAttempt,
    EffectEntry,
    EffectState,
    Kind,
    Outcome,
)
from workflow.testing.downstream import Journal
from workflow.testing.downstream.reporting import OUT_OF_ORDER

_LETTER = "letter"
_MAY_HAVE_HAPPENED = (Outcome.UNKNOWN, Outcome.DIED, Outcome.DONE, Outcome.PENDING)
_MAY_BE_THERE = (EffectState.DONE, *EFFECT_STUCK)


def duplicate_effects(_: Stage, journal: Journal) -> Iterator[str]:
    """Yield what a downstream did twice under one key, which honours keys or can be asked."""
    done = Counter((deed.kind, deed.key) for deed in journal.deeds())
    for (kind, key), times in done.items():
        if times > 1 and kind != _LETTER:
            yield f"{kind} {key}: {times} times"


def silent_resends(_: Stage, journal: Journal) -> Iterator[str]:
    """Yield letters that were sent again although they may have been posted, unasked.

    By the receiver (posted twice), by the ledger (sent after a doubt that no person has settled),
    and between the two (calls of which the ledger has no attempt).
    """
    posted = Counter(deed.key for deed in journal.deeds(kind=_LETTER))
    yield from (f"{key}: posted {times} times" for key, times in posted.items() if times > 1)
    calls = Counter(call.key for call in journal.calls(downstream="letters", method="POST"))
    sends: Counter[str] = Counter()
    letters = EffectEntry.objects.filter(recovery=Doubt.ASK).in_bulk()
    doubtful: set[int] = set()
    attempts = EffectAttempt.objects.filter(effect__recovery=Doubt.ASK).order_by("effect", "fence")
    for each in attempts:
        key = letters[each.effect_id].key
        if each.kind == Kind.PERSON:
            doubtful.discard(each.effect_id)
        if each.kind != Kind.SEND:
            continue
        if each.outcome != Outcome.UNSENT and each.effect_id in doubtful:
            yield f"{key}: sent again at fence {each.fence}, and nobody had looked"
        if each.outcome in _MAY_HAVE_HAPPENED:
            doubtful.add(each.effect_id)
        sends[key] += 1
    for key, count in calls.items():
        if count > sends[key]:
            yield f"{key}: {count} calls, and {sends[key]} attempts"


def out_of_order(_: Stage, journal: Journal) -> Iterator[str]:
    """Yield reports that overtook an earlier one of their record."""
    for deed in journal.deeds(note=OUT_OF_ORDER):
        yield f"{deed.key}: place {deed.place} of {deed.reference}"


def disagreements(_: Stage, journal: Journal) -> Iterator[str]:
    """Yield what only one of ledger and receiver says was done."""
    done = {deed.key for deed in journal.deeds()}
    states = {each.key: each.state for each in EffectEntry.objects.all().iterator()}
    for key, state in states.items():
        if state == EffectState.DONE and key not in done:
            yield f"{key}: done by the ledger, not by its receiver"
    for key in done:
        if states.get(key) not in _MAY_BE_THERE:
            yield f"{key}: done by its receiver, {states.get(key)} by the ledger"


def unfinished_effects() -> Iterator[str]:
    """Yield effects that neither ended nor wait, themselves or their forerunner, for a person."""
    stuck = EffectEntry.objects.filter(
        record=OuterRef("record"),
        channel=OuterRef("channel"),
        state__in=EFFECT_STUCK,
        finished_at__isnull=True,
        pk__lt=OuterRef("pk"),
    )
    left = EffectEntry.objects.unfinished().exclude(state__in=EFFECT_STUCK)
    for each in left.exclude(Exists(stuck)):
        yield f"{each.key} is {each.state}, worker {each.worker!r}"
