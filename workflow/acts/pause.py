"""Holding things up, and letting them go on: a workflow, a transition, a channel.

A pause keeps new work from being begun. What is under way comes to its end, requests are accepted
and wait, attempts are not burnt, and nothing is lost. It ends at its time, or when it is lifted.
"""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from audit import chain
from workflow.acts.held import checked_reason, lowered
from workflow.definition import InvalidRequest, registry
from workflow.effects import door
from workflow.engine.announce import announce
from workflow.engine.horizon import check_horizon
from workflow.engine.request import actor_of
from workflow.models import Channel, Closed, Pause, Scope

_NAMESPACE = uuid5(NAMESPACE_URL, "escapement:pause")


def pause(
    *,
    scope: Scope,
    name: str,
    user: AbstractBaseUser,
    reason: str,
    until: datetime | None,
    now: datetime,
) -> Pause:
    """Keep anything new of this scope from being begun.

    Args:
        name: Of the workflow, `workflow.transition`, or the channel.
        until: When it ends by itself; None: when it is lifted.

    Raises:
        InvalidRequest: There is no such thing (field `name`), it is paused already (`scope`), it
            would end in the past or too far ahead (`until`), or no reason is given.
    """
    reason = checked_reason(reason)
    _check_name(scope, name)
    if until is not None and until <= now:
        raise InvalidRequest(
            "until", until.isoformat(), gettext_noop("is past; name a time to come")
        )
    if until is not None:
        check_horizon(field="until", at=until, now=now)
    try:
        with transaction.atomic():
            Pause.objects.filter(
                scope=scope, name=name, lifted_at__isnull=True, until__lte=now
            ).update(lifted_at=now)
            made = Pause.objects.create(
                scope=scope,
                name=name,
                reason=reason,
                paused_by_id=user.pk,
                paused_at=now,
                until=until,
            )
            if scope == Scope.CHANNEL:
                _shut(name, until)
            _enter(made, "paused", user, reason, now)
    except IntegrityError:
        raise InvalidRequest(
            "scope", f"{scope} {name}", gettext_noop("is paused already; lift that first")
        ) from None
    return made


@transaction.atomic
def lift(*, scope: Scope, name: str, user: AbstractBaseUser, reason: str, now: datetime) -> Pause:
    """Let it go on.

    Raises:
        InvalidRequest: It is not paused, or no reason is given.
    """
    reason = checked_reason(reason)
    found = (
        Pause.objects.in_force(now=now).filter(scope=scope, name=name).select_for_update().first()
    )
    if found is None:
        raise InvalidRequest("scope", f"{scope} {name}", gettext_noop("is not paused"))
    found.lifted_at = now
    found.save(update_fields=["lifted_at"])
    if scope == Scope.CHANNEL:
        Channel.objects.filter(pk=name, closed_by=Closed.PAUSED).update(
            opens_at=None, closed_by=""
        )
    _enter(found, "lifted", user, reason, now)
    transaction.on_commit(announce, robust=True)
    return found


def chain_of(*, scope: str, name: str) -> UUID:
    """Return the chain of the trail that tells of the pauses of one thing."""
    return uuid5(_NAMESPACE, f"{scope}:{name}")


def _shut(name: str, until: datetime | None) -> None:
    Channel.objects.get_or_create(pk=name)
    row = Channel.objects.select_for_update().get(pk=name)
    row.opens_at = until or door.NEVER
    row.closed_by = Closed.PAUSED
    row.save(update_fields=["opens_at", "closed_by"])


def _check_name(scope: Scope, name: str) -> None:
    known: set[str] = set()
    match scope:
        case Scope.CHANNEL:
            known = set(registry.channels())
        case Scope.WORKFLOW:
            known = set(registry.versions())
        case Scope.TRANSITION:
            known = {
                f"{workflow.name}.{transition}"
                for workflow in registry.everything()
                for transition in workflow.by_name
            }
    if name not in known:
        raise InvalidRequest(
            "name",
            name,
            gettext_noop("no such %(scope)s; there is %(known)s"),
            facts={"scope": lowered(Scope(scope).label), "known": ", ".join(sorted(known))},
        )


def _enter(pause: Pause, action: str, user: AbstractBaseUser, reason: str, now: datetime) -> None:
    actor = actor_of(user)
    chain.append(
        [
            chain.Note(
                chain=chain_of(scope=pause.scope, name=pause.name),
                at=now,
                action=action,
                actor_id=actor.id or "",
                actor=actor.label,
                reason=reason,
                evidence={
                    "scope": str(pause.scope),
                    "name": pause.name,
                    "until": "" if pause.until is None else pause.until.isoformat(),
                },
            )
        ]
    )
