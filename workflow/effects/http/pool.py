"""Connections that are kept for the next call.

A kept connection may be closed by the server just when we send on it, and then nobody knows
whether it read the request. So one that has been idle is used again for `IDLE` only, less than
servers keep theirs; a call may also ask for a fresh one.
"""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections import defaultdict, deque
from functools import cache, cached_property

from workflow.effects.http.connection import Address, Connection, Exchange

IDLE = 1.0
"""Seconds. The shortest that a common server keeps a connection is gunicorn's 2."""

_KEPT = 64
"""Connections kept for each host; more may be open, as many as the channels allow."""


class Pool:
    """What a process keeps; its threads share it.

    Without proxies: those of the environment are not looked at.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: defaultdict[Address, deque[Connection]] = defaultdict(deque)
        self._looked_at = 0.0

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.hostname_checks_common_name = False  # the names it is for stand elsewhere
        context.set_alpn_protocols(["http/1.1"])
        return context

    def connection(
        self, address: Address, *, exchange: Exchange, is_fresh: bool = False
    ) -> Connection:
        """Return one that is kept and quiet, or a new one.

        Raises:
            OSError, UnicodeError: There is none to be had.
        """
        while not is_fresh:
            known = self._take(address)
            if known is None:
                break
            if known.is_quiet():
                return known
            known.close()
        context = self._context if address.is_secure else None
        return Connection.to(address, context=context, exchange=exchange)

    def _take(self, address: Address) -> Connection | None:
        """Return the one that was in use last, unless it has been idle for long."""
        with self._lock:
            kept = self._kept.get(address)
            if kept and time.monotonic() - kept[-1].idle_since <= IDLE:
                return kept.pop()
        return None

    def keep(self, connection: Connection) -> None:
        """Keep one whose exchange is over, with nothing left of it."""
        connection.idle_since = time.monotonic()
        with self._lock:
            kept = self._kept[connection.address]
            kept.append(connection)
            old = [kept.popleft()] if len(kept) > _KEPT else []
            if connection.idle_since - self._looked_at > IDLE:
                self._looked_at = connection.idle_since
                old += self._idle()
        for each in old:
            each.close()

    def _idle(self) -> list[Connection]:
        """Take out those that nobody will use again, of whichever host."""
        found: list[Connection] = []
        for address, kept in list(self._kept.items()):
            while kept and self._looked_at - kept[0].idle_since > IDLE:
                found.append(kept.popleft())
            if not kept:
                del self._kept[address]
        return found

    def clear(self) -> None:
        """Close all of them."""
        with self._lock:
            every = [each for kept in self._kept.values() for each in kept]
            self._kept.clear()
        for each in every:
            each.close()


@cache
def pool() -> Pool:
    """Return this process's connections."""
    return Pool()


# Two processes on one connection would read each other's answers.
os.register_at_fork(after_in_child=pool.cache_clear)
