"""After a restore: which calls the world outside may have that the database lacks.

A database that was restored to a time T is sound and has forgotten. Three things may have happened
after T of which it knows nothing:

- *A call whose row is there* was made, or its outcome came. The row says "waiting" or "sending".
- *A call whose row is not there*, of a transition that is: it was planned and made after T. Its
  key follows from the transition id and the effect's name, so it can be asked about all the same.
- *A transition that is gone altogether*, with its calls. No row names it. It is found in the
  downstream's own list of keys (`strangers`), or when its caller repeats the request under the
  same id: the database takes it for new, and calls under the same keys as before.

For each of them the effect's declared recovery says what is safe. `Resend`: sent again under its
key, which the downstream honours. `Lookup`: asked first. `Ask`: a person looks first. For rows
that are there, `doubt` says so in the ledger. For rows that come into being later the setting
ASK_FIRST does (`engine.plan.beginning`). So nothing is sent again silently, whichever it was.

What cannot be found: a call of a transition that is gone, at a downstream that has no list, while
its caller repeats nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from workflow.definition import Absent, Declined, Done, Effect, Lookup, Pending, registry
from workflow.effects.call import call_of
from workflow.effects.declared import Declared, Undeclared, declared
from workflow.engine import plan
from workflow.models import (
    FINAL,
    Doubt,
    EffectEntry,
    EffectState,
    Phase,
    State,
    TransitionEnvelope,
)

_PAGE = 500


class Standing(enum.StrEnum):
    """What is known of a call."""

    THERE = "there"
    """The downstream has it; the database does not."""

    ABSENT = "absent"
    """The downstream does not have it, or not yet."""

    UNTOLD = "untold"
    """It was asked, and gave no answer."""

    PERSON = "person"
    """It cannot be asked: somebody has to look."""

    SAFE = "safe"
    """It may have happened; it is sent again under its key, which the downstream honours."""

    NOT_ASKED = "not asked"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One call that may have happened without this database knowing."""

    key: str
    effect: str
    channel: str
    reference: str
    transition: str
    is_planned: bool
    """Whether the ledger has a row of it."""

    standing: Standing
    told: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {**vars(self), "standing": self.standing.value}


def traces(*, now: datetime, ask: bool) -> Iterator[Trace]:
    """Yield every call that may have happened, asking where it can be asked; write nothing.

    Every unfinished transition and call of the restored database is concerned: whatever was not
    finished at T may have been since. One after the other, so as not to overrun a downstream.

    Args:
        ask: Whether to ask; otherwise they are listed as not asked.
    """
    for entry in _unfinished_calls():
        yield _trace(entry, is_planned=True, ask=ask)
    for envelope in _unfinished(now):
        for entry in _to_come(envelope):
            yield _trace(entry, is_planned=False, ask=ask)


def _unfinished_calls() -> Iterator[EffectEntry]:
    after = 0
    rows = EffectEntry.objects.unfinished().select_related("envelope__record", "undoes")
    while page := list(rows.filter(pk__gt=after).order_by("pk")[:_PAGE]):
        yield from page
        after = page[-1].pk


def _unfinished(now: datetime) -> Iterator[TransitionEnvelope]:
    """Yield envelopes that may have gone on; one for later may have once its time came."""
    rows = (
        TransitionEnvelope.objects.exclude(state__in=FINAL)
        .exclude(Q(state=State.SCHEDULED) & Q(due_at__gt=now))
        .select_related("record")
        .order_by("pk")
    )
    after = UUID(int=0)
    while page := list(rows.filter(pk__gt=after)[:_PAGE]):
        yield from page
        after = page[-1].pk


def _to_come(envelope: TransitionEnvelope) -> Iterator[EffectEntry]:
    """Yield unsaved rows of the calls that this transition may have planned since."""
    workflow = registry.find(envelope.workflow, envelope.definition_version)
    transition = None if workflow is None else workflow.by_name.get(envelope.transition)
    if transition is None:
        return
    rows = {(row.name, row.phase): row for row in envelope.effects.all()}
    for effects, phase in ((transition.before, Phase.BEFORE), (transition.after, Phase.AFTER)):
        for effect in effects:
            if (effect.name, phase) not in rows:
                yield _row(envelope, effect, phase)
            done = rows.get((effect.name, phase))
            is_to_undo = effect.undo is not None and (effect.name, Phase.UNDO) not in rows
            if done is not None and done.state == EffectState.DONE and is_to_undo:
                yield _row(envelope, effect, Phase.UNDO, undoes=done)


