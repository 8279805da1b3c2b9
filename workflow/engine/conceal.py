"""Keeping personal values out of envelopes: what the trail holds a digest of, they do too."""

from __future__ import annotations

from audit.models import PersonalValue
from audit.personal import always, conceal
from workflow.models import TransitionEnvelope

_COLUMNS = {"actor": "actor_label", "reason": "reason"}


def conceal_in(envelope: TransitionEnvelope, *, is_signed: bool) -> list[PersonalValue]:
    """Put digests in place of what the installation treats as personal; return the values' rows.

    Entries and history rows that are copied from the envelope later hold the same digest, so that
    one redaction reaches all of them. A signed request keeps its words: erasing what was signed
    would void the signature.
    """
    kept: list[PersonalValue] = []
    if is_signed:
        return kept
    for part in sorted(always().intersection(_COLUMNS)):
        value = getattr(envelope, _COLUMNS[part])
        if value:
            token, row = conceal(chain=envelope.record_id, value=value)
            setattr(envelope, _COLUMNS[part], token)
            kept.append(row)
    return kept
