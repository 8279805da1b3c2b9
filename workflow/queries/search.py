"""Finding records and transitions, over the full history, by what people have at hand.

One box takes anything. What was meant is found out step by step, each step through an index of its
own, and the first that finds something is it: a condition that tried everything at once would make
the database read millions of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from workflow.models import EffectEntry, Record, TransitionEnvelope

LONGEST = 100
_PEOPLE = 50
_RECORDS = 200
_LATEST_ERRORS = 5_000
"""Words are looked for in the messages of so many transitions that failed or were refused last."""


class Kind(models.TextChoices):
    """What a text turned out to be."""

    EVERYTHING = "everything", _("everything")
    ID = "id", _("id")
    REFERENCE = "reference", _("reference")
    CORRELATION = "correlation id", _("correlation id")
    ACTOR = "actor", _("person")
    CODE = "reason code", _("reason code")
    WORDS = "words of a message", _("words of a message")
    CALL = "what a call said", _("what an unfinished call said")
    NOTHING = "nothing", _("nothing")


@dataclass(frozen=True, kw_only=True)
class Period:
    """From when (included) until when (excluded); None: open."""

    start: datetime | None = None
    end: datetime | None = None


def cleaned(text: str) -> str:
    """Return what is looked for: no NUL, no blanks around, of a bounded length."""
    return text.replace("\x00", "").strip()[:LONGEST]


def records(*, text: str) -> QuerySet[Record]:
    """Return records by the beginning of their reference, by their id, or by a transition's id."""
    found = Record.objects.all()
    if not text:
        return found
    key = as_uuid(text)
    if key is not None:
        of_transition = TransitionEnvelope.objects.filter(pk=key).values("record_id")
        return found.filter(Q(pk=key) | Q(pk__in=of_transition))
    return found.filter(reference__startswith=text)


def envelopes(*, text: str) -> tuple[QuerySet[TransitionEnvelope], Kind]:
    """Return envelopes, and as what the text was found; at most eight statements."""
    found = TransitionEnvelope.objects.all()
    if not text:
        return found, Kind.EVERYTHING
    for kind, condition in _meanings(text):
        if found.filter(condition).exists():
            return found.filter(condition), kind
    return found.none(), Kind.NOTHING


def within(rows: QuerySet[TransitionEnvelope], period: Period) -> QuerySet[TransitionEnvelope]:
    """Return those asked for in a period."""
    if period.start is not None:
        rows = rows.filter(requested_at__gte=period.start)
    if period.end is not None:
        rows = rows.filter(requested_at__lt=period.end)
    return rows


def as_uuid(text: str) -> UUID | None:
    """Return the UUID that a text spells; None if it spells none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _meanings(text: str) -> Iterator[tuple[Kind, Q]]:
    key = as_uuid(text)
    if key is not None:
        yield Kind.ID, Q(pk=key)
        yield Kind.ID, Q(record=key)
        yield Kind.CORRELATION, Q(correlation_id=key.hex)
    keys = list(
        Record.objects.filter(reference__startswith=text).values_list("pk", flat=True)[:_RECORDS]
    )
    if keys:
        yield Kind.REFERENCE, Q(record__in=keys)
    yield Kind.CORRELATION, Q(correlation_id=text)
    people = _people(text)
    if people:
        yield Kind.ACTOR, Q(actor__in=people)
    yield Kind.CODE, Q(code__gt="", code=text)
    latest = (
        TransitionEnvelope.objects.filter(code__gt="")
        .order_by("-requested_at")
        .values("pk")[:_LATEST_ERRORS]
    )
    yield Kind.WORDS, Q(pk__in=latest, message__icontains=text)
    calls = EffectEntry.objects.unfinished().order_by("record", "channel")[:_LATEST_ERRORS]
    failing = Q(code__gt="", code=text) | Q(message__icontains=text)
    found = EffectEntry.objects.filter(failing, pk__in=calls.values("pk"))
    yield Kind.CALL, Q(pk__in=found.values("envelope"))


def _people(text: str) -> list[int]:
    model = get_user_model()
    words = text.split()
    condition = Q(**{f"{model.USERNAME_FIELD}__iexact": text})
    if hasattr(model, "last_name"):
        condition |= Q(last_name__iexact=text)
        if len(words) > 1:
            condition |= Q(first_name__iexact=words[0], last_name__iexact=" ".join(words[1:]))
    return list(model._default_manager.filter(condition).values_list("pk", flat=True)[:_PEOPLE])
