"""Signing in by OpenID Connect. Used if `OIDC_CLIENT_ID` is set; see the settings."""

from __future__ import annotations

from typing import Any

from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class VerifiedEmail(OIDCAuthenticationBackend):  # type: ignore[misc]  # no type hints
    """Knows people by the email address that their provider has verified.

    An address that anybody may put into their profile would let anybody in as anybody.
    """

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """Return whether the claims name a person."""
        return bool(claims.get("email")) and claims.get("email_verified") is True
