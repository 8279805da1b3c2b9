"""What must be 0 after a campaign, each with examples; for a database that stands still."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from audit.models import Entry
from audit.verify import verify_all
from workflow.engine.trail import Action
from workflow.examples.declarations.campaign.downstream_checks import (
    disagreements,
    duplicate_effects,
    out_of_order,
    silent_resends,
    unfinished_effects,
)
from workflow.examples.declarations.campaign.release.workflows import NAME, workflow
from workflow.examples.declarations.campaign.stage import Stage
from workflow.examples.declarations.models import Declaration
from workflow.models import (
    FINAL,
    Attempt,
    BackfillReject,
    EffectEntry,
    EffectState,
    Record,
    State,
    TransitionEnvelope,
)
from workflow.queries.drift import drift, drifting
from workflow.testing.downstream import Journal

KEPT = 20
"""Examples of each that are kept."""

_TOGETHER = 400
_ANSWERS_WITH_ENVELOPE = ("Accepted", "Repeated", "Refused")

Check = Callable[[Stage, Journal], Iterator[str]]


def count_all(*, stage: Stage, journal: Journal) -> dict[str, tuple[int, list[str]]]:
    """Return, for everything that must not be, how often it is, and some examples."""
    found = {}
    for what, check in CHECKS.items():
        said = list(check(stage, journal))
        found[what] = (len(said), said[:KEPT])
    return found


def lost(stage: Stage, _: Journal) -> Iterator[str]:
    """Yield requests that a client has an answer to, and the database has not."""
    told: dict[str, str] = {}
    for line in stage.said("client-"):
        if line.get("told") in _ANSWERS_WITH_ENVELOPE:
            told[line["id"]] = line["told"]
    names = list(told)
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        there = TransitionEnvelope.objects.filter(pk__in=some).values_list("pk", flat=True)
        known = {str(each) for each in there}
        yield from (f"{name} was {told[name]}" for name in some if name not in known)


def lost_history(stage: Stage, _: Journal) -> Iterator[str]:
    """Yield rows of the backfill's source that were neither adopted nor rejected."""
    with stage.history.open() as lines:
        rows = sum(1 for _ in lines) - 1
    adopted = TransitionEnvelope.objects.filter(state=State.RECONSTRUCTED).count()
    rejected = BackfillReject.objects.filter(resolved_at__isnull=True).count()
    yield from [f"of {rows} rows {adopted} adopted, {rejected} rejected"] * abs(
        rows - adopted - rejected
    )


def duplicate_commits(_: Stage, __: Journal) -> Iterator[str]:
    """Yield transitions that happened more than once, by any of four witnesses."""
    fired: Counter[UUID | None] = Counter(
        Entry.objects.filter(action=Action.FIRED).values_list("transition_id", flat=True)
    )
    yield from (f"{name} has {times} fired entries" for name, times in fired.items() if times > 1)
    rows = Counter(
        Declaration.history.exclude(transition_id=None).values_list("transition_id", flat=True)
    )
    yield from (f"{name} has {times} history rows" for name, times in rows.items() if times > 1)
    versions = Counter(
        TransitionEnvelope.objects.filter(state=State.FIRED).values_list(
            "record", "resulting_version"
        )
    )
    yield from (
        f"{which} was made {times} times" for which, times in versions.items() if times > 1
    )
    moved = Declaration.objects.filter(record__workflow=NAME).select_related("record")
    yield from (
        f"{each} is at version {each.record.version}, and was applied {each.receipts} times"
        for each in moved
        if each.record is not None and each.receipts != each.record.version
    )


def wrong_answers(stage: Stage, _: Journal) -> Iterator[str]:
    """Yield answers that clients and operators should not have had."""
    for prefix in ("client-", "operators"):
        yield from (line["wrong"] for line in stage.said(prefix) if "wrong" in line)


def illegal_edges(_: Stage, __: Journal) -> Iterator[str]:
    """Walk each record's fired entries along the declared table, from the initial status."""
    table = workflow(1)
    edges = {
        (str(source.value), each.name, str(each.target.value))
        for each in table.transitions
        for source in each.sources
    }
    names = dict(
        TransitionEnvelope.objects.filter(state=State.FIRED).values_list("pk", "transition")
    )
    at: dict[UUID, str] = defaultdict(lambda: str(table.initial.value))
    steps: Counter[UUID] = Counter()
    fired = Entry.objects.filter(action=Action.FIRED).order_by("chain", "sequence")
    for chain, old, new, name in fired.values_list("chain", "old", "new", "transition_id"):
        transition = names.get(name, "") if name else ""
        if (old, transition, new) not in edges or old != at[chain]:
            yield f"{chain}: {transition or name} from {old} to {new}, it stood at {at[chain]}"
        at[chain] = new
        steps[chain] += 1
    for record in Record.objects.filter(workflow=NAME):
        if (record.status, record.version) != (at[record.pk], steps[record.pk]):
            yield f"{record} is {record.status} at {record.version}, not {at[record.pk]}"


