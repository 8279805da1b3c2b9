"""Where a request comes from, as far as our own proxies vouch for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address that the outermost of our proxies saw; without any, the peer's.

    Each proxy appends to X-Forwarded-For, so the last entries are ours and the rest is hearsay.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    told = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",")]
    if not settings.PROXIES or not any(told):
        return peer
    return told[-min(int(settings.PROXIES), len(told))]


def unnamed(*_: Any) -> str:
    """Return what log lines about signing in say of the client: neither name nor address."""
    return "a client"