def _row(
    envelope: TransitionEnvelope,
    effect: Effect[Any],
    phase: Phase,
    undoes: EffectEntry | None = None,
) -> EffectEntry:
    recovery = effect.recovery
    if phase == Phase.UNDO and effect.undo is not None:
        recovery = effect.undo.recovery
    return EffectEntry(
        envelope=envelope,
        record=envelope.record,
        name=effect.name,
        phase=phase,
        channel=effect.channel.name,
        recovery=plan.doubt(recovery),
        request={} if undoes is None else undoes.request,
        undoes=undoes,
        state=EffectState.CHECKING,
    )


def _trace(entry: EffectEntry, *, is_planned: bool, ask: bool) -> Trace:
    standing, told, receipt = _standing(entry, ask=ask)
    return Trace(
        key=entry.key,
        effect=entry.name,
        channel=entry.channel,
        reference=entry.envelope.record.reference,
        transition=f"{entry.envelope.workflow}.{entry.envelope.transition}",
        is_planned=is_planned,
        standing=standing,
        told=told,
        receipt=receipt,
    )


def _standing(entry: EffectEntry, *, ask: bool) -> tuple[Standing, str, dict[str, Any]]:
    match entry.recovery:
        case Doubt.RESEND:
            return Standing.SAFE, "", {}
        case Doubt.ASK:
            return Standing.PERSON, "", {}
        case _ if not ask:
            return Standing.NOT_ASKED, "", {}
    try:
        return _asked(entry, declared(entry))
    except Undeclared as error:
        return Standing.UNTOLD, f"This release does not declare it: {error}", {}


def _asked(entry: EffectEntry, about: Declared) -> tuple[Standing, str, dict[str, Any]]:
    if not isinstance(about.recovery, Lookup):
        return Standing.PERSON, "It declares no look-up any more.", {}
    call = call_of(
        entry=entry,
        declared=about,
        traceparent=entry.envelope.traceparent,
        report=lambda _fraction, _note: None,
        cancelled=lambda: False,
    )
    try:
        found = about.recovery.ask(call)
    except Exception as error:  # noqa: BLE001  (a handler may raise anything; it is untold then)
        return Standing.UNTOLD, f"{type(error).__name__}: {error}"[:500], {}
    match found:
        case Done(receipt=receipt) | Pending(receipt=receipt):
            return Standing.THERE, type(found).__name__.lower(), dict(receipt)
        case Declined(reason=reason):
            return Standing.THERE, f"declined: {reason}", {}
        case Absent():
            return Standing.ABSENT, "", {}
        case other:
            return Standing.UNTOLD, str(getattr(other, "reason", other))[:500], {}


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A key that the downstream has, and what the database lacks of it."""

    key: str
    lacks: str


def strangers(keys: Iterable[str]) -> Iterator[Stranger]:
    """Yield those of a downstream's own keys which the database does not know as done.

    Args:
        keys: One a line, as the downstream received them.
    """
    page: list[tuple[str, UUID | None, str, bool]] = []
    for line in keys:
        key = line.strip()
        if key:
            page.append((key, *_parts(key)))
        if len(page) >= _PAGE:
            yield from _unknown(page)
            page = []
    yield from _unknown(page)


def _parts(key: str) -> tuple[UUID | None, str, bool]:
    transition, _, name = key.partition(":")
    is_undo = name.endswith(":undo")
    try:
        return UUID(transition), name.removesuffix(":undo"), is_undo
    except ValueError:
        return None, "", False


def _unknown(page: list[tuple[str, UUID | None, str, bool]]) -> Iterator[Stranger]:
    ids = {transition for _, transition, _, _ in page if transition is not None}
    there = set(TransitionEnvelope.objects.filter(pk__in=ids).values_list("pk", flat=True))
    rows = {
        (envelope, name, phase == Phase.UNDO): state
        for envelope, name, phase, state in EffectEntry.objects.filter(
            envelope__in=ids
        ).values_list("envelope", "name", "phase", "state")
    }
    for key, transition, name, is_undo in page:
        if transition is None:
            yield Stranger(key=key, lacks="it is no key of ours: TRANSITION-ID:NAME")
        elif transition not in there:
            yield Stranger(key=key, lacks="the transition itself")
        elif (transition, name, is_undo) not in rows:
            yield Stranger(key=key, lacks="the call's row")
        elif rows[transition, name, is_undo] != EffectState.DONE:
            state = rows[transition, name, is_undo]
            yield Stranger(key=key, lacks=f"its outcome; the call is {state}")
