"""Mail through Django.

What a mail server can do about doubt: nothing. It takes a message twice if it is given twice, and
cannot be asked. The Message-ID follows from the effect's key, so a second copy is the same
message, which many mailboxes drop; no standard makes them. So there are two honest declarations,
and `recovery` has no default:

- `Resend()` where a second copy costs nothing, such as "your declaration was approved": the
  message arrives at least once, and after a crash perhaps twice.
- `Ask()` where it must not come twice, such as a one-time code: after a crash a person decides.

One message has one recipient. A server may take a message for some recipients and refuse it for
others, and Django does not say for which; with one there is one answer.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parseaddr
from typing import Any, TypeVar

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SMTPBackend

from workflow.definition import (
    Call,
    Channel,
    Context,
    Done,
    Effect,
    Postponed,
    Recovery,
    Rejected,
    Result,
    Retry,
    Unknown,
)
from workflow.effects.http.headers import plain

S = TypeVar("S")

_NO_ATOM = re.compile(r"[^A-Za-z0-9!#$%&'*+=^_`{|}~.-]+")
_FIRST_PERMANENT = 500


def email(
    *,
    name: str,
    channel: Channel,
    message: Callable[[Context[S]], Mapping[str, Any] | None],
    recovery: Recovery,
    retry: Retry | None = None,
    timeout: timedelta = timedelta(seconds=30),
) -> Effect[S]:
    """Return an effect that sends a mail.

    Args:
        message: Returns `to` (one address), `subject`, `body`, and if wanted `html`, `sender` and
            `reply_to`, all texts; None where no mail is to go out.
        recovery: `Resend()` or `Ask()`; see above.
    """
    return Effect(
        name=name,
        channel=channel,
        request=message,
        send=send_email,
        recovery=recovery,
        retry=retry or Retry(),
        timeout=timeout,
    )


def send_email(call: Call) -> Result:
    """Send the mail that `call.request` describes, and say what the server made of it.

    Refused for good by the server, or unfit to be sent: `Rejected`. Refused for now, or the server
    is not there: `Postponed`. Lost once the talk about the message had begun: `Unknown`, because
    the server may have it.
    """
    try:
        mail = _mail(call)
        mail.message()  # finds what cannot be written into headers, before anything is sent
    except (KeyError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
        return Rejected(reason=f"The mail cannot be made: {told}", code="unsendable")
    connection = get_connection(timeout=call.timeout.total_seconds())
    try:
        return _open(connection) or _send(connection, mail)
    finally:
        # The message is through or not; a server that is rude afterwards does not change that.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            connection.close()


def message_id(key: str) -> str:
    """Return the Message-ID of the mail that goes out under a key; always the same."""
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    domain = sender.partition("@")[2] or "localhost"
    return f"<{_NO_ATOM.sub('.', key)}@{domain}>"


def _mail(call: Call) -> EmailMultiAlternatives:
    asked = call.request
    address = asked["to"]
    if not isinstance(address, str) or "@" not in parseaddr(address)[1]:
        raise ValueError(f"to {address!r} is not one address")
    mail = EmailMultiAlternatives(
        subject=asked["subject"],
        body=asked["body"],
        from_email=asked.get("sender"),
        to=[address],
        reply_to=[asked["reply_to"]] if asked.get("reply_to") else None,
        headers={
            "Message-ID": message_id(call.key),
            "X-Correlation-ID": plain(call.correlation_id),
        },
    )
    if asked.get("html"):
        mail.attach_alternative(asked["html"], "text/html")
    return mail


def _open(connection: BaseEmailBackend) -> Result | None:
    """Get as far as one can without a message; return why that is not far enough."""
    try:
        connection.open()
        if isinstance(connection, SMTPBackend) and connection.connection is not None:
            # Said now, since what fails from here on may be with the server.
            connection.connection.ehlo_or_helo_if_needed()
    except (smtplib.SMTPException, OSError) as error:
        return _not_reached(error)
    return None


def _send(connection: BaseEmailBackend, mail: EmailMultiAlternatives) -> Result:
    told = f"The mail to {mail.to[0]}"
    try:
        sent = connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        (answer,) = error.recipients.values()
        return _refused(told, *answer)
    except smtplib.SMTPResponseException as error:
        return _refused(told, error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        return Rejected(reason=f"{told}: the server cannot send it: {error}", code="unsendable")
    except (smtplib.SMTPException, OSError) as error:
        return Unknown(
            reason=f"{told} may be with the server: {type(error).__name__}: {error}",
            code="no_answer",
        )
    if not sent:
        return Rejected(reason=f"{told} was not sent, and the backend does not say why")
    return Done(receipt={"message_id": mail.extra_headers["Message-ID"], "to": mail.to[0]})


def _refused(told: str, code: int, said: bytes | str) -> Result:
    """Read a server's reply: it refuses for good from 500 on, and for now below."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    reason = f"{told} was refused: {code} {text}".rstrip()
    if code >= _FIRST_PERMANENT:
        return Rejected(reason=reason, code=f"smtp_{code}")
    if code < 0:  # smtplib's word for a connection that broke while it waited for a reply
        return Unknown(reason=reason, code="no_answer")
    return Postponed(reason=reason, code=f"smtp_{code}", is_fault=False)


def _not_reached(error: Exception) -> Result:
    reason = f"The mail server was not reached: {type(error).__name__}: {error}"
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= _FIRST_PERMANENT:
        return Rejected(reason=reason, code="smtp_login")
    return Postponed(reason=reason, code="not_sent")
