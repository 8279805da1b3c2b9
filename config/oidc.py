"""Signing in by OpenID Connect. Used if `OIDC_CLIENT_ID` is set; see the settings."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

log = structlog.get_logger(__name__)


class VerifiedEmail(OIDCAuthenticationBackend):  # type: ignore[misc]  # no type hints
    """Knows people by the email address that their provider has verified.

    An address that anybody may put into their profile would let anybody in as anybody.
    """

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """Return whether the claims name a person."""
        return bool(claims.get("email")) and claims.get("email_verified") is True

    def retrieve_matching_jwk(self, token: bytes) -> Any:
        """Return the key that a token names.

        Raises:
            PermissionDenied: It names none. (The library would end in an error of ours.)
        """
        try:
            return super().retrieve_matching_jwk(token)
        except KeyError as missing:
            log.warning("oidc.no_key_id", problem=f"the token has no {missing}; see OIDC_KEY_IDS")
            raise PermissionDenied from missing
