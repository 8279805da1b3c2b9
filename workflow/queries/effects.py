"""The downstream calls of envelopes, with what came of each try."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from workflow.effects.mask import masked
from workflow.models import EffectAttempt, EffectEntry, EffectState, Phase
from workflow.queries.effect_stall import diagnose_effect, label
from workflow.queries.world import Stall, World

_TONES: Mapping[str, str] = {
    EffectState.DONE: "good",
    EffectState.DECLINED: "warn",
    EffectState.ABANDONED: "calm",
    EffectState.IN_DOUBT: "bad",
    EffectState.PARKED: "bad",
    EffectState.CHECKING: "warn",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One call as it is shown."""

    entry: EffectEntry
    stall: Stall | None
    """Why it is not further; None once it is finished."""

    attempts: list[EffectAttempt] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What it is called."""
        return label(self.entry)

    @property
    def tone(self) -> str:
        """How its state is coloured."""
        return _TONES.get(self.entry.state, "busy")

    @property
    def percent(self) -> int:
        """How far a long call says it has come, 0 to 100."""
        return round(min(1.0, max(0.0, self.entry.fraction or 0.0)) * 100)

    @property
    def is_undo(self) -> bool:
        """Whether it takes another one back."""
        return self.entry.phase == Phase.UNDO

    @property
    def request(self) -> object:
        """What is sent, secrets masked."""
        return masked(self.entry.request)

    @property
    def receipt(self) -> object:
        """What the downstream gave for it, secrets masked."""
        return masked(self.entry.receipt)


def effects_of(
    envelopes: Collection[UUID], *, world: World, now: datetime
) -> dict[UUID, list[Told]]:
    """Return the calls of each envelope, in the order in which they were planned.

    Two statements for any number of envelopes.
    """
    entries = list(EffectEntry.objects.filter(envelope__in=envelopes).order_by("pk"))
    attempts: dict[int, list[EffectAttempt]] = defaultdict(list)
    if entries:
        tries = EffectAttempt.objects.filter(effect__envelope__in=envelopes)
        for attempt in tries.order_by("effect", "fence"):
            attempts[attempt.effect_id].append(attempt)
    found: dict[UUID, list[Told]] = defaultdict(list)
    for entry in entries:
        stall = None if entry.is_final else diagnose_effect(entry=entry, world=world, now=now)
        told = Told(entry=entry, stall=stall, attempts=attempts[entry.pk])
        found[entry.envelope_id].append(told)
    return dict(found)


def unfinished_of(record: UUID) -> list[EffectEntry]:
    """Return the record's calls of which nothing has come yet, the oldest first."""
    return list(EffectEntry.objects.filter(record=record, finished_at__isnull=True).order_by("pk"))
