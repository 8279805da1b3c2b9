"""Who calls: a person by their session, or another system by its key.

A key acts for a user and may do what its scopes and that user's permissions both allow. Whoever
comes with a key needs no CSRF token, since no browser sends it by itself; a session does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer, SessionAuth
from ninja.utils import check_csrf

from workflow.acts.api_keys import Fault, unlock
from workflow.api.problems import Problem
from workflow.engine import clock
from workflow.models import KeyScope


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls, and what for."""

    user: AbstractUser
    scopes: Collection[str]
    key: str = ""
    """Id of the API key; empty for a session."""


class Key(HttpBearer):
    """`Authorization: Bearer esc_...`."""

    openapi_bearerFormat = "esc_ID_SECRET"  # noqa: N815  (ninja's name)

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Return who the key acts for.

        Raises:
            Problem: It does not open.
        """
        key = unlock(text=token, now=clock.now())
        if isinstance(key, Fault):
            raise Problem(key.value, "Ask an administrator for a key that is in force.")
        getattr(request, "log_fields", {})["api_key"] = key.id
        user: Any = key.user
        return Caller(user=user, scopes=frozenset(key.scopes), key=key.id)


class Session(SessionAuth):
    """The cookie of a person who has signed in; changes need `X-CSRFToken` as well."""

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        """Return the person, or None.

        Raises:
            Problem: A change was asked for without the token.
        """
        user = request.user
        if not isinstance(user, AbstractUser):
            return None
        if check_csrf(request) is not None:
            raise Problem("csrf", "Send the token of the cookie `csrftoken` as `X-CSRFToken`.")
        return Caller(user=user, scopes=frozenset(KeyScope.values))


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Nobody is known yet: there is a signature, and it may be worth nothing."""


class Signed(APIKeyHeader):
    """A downstream that signs what it reports; whether it has is seen when its call is known."""

    param_name = "webhook-signature"

    def authenticate(self, request: HttpRequest, key: str | None) -> Signature | None:
        """Let a signature in to be looked at."""
        return Signature() if key else None


def calling(request: HttpRequest, scope: KeyScope) -> Caller:
    """Return who calls, if what they come with is for this.

    Raises:
        Problem: The key has not this scope.
    """
    caller: Caller = request.auth  # type: ignore[attr-defined]  # set by ninja
    if scope not in caller.scopes:
        raise Problem("scope_missing", f"The key has no scope {scope.value!r}.")
    return caller