def unaudited(_: Stage, __: Journal) -> Iterator[str]:
    """Yield changes that the trail, the histories or the attempts do not tell of."""
    told: dict[str, set[UUID | None]] = defaultdict(set)
    for action, name in Entry.objects.values_list("action", "transition_id"):
        told[action].add(name)
    fences: dict[UUID, list[int]] = defaultdict(list)
    for name, fence in Attempt.objects.order_by("fence").values_list("envelope", "fence"):
        fences[name].append(fence)
    rows = set(
        Declaration.history.exclude(transition_id=None).values_list("transition_id", flat=True)
    )
    for each in TransitionEnvelope.objects.all().iterator():
        yield from (
            f"{each} ({each.state}): {problem}"
            for problem in _untold(each, told, fences[each.pk], rows)
        )
    yield from (str(each) for each in drifting())
    for record in Record.objects.filter(workflow=NAME, version__gt=0):
        yield from (str(each) for each in drift(record=record))


def _untold(
    each: TransitionEnvelope,
    told: Mapping[str, set[UUID | None]],
    fences: list[int],
    rows: set[Any],
) -> Iterator[str]:
    if (each.state == State.FIRED) != (each.pk in told[Action.FIRED]):
        yield "fired by the envelope or by the trail, not by both"
    if each.state == State.FIRED and each.pk not in rows:
        yield "no history row"
    asked = each.origin not in ("timer", "backfill") and each.state != State.REFUSED
    if asked and each.pk not in told[Action.REQUESTED]:
        yield "no entry of its request"
    problem = untold_claims(fence=each.fence, is_held=each.state == State.RUNNING, fences=fences)
    if problem:
        yield problem


def untold_claims(*, fence: int, is_held: bool, fences: list[int]) -> str:
    """Return what is wrong with the attempts of an envelope; empty if nothing is.

    The claim by which it came to where it is has its attempt, and there is none of a claim that
    was not made. Between, there may be gaps: of a batch in which one was slow, the rest is given
    back without having been begun (`workflow.engine.commit`), which is no attempt.

    Args:
        fence: Number of the latest claim.
        is_held: Whether that one is not over yet.
        fences: Numbers of the claims that have an attempt, in order.
    """
    expected = fence - is_held
    if fences == sorted(set(fences)) and (fences[-1:] or [0])[0] == expected:
        return ""
    return f"claimed {fence} times, attempts are {fences}"


def unfinished(_: Stage, __: Journal) -> Iterator[str]:
    """Yield what is neither final nor scheduled nor parked."""
    yield from _unfinished_envelopes()
    yield from unfinished_effects()


def _unfinished_envelopes() -> Iterator[str]:
    left = TransitionEnvelope.objects.exclude(state__in=[*FINAL, State.SCHEDULED, State.PARKED])
    yield from (f"{each} is {each.state}, worker {each.worker!r}" for each in left)


def unended() -> Iterator[str]:
    """Yield what is unfinished, or waits for a person who has to wait until all has landed."""
    yield from _unfinished_envelopes()
    yield from unfinished_effects()
    letters = EffectEntry.objects.filter(state=EffectState.IN_DOUBT, finished_at__isnull=True)
    yield from map(str, letters)


def broken_chains(_: Stage, __: Journal) -> Iterator[str]:
    """Verify the whole trail."""
    yield from map(str, verify_all().faults)


CHECKS: Mapping[str, Check] = {
    "lost requests": lost,
    "lost rows of history": lost_history,
    "duplicate commits": duplicate_commits,
    "wrong answers": wrong_answers,
    "illegal edges": illegal_edges,
    "unaudited changes": unaudited,
    "duplicate effects": duplicate_effects,
    "silent re-sends": silent_resends,
    "effects out of order": out_of_order,
    "ledger against receivers": disagreements,
    "neither final nor scheduled nor parked": unfinished,
    "broken chains": broken_chains,
}
