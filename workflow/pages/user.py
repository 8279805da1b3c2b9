"""Who is looking: a signed-in user, never an anonymous one."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest


def signed_in(request: HttpRequest) -> User:
    """Return the user of a page that demands signing in."""
    if not isinstance(request.user, User):
        raise TypeError("This page was not protected by `login_required`.")
    return request.user
