"""Texts of entries and envelopes that are kept beside the trail: put back, or hidden."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from audit import personal
from audit.models import Entry
from workflow.models import TransitionEnvelope
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
