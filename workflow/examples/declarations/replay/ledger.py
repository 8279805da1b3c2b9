"""What became of the effects, by the ledger, and whether the downstreams say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflow.examples.declarations.effects import MAIL
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import EFFECT_STUCK, EffectEntry, EffectState, Phase
from workflow.testing.downstream import Journal, Summary

_ALONE = 8
"""Contradictions of one kind that are named; the count has all of them."""


@dataclass(kw_only=True)
class Ledger:
    """Effects by name and state, and what the receivers counted."""

    effects: dict[str, dict[str, int]] = field(default_factory=dict)
    downstream: Summary | None = None
    contradictions: list[str] = field(default_factory=list)
    """Where ledger and receiver do not say the same; empty if all is right."""

    @property
    def open(self) -> int:
        """Effects to which something will still happen by itself."""
        final = {EffectState.DONE, EffectState.DECLINED, EffectState.ABANDONED, *EFFECT_STUCK}
        return sum(
            count
            for states in self.effects.values()
            for state, count in states.items()
            if state not in final
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "effects": self.effects,
            "downstream": self.downstream.as_json() if self.downstream else None,
            "contradictions": self.contradictions,
        }


def ledger(journal: Journal | None) -> Ledger:
    """Read the ledger of all declarations, and compare it with what the downstreams kept."""
    made = Ledger()
    states: dict[str, str] = {}
    channels: dict[str, str] = {}
    counts: dict[str, Counter[str]] = {}
    rows = EffectEntry.objects.filter(record__workflow=DECLARATION.name).order_by("pk")
    for envelope, name, phase, state, channel in rows.values_list(
        "envelope_id", "name", "phase", "state", "channel"
    ).iterator():
        is_undo = phase == Phase.UNDO
        counts.setdefault(f"{name}, undone" if is_undo else name, Counter())[state] += 1
        key = f"{envelope}:{name}:undo" if is_undo else f"{envelope}:{name}"
        states[key], channels[key] = state, channel
    made.effects = {name: dict(sorted(each.items())) for name, each in sorted(counts.items())}
    if journal is not None:
        made.downstream = journal.summary()
        made.contradictions = list(_contradictions(states, channels, journal))
    return made


def _contradictions(
    states: Mapping[str, str], channels: Mapping[str, str], journal: Journal
) -> Iterator[str]:
    done = Counter((deed.kind, deed.key) for deed in journal.deeds())
    twice = [f"{kind} {key}" for (kind, key), count in done.items() if count > 1]
    yield from _named("done twice under one key", twice)
    keys = {key for _, key in done}
    lost = [
        key
        for key, state in states.items()
        if state == EffectState.DONE and key not in keys and channels[key] != MAIL.name
    ]
    yield from _named("done by the ledger, and not by the receiver", lost)
    may_be = (EffectState.DONE, EffectState.IN_DOUBT)
    denied = [key for key in keys if states.get(key) not in may_be and not _is_open(states, key)]
    yield from _named("done by the receiver, and not by the ledger", denied)
    summary = journal.summary()
    late = summary.out_of_order
    yield from _named("reports out of order", [str(late)] if late else [])
    over = [name for name, count in summary.reserved.items() if count not in (0, 1)]
    yield from _named("declarations with more than one reservation, or less than none", over)


def _is_open(states: Mapping[str, str], key: str) -> bool:
    """Return whether the ledger does not claim to know yet."""
    return states.get(key) in (EffectState.SENDING, EffectState.CHECKING, EffectState.WAITING)


def _named(what: str, found: list[str]) -> Iterator[str]:
    if found:
        more = f" and {len(found) - _ALONE:,} more" if len(found) > _ALONE else ""
        yield f"{what}: {', '.join(found[:_ALONE])}{more}"


def lines(ledger: Ledger) -> Iterator[str]:
    """Yield the table."""
    shown = (
        EffectState.DONE,
        EffectState.DECLINED,
        EffectState.IN_DOUBT,
        EffectState.PARKED,
        EffectState.ABANDONED,
    )
    heads = ("planned", *(str(state.label).lower() for state in shown), "open")
    yield ""
    yield f"{'effect':<26}{''.join(f'{head:>10}' for head in heads)}"
    for name, states in ledger.effects.items():
        known = [states.get(state, 0) for state in shown]
        total = sum(states.values())
        numbers = [total, *known, total - sum(known)]
        yield f"{name:<26}{''.join(f'{number:>10,}' for number in numbers)}"
    if ledger.downstream is not None:
        yield ""
        yield "Counted at the simulated downstreams:"
        yield from ledger.downstream.lines()
        yield ""
        yield from _verdict(ledger)


def _verdict(ledger: Ledger) -> Iterator[str]:
    if not ledger.contradictions:
        yield "Ledger and downstreams agree."
        return
    yield "LEDGER AND DOWNSTREAMS DISAGREE:"
    yield from (f"  {each}" for each in ledger.contradictions)
