"""Headers by which a caller protects itself: Idempotency-Key, If-Match, X-Correlation-ID."""

from __future__ import annotations

import re
from uuid import UUID

from django.http import HttpRequest

from workflow.api.problems import Problem

_ETAG = re.compile(r'"(0|[1-9][0-9]{0,8})"')
_KEY = re.compile(r'"?([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32})"?')


def idempotency_key(text: str) -> UUID:
    """Return the transition id that the caller chose, from its header.

    Raises:
        Problem: There is none, or it is no UUID.
    """
    if not text:
        raise Problem(
            "idempotency_key_missing",
            "Send a UUID, new for each wish and the same when you repeat one.",
        )
    found = _KEY.fullmatch(text)
    if found is None:
        raise Problem("malformed_header", "Idempotency-Key: is no UUID.")
    return UUID(found[1])


def expected_version(match: str, said: int | None) -> int | None:
    """Return the record's version that the caller counts on, by `If-Match` or in the body.

    Raises:
        Problem: The header is no ETag of a record, or says something else than the body.
    """
    if not match.strip():
        return said
    found = _ETAG.fullmatch(match.strip())
    if found is None:
        raise Problem("malformed_header", 'If-Match: send the ETag of the record, as in "3".')
    version = int(found[1])
    if said is not None and said != version:
        raise Problem("malformed_header", "If-Match and expected_version do not agree.")
    return version


def etag(version: int) -> str:
    """Return the ETag of a record: its version.

    It stands for status and fields, which move together, not for how requests about it fare.
    """
    return f'"{version}"'


def check_correlation(request: HttpRequest) -> None:
    """See that the caller's correlation id was taken: it must be able to rely on it.

    Raises:
        Problem: It could not be.
    """
    if getattr(request, "correlation_problem", False):
        raise Problem(
            "malformed_header", "X-Correlation-ID: 1 to 64 visible ASCII characters, no blanks."
        )
