"""What a person decides about a downstream call that waits for one.

Each act names the fence of the row that its person has seen. A newer fence means that something
has happened since, and the act is refused: nobody settles what they have not looked at. Of two
people who settle the same doubt, one wins, and the other is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from workflow.acts import rights
from workflow.acts.held import checked_reason, lowered
from workflow.definition import (
    Absent,
    Done,
    InvalidRequest,
    Refusal,
    UnknownDefinition,
    WorkflowError,
    registry,
)
from workflow.effects import line
from workflow.effects.answer import Again, Answer, GivenUp, What
from workflow.effects.receipt import check_receipt
from workflow.effects.settle import Settled, settle
from workflow.engine import duties
from workflow.engine.announce import announce
from workflow.engine.hold import hold
from workflow.engine.request import actor_of
from workflow.models import (
    Doubt,
    EffectAttempt,
    EffectEntry,
    EffectState,
    Kind,
    TransitionEnvelope,
)

_DOUBTFUL = (EffectState.IN_DOUBT,)


class NotApart(WorkflowError):
    """Who would settle a call has had a part in what led to it; the attempt was entered."""

    code: ClassVar[str] = duties.CODE

    def __init__(self, entry: EffectEntry, refusal: Refusal) -> None:
        self.entry = entry
        self.refusal = refusal
        super().__init__(refusal.message)


def happened(
    *,
    effect: int,
    fence: int,
    receipt: Mapping[str, Any],
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
) -> EffectEntry:
    """Settle a doubt: the call happened, and this is what the downstream has of it.

    Raises:
        InvalidRequest: It is not in doubt, it has changed since, no reason or receipt is given.
    """
    if not isinstance(receipt, Mapping) or not receipt:
        raise InvalidRequest(
            "receipt", receipt, gettext_noop("say what proves it, as a JSON object")
        )
    try:
        check_receipt(receipt)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(
            "receipt",
            receipt,
            gettext_noop("cannot be kept: %(error)s"),
            facts={"error": error},
        ) from None
    return _act(
        effect=effect,
        fence=fence,
        user=user,
        reason=reason,
        now=now,
        states=_DOUBTFUL,
        what=lambda *_: Done(receipt=receipt),
        judges=True,
    )


def did_not_happen(
    *, effect: int, fence: int, user: AbstractBaseUser, reason: str, now: datetime
) -> EffectEntry:
    """Settle a doubt: the call did not happen and never will, so it is sent, under its key.

    Raises:
        InvalidRequest: It is not in doubt, it has changed since, or no reason is given.
    """
    return _act(
        effect=effect,
        fence=fence,
        user=user,
        reason=reason,
        now=now,
        states=_DOUBTFUL,
        what=lambda *_: Absent(),
        judges=True,
    )


def retry(
    *, effect: int, fence: int, user: AbstractBaseUser, reason: str, now: datetime
) -> EffectEntry:
    """Send a parked call again, under its key, with a fresh set of attempts.

    One in doubt too, where its downstream honours the key or can be asked.

    Raises:
        InvalidRequest: It does not wait for a person, it has changed since, it is in doubt and
            may not be sent again, or no reason is given.
    """

    def again(entry: EffectEntry, why: str) -> What:
        if entry.is_doubtful and entry.recovery == Doubt.ASK:
            raise InvalidRequest(
                "effect",
                entry.key,
                gettext_noop(
                    "is in doubt, and its downstream would do it twice; find out whether it"
                    " happened, and say so"
                ),
            )
        return Again(reason=why)

    states = (EffectState.PARKED, EffectState.IN_DOUBT)
    return _act(
        effect=effect,
        fence=fence,
        user=user,
        reason=reason,
        now=now,
        states=states,
        what=again,
    )


def give_up(
    *, effect: int, fence: int, user: AbstractBaseUser, reason: str, now: datetime
) -> EffectEntry:
    """Let a call be. A before-effect's transition then ends, and its earlier effects are undone.

    An undo that is given up leaves what it should have taken back; the envelope lists it.

    Raises:
        InvalidRequest: It does not wait for a person, it has changed since, or no reason is given.
    """
    states = (EffectState.PARKED, EffectState.IN_DOUBT)
    return _act(
        effect=effect,
        fence=fence,
        user=user,
        reason=reason,
        now=now,
        states=states,
        what=lambda _, why: GivenUp(reason=why),
        judges=True,
    )


def _act(*, user: AbstractBaseUser, effect: int, now: datetime, **more: Any) -> EffectEntry:
    try:
        return _decide(user=user, effect=effect, now=now, **more)
    except NotApart as error:
        enter_not_apart(error=error, user=user, now=now)
        raise


def enter_not_apart(*, error: NotApart, user: AbstractBaseUser, now: datetime) -> None:
    """Enter that somebody tried to settle what they may not; call where it was rolled back."""
    rights.enter_denied(
        user=user,
        act=f"settle {error.entry.name}",
        right=error.code,
        record=error.entry.envelope.record,
        envelope=error.entry.envelope,
        now=now,
    )


@transaction.atomic
def _decide(
    *,
    effect: int,
    fence: int,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
    states: tuple[EffectState, ...],
    what: Callable[[EffectEntry, str], What],
    judges: bool = False,
) -> EffectEntry:
    reason = checked_reason(reason)
    entry = _held(effect)
    barred = barred_from(entry=entry, user=user) if judges else None
    if barred is not None:
        raise NotApart(entry, barred)
    if entry.fence != fence or entry.state not in states:
        raise changed_since(entry=entry)
    actor = actor_of(user)
    answer = Answer(
        kind=Kind.PERSON,
        what=what(entry, reason),
        by=actor.label,
        started_at=now,
        ended_at=now,
        evidence={"was": str(entry.state)},
    )
    settle(settled=[Settled(entry=entry, answer=answer)], actor=actor, reason=reason, now=now)
    line.bring_forward(done=[entry], now=now)
    transaction.on_commit(announce, robust=True)
    return entry


def barred_from(*, entry: EffectEntry, user: AbstractBaseUser) -> Refusal | None:
    """Return why separation of duties bars a person from judging a call; None if it does not.

    At most one statement, none where the transition does not demand it.
    """
    envelope = entry.envelope
    try:
        workflow = registry.get(envelope.workflow, envelope.definition_version)
    except UnknownDefinition:
        return None
    transition = workflow.by_name.get(envelope.transition)
    if transition is None or not transition.settled_apart:
        return None
    makers = duties.makers_of([(envelope.record_id, transition)])
    return duties.bars_from_settling(
        transition=transition,
        requester=None if envelope.actor_id is None else str(envelope.actor_id),
        actor=str(user.pk),
        makers=makers.get(envelope.record_id, {}),
    )


def changed_since(*, entry: EffectEntry) -> InvalidRequest:
    """Return what one is told who comes late: who did what, when, and how it stands now."""
    facts: dict[str, object] = {"state": lowered(EffectState(entry.state).label)}
    last = EffectAttempt.objects.filter(effect=entry.pk).order_by("-fence").first()
    if last is None:
        return InvalidRequest(
            "effect",
            entry.key,
            gettext_noop("has changed since you looked: it is %(state)s now. Look at it again"),
            facts=facts,
        )
    facts["kind"] = lowered(Kind(last.kind).label)
    facts["who"] = last.worker
    facts["at"] = timezone.localtime(last.ended_at).strftime("%Y-%m-%d %H:%M:%S %Z")
    return InvalidRequest(
        "effect",
        entry.key,
        gettext_noop(
            "has changed since you looked: it is %(state)s now, %(kind)s by %(who)s at %(at)s."
            " Look at it again"
        ),
        facts=facts,
    )


def _held(effect: int) -> EffectEntry:
    envelope = EffectEntry.objects.filter(pk=effect).values_list("envelope", flat=True).first()
    if envelope is None:
        raise InvalidRequest("effect", effect, gettext_noop("does not exist"))
    (held,) = hold(TransitionEnvelope.objects.filter(pk=envelope))
    entry = EffectEntry.objects.select_for_update().get(pk=effect)
    entry.envelope = held
    return entry
