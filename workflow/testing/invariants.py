"""What must hold of records, whatever was killed on the way: counted, not believed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import Count
from simple_history.utils import get_history_manager_for_model

from audit.models import Entry
from audit.verify import check_chain, verify_all
from workflow.definition import registry
from workflow.models import (
    FINAL,
    Attempt,
    EffectAttempt,
    EffectEntry,
    Origin,
    Record,
    State,
    Tracked,
    TransitionEnvelope,
)


def faults(*, records: Collection[UUID] | None = None) -> list[str]:
    """Return everything that is wrong, in words; empty when the records are whole.

    Args:
        records: Which to look at; None: all of them, and the whole trail.
    """
    envelopes = TransitionEnvelope.objects.select_related("record").exclude(
        state=State.RECONSTRUCTED
    )
    if records is not None:
        envelopes = envelopes.filter(record__in=records)
    found = list(envelopes)
    return [
        *_chains(records),
        *_entries(found, records),
        *_records(found, records),
        *_attempts(found),
        *_history(found),
        *_effects(records),
    ]


def _chains(records: Collection[UUID] | None) -> Iterator[str]:
    reports = [verify_all()] if records is None else [check_chain(each) for each in records]
    yield from (f"chain broken: {each}" for report in reports for each in report.faults)


def _entries(
    envelopes: list[TransitionEnvelope], records: Collection[UUID] | None
) -> Iterator[str]:
    """Each envelope fired has one entry of it, and each that was asked for one `requested`."""
    told: dict[str, Counter[UUID | None]] = defaultdict(Counter)
    entries = Entry.objects.exclude(action="reconstructed")
    if records is not None:
        entries = entries.filter(chain__in=records)
    for action, name in entries.values_list("action", "transition_id"):
        told[action][name] += 1
    for each in envelopes:
        fired = told["fired"][each.pk]
        if fired != (each.state == State.FIRED):
            yield f"{each} is {each.state} and has {fired} fired entries"
        requested = told["requested"][each.pk] + told["refused"][each.pk]
        if each.origin != Origin.TIMER and each.state != State.REFUSED and requested != 1:
            yield f"{each} has {requested} entries of its request"
    known = {each.pk for each in envelopes}
    yield from (
        f"{action} entry of {name}, which there is not"
        for action, names in told.items()
        for name in names
        if name is not None and name not in known
    )


def _records(
    envelopes: list[TransitionEnvelope], records: Collection[UUID] | None
) -> Iterator[str]:
    """Versions follow on one another, and the last one that fired is where the record stands."""
    fired: dict[UUID, list[TransitionEnvelope]] = defaultdict(list)
    for each in envelopes:
        if each.state == State.FIRED:
            fired[each.record_id].append(each)
    rows = Record.objects.all() if records is None else Record.objects.filter(pk__in=records)
    for record in rows:
        steps = sorted(fired[record.pk], key=lambda each: each.resulting_version or 0)
        versions = [each.resulting_version for each in steps]
        if versions != list(range(1, record.version + 1)):
            yield f"{record} is at version {record.version}, fired were {versions}"
        if steps and (record.status, record.last_transition_id) != (
            steps[-1].target,
            steps[-1].pk,
        ):
            yield f"{record} is {record.status!r}, last fired was {steps[-1].target!r}"
    busy = TransitionEnvelope.objects.in_flight().filter(record__in=rows)
    shared = busy.values("record").annotate(held=Count("pk")).filter(held__gt=1).order_by()
    for row in shared:
        yield f"slot of {row['record']} is held {row['held']} times"


def _attempts(envelopes: list[TransitionEnvelope]) -> Iterator[str]:
    """Every claim that ended has its attempt, and no other has."""
    fences: dict[UUID, list[int]] = defaultdict(list)
    names = [each.pk for each in envelopes]
    for start in range(0, len(names), 500):
        some = Attempt.objects.filter(envelope__in=names[start : start + 500])
        for name, fence in some.order_by("fence").values_list("envelope", "fence"):
            fences[name].append(fence)
    for each in envelopes:
        ended = each.fence - (each.state == State.RUNNING)
        if fences[each.pk] != list(range(1, ended + 1)):
            yield (
                f"{each} ({each.state}) was claimed {each.fence} times,"
                f" attempts are {fences[each.pk]}"
            )


def _history(envelopes: list[TransitionEnvelope]) -> Iterator[str]:
    """Each transition that fired has one row in the history of its subject's fields."""
    fired: dict[type[Tracked], list[TransitionEnvelope]] = defaultdict(list)
    for each in envelopes:
        workflow = registry.find(each.workflow, each.definition_version)
        if workflow is not None and each.state == State.FIRED:
            fired[workflow.subject].append(each)
    for model, some in fired.items():
        history = get_history_manager_for_model(model).model
        rows: Counter[UUID] = Counter()
        for start in range(0, len(some), 500):
            names = [each.pk for each in some[start : start + 500]]
            found = history.objects.filter(transition_id__in=names)
            rows.update(found.values_list("transition_id", flat=True))
        for each in some:
            if rows[each.pk] != 1:
                yield f"{each} fired and has {rows[each.pk]} history rows"


def _effects(records: Collection[UUID] | None) -> Iterator[str]:
    """Every claim of a call has its attempt; ends agree; nothing follows what has not fired."""
    rows = EffectEntry.objects.select_related("envelope")
    if records is not None:
        rows = rows.filter(record__in=records)
    fences: dict[int, list[int]] = defaultdict(list)
    attempts = EffectAttempt.objects.filter(effect__in=rows).order_by("effect", "fence")
    for effect, fence in attempts.values_list("effect", "fence"):
        fences[effect].append(fence)
    for row in rows:
        ended = row.fence - (row.claim is not None)
        if fences[row.pk] != list(range(1, ended + 1)):
            yield f"{row} ({row.state}) is at fence {row.fence}, attempts are {fences[row.pk]}"
        if row.is_final != (row.finished_at is not None) or (row.is_final and row.due_at):
            yield f"{row} is {row.state}, finished {row.finished_at}, due {row.due_at}"
        if not row.is_final and not row.is_stuck and row.due_at is None:
            yield f"{row} is {row.state} and never due"
        if row.phase == "after" and row.envelope.state != State.FIRED:
            yield f"{row} follows from a transition that is {row.envelope.state}"


def unfinished() -> list[str]:
    """Return the requests (timers apart) that have come to no end, and so hold a slot."""
    left = TransitionEnvelope.objects.exclude(state__in=FINAL).exclude(origin=Origin.TIMER)
    return [f"{each} is {each.state}, worker {each.worker}" for each in left]
