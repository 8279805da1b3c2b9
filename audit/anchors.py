"""Writing seals outside the database, where whoever can write to it cannot.

An anchor is an address: of a file (`file:`), a web hook (`https:` or `http:`), a mailbox
(`mailto:`), or `stdout:`. Each is sent what it has not had yet, oldest first, as lines of JSON
(`anchored`); each try is entered. A crash between sending and entering sends again: receivers meet
a seal twice rather than not at all.
"""

from __future__ import annotations

import os
import smtplib
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import send_mail

from audit.anchored import line
from audit.models import Anchoring, Seal

_TOGETHER = 200
"""Most seals that one message carries."""

_SECONDS = 10
_REDIRECTS_FROM, _REDIRECTS_TO = 300, 400


class AnchorFault(ValueError):
    """An anchor's address cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One place outside."""

    address: str

    @property
    def name(self) -> str:
        """Return the address without credentials and query, as it is recorded."""
        parts = urlsplit(self.address)
        if not parts.hostname:
            return self.address.partition("?")[0][:200]
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"[:200]


def of_settings() -> list[Anchor]:
    """Return the configured anchors.

    Raises:
        AnchorFault: An address has no scheme that is known.
    """
    addresses: Sequence[str] = getattr(settings, "AUDIT", {}).get("ANCHORS", ())
    return [_checked(address) for address in addresses]


def send_pending(*, anchor: Anchor, now: datetime, limit: int = _TOGETHER) -> list[Anchoring]:
    """Send an anchor the oldest seals that it has not had, and enter how that went.

    Returns:
        What was entered, one a seal; nothing where nothing was pending.
    """
    had = Anchoring.objects.filter(anchor=anchor.name, succeeded=True).order_by("-seal")
    last = had.values_list("seal_id", flat=True).first() or 0
    seals = list(Seal.objects.filter(number__gt=last).order_by("number")[:limit])
    if not seals:
        return []
    problem = _send(anchor, "".join(f"{line(seal)}\n" for seal in seals), seals)
    return Anchoring.objects.bulk_create(
        [
            Anchoring(
                seal=seal, anchor=anchor.name, at=now, succeeded=not problem, detail=problem[:2000]
            )
            for seal in (seals[:1] if problem else seals)
        ]
    )


def _send(anchor: Anchor, text: str, seals: Sequence[Seal]) -> str:
    """Return what went wrong; empty if nothing did."""
    parts = urlsplit(anchor.address)
    try:
        match parts.scheme:
            case "file":
                _to_file(unquote(parts.path), text)
            case "http" | "https":
                _to_web(anchor.address, text)
            case "mailto":
                _to_mail(unquote(parts.path), text, seals)
            case _:
                sys.stdout.write(text)
                sys.stdout.flush()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def _to_file(path: str, text: str) -> None:
    """Append, and return when it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "a", encoding="ascii") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A receiver that sends us elsewhere has not received."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _to_web(address: str, text: str) -> None:
    request = urllib.request.Request(  # noqa: S310  (the scheme is one of two)
        address,
        data=text.encode("ascii"),
        headers={"Content-Type": "application/x-ndjson"},
        method="POST",
    )
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS):
        pass  # a status that is no success raises


def _to_mail(to: str, text: str, seals: Sequence[Seal]) -> None:
    first, last = seals[0].number, seals[-1].number
    which = f"Seal {last}" if first == last else f"Seals {first} to {last}"
    said = f"{which} of the audit trail. Keep it: it shows whether anything was removed.\n\n"
    if not send_mail(f"{which} of the audit trail", said + text, None, [to]):
        raise ValueError(f"no message was sent to {to}")


def _checked(address: str) -> Anchor:
    parts = urlsplit(address)
    usable = {
        "file": parts.path.startswith("/") and not parts.netloc,
        "http": bool(parts.hostname),
        "https": bool(parts.hostname),
        "mailto": "@" in parts.path,
        "stdout": True,
    }
    if not usable.get(parts.scheme, False):
        raise AnchorFault(
            f"Anchor {address!r} cannot be used; give the address of a file (file:),"
            " of a web hook (https:), of a mailbox (mailto:), or stdout:"
        )
    return Anchor(address)
