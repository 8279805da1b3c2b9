"""Making, checking and revoking keys of the API.

A key is `esc_ID_SECRET`. The database keeps the id and the secret's SHA-256: the secret has 256
random bits, so that neither a salt nor a slow digest would add anything. It is shown once.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_noop

from audit import chain
from workflow.definition import SYSTEM, InvalidRequest
from workflow.engine.request import actor_of
from workflow.models import ApiKey, KeyScope

_NAMESPACE = uuid5(NAMESPACE_URL, "escapement:api-key")
_KEY = re.compile(r"esc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_USED_EVERY = timedelta(minutes=1)
"""How exactly the last use is kept: a row is not written for each request."""

LONGEST = timedelta(days=366)


class Fault(enum.StrEnum):
    """Why a key does not open."""

    UNKNOWN = "key_unknown"
    EXPIRED = "key_expired"
    REVOKED = "key_revoked"
    USER_INACTIVE = "key_user_inactive"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A new key, and the text to send. The text is nowhere else."""

    key: ApiKey
    text: str


@transaction.atomic
def make(
    *,
    name: str,
    user: AbstractBaseUser,
    scopes: Collection[str],
    lasts: timedelta,
    by: AbstractBaseUser | None,
    now: datetime,
) -> Made:
    """Make a key that acts for a user; its making is entered in the trail.

    Raises:
        InvalidRequest: It would have no name, no scope, or last too long.
    """
    name = name.strip()
    if not 0 < len(name) <= 100 or not name.isprintable():  # noqa: PLR2004  (the column's length)
        raise InvalidRequest(
            "name", name, gettext_noop("say which system has it: 1 to 100 characters")
        )
    unknown = sorted(set(scopes) - set(KeyScope.values))
    if unknown or not scopes:
        raise InvalidRequest(
            "scope",
            unknown,
            gettext_noop("choose among %(known)s"),
            facts={"known": ", ".join(KeyScope.values)},
        )
    if not timedelta(0) < lasts <= LONGEST:
        raise InvalidRequest(
            "days",
            lasts.days,
            gettext_noop("1 to %(most)d; make another one by then"),
            facts={"most": LONGEST.days},
        )
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        id=secrets.token_hex(8),
        digest=_digest(secret),
        name=name,
        user_id=user.pk,
        scopes=sorted(scopes),
        created_at=now,
        created_by=(SYSTEM if by is None else actor_of(by)).label,
        expires_at=now + lasts,
    )
    _enter(key, "key_made", by, "", now)
    return Made(key=key, text=f"esc_{key.id}_{secret}")


@transaction.atomic
def revoke(*, key_id: str, by: AbstractBaseUser | None, reason: str, now: datetime) -> ApiKey:
    """Have a key open nothing from now on. Safe to repeat.

    Raises:
        InvalidRequest: There is no such key.
    """
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise InvalidRequest(
            "key", key_id, gettext_noop("does not exist; its id stands between the underscores")
        )
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        _enter(key, "key_revoked", by, reason.strip(), now)
    return key


def unlock(*, text: str, now: datetime) -> ApiKey | Fault:
    """Return the key that a text is, or why it does not open.

    That a key has expired or was revoked is told only to whoever has its secret.
    """
    found = _KEY.fullmatch(text)
    key = None
    if found is not None:
        key = ApiKey.objects.select_related("user").filter(pk=found[1]).first()
    if found is None or key is None or not hmac.compare_digest(key.digest, _digest(found[2])):
        return Fault.UNKNOWN
    if key.revoked_at is not None:
        return Fault.REVOKED
    if key.expires_at <= now:
        return Fault.EXPIRED
    if not key.user.is_active:
        return Fault.USER_INACTIVE
    if key.last_used_at is None or now - key.last_used_at > _USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def chain_of(key_id: str) -> UUID:
    """Return the chain of the trail that tells of one key."""
    return uuid5(_NAMESPACE, key_id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _enter(
    key: ApiKey, action: str, by: AbstractBaseUser | None, reason: str, now: datetime
) -> None:
    actor = actor_of(by)
    chain.append(
        [
            chain.Note(
                chain=chain_of(key.id),
                at=now,
                action=action,
                actor_id=actor.id or "",
                actor=actor.label,
                reason=reason,
                evidence={
                    "key": key.id,
                    "name": key.name,
                    "acts_for": str(key.user_id),
                    "scopes": sorted(key.scopes),
                    "expires_at": key.expires_at.isoformat(),
                },
            )
        ]
    )
