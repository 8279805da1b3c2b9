"""Texts of entries and envelopes that are kept beside the trail: put back, or hidden."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import get_language

from audit import personal
from audit.models import Entry
from workflow.engine.trail import Action
from workflow.models import State, TransitionEnvelope
from workflow.queries.lines import line_of
from workflow.queries.values import HIDDEN

_COLUMNS = ("actor_label", "reason")


def entries_said(entries: Iterable[Entry], *, reveal: bool) -> list[Entry]:
    """Return copies of entries with their personal values: put back, or hidden.

    At most one statement for every 500 values; none where nothing is kept aside.
    """
    if reveal:
        return personal.revealed(entries)
    shown = [copy.copy(entry) for entry in entries]
    for entry in shown:
        for part in ("actor", "reason", "evidence"):
            setattr(entry, part, personal.TOKEN.sub(HIDDEN, getattr(entry, part)))
    return shown


def put_back(envelopes: Iterable[TransitionEnvelope], *, reveal: bool) -> None:
    """Set the texts of unsaved-again envelopes to what they said, or hide them. For showing only.

    One statement, none where nothing is kept aside. Never save an envelope afterwards.
    """
    rows = list(envelopes)
    tokens = {
        match[1]
        for envelope in rows
        for name in _COLUMNS
        for match in personal.TOKEN.finditer(getattr(envelope, name))
    }
    if not tokens:
        return
    known = personal.values(tokens) if reveal else dict.fromkeys(tokens, HIDDEN)
    for envelope in rows:
        for name in _COLUMNS:
            said = personal.TOKEN.sub(
                lambda match: known.get(match[1], personal.REDACTED), getattr(envelope, name)
            )
            setattr(envelope, name, said)


def translate_refusals(envelopes: Iterable[TransitionEnvelope], *, reveal: bool) -> None:
    """Set what refused envelopes were refused for to the reader's language. For showing only.

    An envelope keeps the sentences of all its refusals as they were; the trail keeps each with its
    template and facts. One statement, none where nobody needs it. Never save an envelope
    afterwards.
    """
    refused = {each.pk: each for each in envelopes if each.state == State.REFUSED}
    if not refused or get_language() == settings.LANGUAGE_CODE:
        return
    entries = Entry.objects.filter(
        transition_id__in=list(refused), action=Action.REFUSED.value
    ).order_by("sequence")
    for entry in entries_said(entries, reveal=reveal):
        envelope = None if entry.transition_id is None else refused.get(entry.transition_id)
        refusals = line_of(entry, workflow="").refusals
        if envelope is not None and refusals:
            envelope.message = " ".join(each.message for each in refusals)
