"""What must hold of the whole database, whatever was killed on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from django.db.models import Count

from audit.models import Entry
from audit.verify import verify_all
from workflow.examples.declarations.models import Declaration
from workflow.models import FINAL, Attempt, Record, State, TransitionEnvelope


def faults() -> list[str]:
    """Return everything that is wrong, in words; empty when the database is whole."""
    envelopes = list(TransitionEnvelope.objects.select_related("record"))
    return [
        *_chains(),
        *_entries(envelopes),
        *_records(envelopes),
        *_attempts(envelopes),
        *_fields(),
    ]


def _chains() -> list[str]:
    return [f"chain broken: {each}" for each in verify_all().faults]


def _entries(envelopes: list[TransitionEnvelope]) -> list[str]:
    """Each envelope fired has one entry of it, and each that was asked for one `requested`."""
    told: dict[str, Counter[UUID | None]] = defaultdict(Counter)
    for action, name in Entry.objects.values_list("action", "transition_id"):
        told[action][name] += 1
    found = []
    for each in envelopes:
        fired = told["fired"][each.pk]
        if fired != (each.state == State.FIRED):
            found.append(f"{each} is {each.state} and has {fired} fired entries")
        requested = told["requested"][each.pk] + told["refused"][each.pk]
        if each.origin != "timer" and each.state != State.REFUSED and requested != 1:
            found.append(f"{each} has {requested} entries of its request")
    known = {each.pk for each in envelopes}
    found += [
        f"{action} entry of {name}, which there is not"
        for action, names in told.items()
        for name in names
        if name is not None and name not in known
    ]
    return found


def _records(envelopes: list[TransitionEnvelope]) -> list[str]:
    fired: dict[UUID, list[TransitionEnvelope]] = defaultdict(list)
    for each in envelopes:
        if each.state == State.FIRED:
            fired[each.record_id].append(each)
    found = []
    for record in Record.objects.all():
        steps = sorted(fired[record.pk], key=lambda each: each.resulting_version or 0)
        versions = [each.resulting_version for each in steps]
        if versions != list(range(1, record.version + 1)):
            found.append(f"{record} is at version {record.version}, fired were {versions}")
        if steps and (record.status, record.last_transition_id) != (
            steps[-1].target,
            steps[-1].pk,
        ):
            found.append(f"{record} is {record.status!r}, last fired was {steps[-1].target!r}")
    busy = TransitionEnvelope.objects.in_flight().values("record").annotate(held=Count("pk"))
    found += [f"slot of {each} is held {held} times" for each, held in _pairs(busy) if held > 1]
    return found


def _attempts(envelopes: list[TransitionEnvelope]) -> list[str]:
    """Every claim that ended has its attempt, and no other has."""
    fences: dict[UUID, list[int]] = defaultdict(list)
    for name, fence in Attempt.objects.order_by("fence").values_list("envelope", "fence"):
        fences[name].append(fence)
    return [
        f"{each} ({each.state}) was claimed {each.fence} times, attempts are {fences[each.pk]}"
        for each in envelopes
        if fences[each.pk] != list(range(1, each.fence + (each.state != State.RUNNING)))
    ]


def _fields() -> list[str]:
    """One history row for each transition that fired, and at the desk one effect of `apply`."""
    rows: dict[int, Counter[UUID]] = defaultdict(Counter)
    fired = Declaration.history.exclude(transition_id=None)
    for subject, name in fired.values_list("id", "transition_id"):
        rows[subject][name] += 1
    found = []
    for subject in Declaration.objects.select_related("record"):
        told, version = rows[subject.pk], subject.record.version
        if set(told.values()) - {1} or len(told) != version:
            found.append(f"{subject} is at version {version} and has history rows {dict(told)}")
        if subject.record.workflow == "desk" and subject.receipts != version:
            found.append(f"{subject} was applied {subject.receipts} times")
    return found


def _pairs(rows: Any) -> list[tuple[UUID, int]]:
    return [(row["record"], row["held"]) for row in rows]


def unfinished() -> list[str]:
    """Return the requests (timers apart) that have come to no end, and so hold a slot."""
    left = TransitionEnvelope.objects.exclude(state__in=FINAL).exclude(origin="timer")
    return [f"{each} is {each.state}, worker {each.worker}" for each in left]
