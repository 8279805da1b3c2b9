"""Webhooks signed by the Standard Webhooks scheme (standardwebhooks.com), version v1.

A receiver gets `webhook-id`, the same for every attempt, by which it recognises a repetition;
`webhook-timestamp`; and `webhook-signature`, an HMAC-SHA256 of both and the body for each secret
in force. So a secret is changed without a gap: add the new one, tell the receiver, remove the old.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from workflow.definition import (
    Call,
    Channel,
    Context,
    Effect,
    Recovery,
    Resend,
    Result,
    Retry,
    WorkflowError,
)
from workflow.effects.http import deliver

S = TypeVar("S")

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
"""Bytes of a secret, as the scheme has it."""

TOLERANCE = timedelta(minutes=5)
"""How far a timestamp may be off; an older call may be a recorded one."""


class UnusableSecret(WorkflowError):
    """A secret is not `whsec_` and 24 to 64 bytes in base64; the message does not show it."""

    code = "unusable_secret"


class BadSignature(WorkflowError):
    """A webhook is not from who it says, or too old; do nothing and answer 400."""

    code = "bad_signature"


def webhook(
    *,
    name: str,
    channel: Channel,
    url: str | Callable[[Call], str],
    secrets: Sequence[str],
    request: Callable[[Context[S]], Mapping[str, Any] | None],
    recovery: Recovery | None = None,
    retry: Retry | None = None,
    timeout: timedelta = timedelta(seconds=15),
) -> Effect[S]:
    """Return an effect that sends what `request` returns as a signed webhook.

    Its recovery is `Resend`, since a receiver who keeps to the scheme recognises the id. Give
    another for one that does not.

    Raises:
        UnusableSecret: One of the secrets cannot be used.
    """
    return Effect(
        name=name,
        channel=channel,
        request=request,
        send=send_webhook(url=url, secrets=secrets),
        recovery=recovery or Resend(),
        retry=retry or Retry(),
        timeout=timeout,
    )


def send_webhook(
    *, url: str | Callable[[Call], str], secrets: Sequence[str]
) -> Callable[[Call], Result]:
    """Return the `send` of such an effect, for one that is declared by hand.

    Args:
        url: The receiver's address, or what returns it.
        secrets: Those in force, the newest first.

    Raises:
        UnusableSecret: One of them cannot be used.
    """
    keys = _keys(secrets)

    def send(call: Call) -> Result:
        body = json.dumps(dict(call.request), sort_keys=True, separators=(",", ":")).encode()
        timestamp = int(time.time())
        return deliver(
            call,
            url=url if isinstance(url, str) else url(call),
            body=body,
            headers={
                "webhook-id": call.key,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": _signatures(keys, call.key, timestamp, body),
            },
            has_receipt=False,
        )

    return send


def sign(*, secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> str:  # noqa: A002
    """Return the value of `webhook-signature`.

    Args:
        timestamp: Seconds since 1970.

    Raises:
        UnusableSecret: One of the secrets cannot be used.
    """
    return _signatures(_keys(secrets), id, timestamp, body)


def verify(
    *,
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """Return the id of a webhook that was received, if one of the secrets has signed it.

    Remember the id with what you do, in one transaction: the same one may come again.

    Args:
        headers: As received; Django's `request.headers` will do.
        body: Its bytes, before anything has parsed them.
        now: Aware.

    Raises:
        BadSignature: It is not to be trusted.
        UnusableSecret: One of the secrets cannot be used.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        key = found["webhook-id"]
        timestamp = int(found["webhook-timestamp"])
        given = found["webhook-signature"].split(" ")
    except KeyError as missing:
        raise BadSignature(f"The header {missing} is missing.") from None
    except ValueError:
        raise BadSignature("webhook-timestamp is no number of seconds.") from None
    if abs(now.timestamp() - timestamp) > tolerance.total_seconds():
        raise BadSignature(f"Its timestamp {timestamp} is more than {tolerance} off.")
    ours = _signatures(_keys(secrets), key, timestamp, body).encode().split(b" ")
    # All are compared, each in constant time, so that nothing can be learnt from how long it took.
    matches = [hmac.compare_digest(a, b.encode("utf-8", "replace")) for a in ours for b in given]
    if not any(matches):
        raise BadSignature("No signature fits; was it signed with another secret?")
    return key


def _signatures(keys: Iterable[bytes], id_: str, timestamp: int, body: bytes) -> str:
    signed = f"{id_}.{timestamp}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _keys(secrets: Sequence[str]) -> list[bytes]:
    if not secrets or isinstance(secrets, str):
        raise UnusableSecret("At least one secret is needed, as a list.")
    return [_key(secret) for secret in secrets]


def _key(secret: str) -> bytes:
    form = (
        f"A webhook secret is not {_PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64. This"
        ' makes one: python -c "import base64, os;'
        f" print('{_PREFIX}' + base64.b64encode(os.urandom(32)).decode())\""
    )
    if not secret.startswith(_PREFIX):
        raise UnusableSecret(form)
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise UnusableSecret(form) from None
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise UnusableSecret(form)
    return key
