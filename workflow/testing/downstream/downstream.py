"""What every simulated downstream is: a prefix, and what it does with a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from workflow.testing.downstream.journal import Writer


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that has arrived whole."""

    method: str
    path: tuple[str, ...]
    """Parts below the downstream's prefix."""

    key: str
    body: Mapping[str, Any]
    call_back: str = ""
    """Address that the sender wants to be told at."""

    correlation_id: str = ""
    traceparent: str = ""
    call: int = 0
    """Its number in the journal, once it is there."""

    def text(self, name: str) -> str:
        """Return a text of the body.

        Raises:
            Unfit: It is not there.
        """
        found = self.body.get(name)
        if not isinstance(found, str) or not found:
            raise Unfit(f"{name} {found!r} is no text")
        return found

    def cents(self, name: str) -> int:
        """Return an amount of the body, such as "42.00", in cents; 0 or more.

        Raises:
            Unfit: It is none.
        """
        try:
            amount = Decimal(self.text(name)) * 100
        except InvalidOperation:
            raise Unfit(f"{name} {self.body[name]!r} is no amount") from None
        if amount != amount.to_integral_value() or not 0 <= amount < 10**12:
            raise Unfit(f"{name} {self.body[name]!r} is no amount in cents")
        return int(amount)

    def number(self, name: str) -> int:
        """Return a whole number of the body.

        Raises:
            Unfit: It is none.
        """
        found = self.body.get(name)
        if not isinstance(found, int) or isinstance(found, bool):
            raise Unfit(f"{name} {found!r} is no whole number")
        return found


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the sender is to be told."""

    status: int
    body: Mapping[str, Any] | str
    """A JSON object, or a text that is none."""

    headers: Mapping[str, str] = field(default_factory=dict)


class Unfit(Exception):
    """A request says what it may not; it is answered 400."""


class Downstream(Protocol):
    """One system."""

    name: str
    """Also the first part of its paths, and its name in the journal."""

    def handle(self, request: Request, *, journal: Writer, now: float) -> Reply:
        """Do what is asked, in the journal's transaction, and say so."""


def problem(status: int, title: str, **more: Any) -> Reply:
    """Return problem details (RFC 9457)."""
    return Reply(
        status=status,
        body={"title": title, "status": status, **more},
        headers={"Content-Type": "application/problem+json"},
    )


def no_such_path(request: Request) -> Reply:
    """Return what is said to a path or method that is not there."""
    return problem(405, f"{request.method} /{'/'.join(request.path)} is not offered here")


def euros(cents: int) -> str:
    """Return an amount as it is sent."""
    return f"{cents / 100:.2f}"
