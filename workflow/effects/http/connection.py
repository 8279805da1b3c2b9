"""Connections that keep an exchange within its time and know whether anything was sent.

Two questions decide what a failed call means, and client libraries answer neither.

*Has anything left this machine?* An exception does not say: a reset while sending and a reset
while reading look alike, and a refused connection looks much like both. So the connection takes a
note with the first byte that the operating system has accepted. Before it, nothing can have
happened downstream; after it, anything can.

*How long will it take?* Time-outs of sockets are counted anew for each read, so a server that
sends one byte a second holds a thread for ever. Here each operation gets what is left of the
exchange's time, and none begins after its end. (Only the resolver keeps its own time; what it
takes is taken from the exchange's, and nothing is sent after it.)

A kept-alive connection may be closed by the server just when we send on it, and then nobody knows
whether it read the request. So a connection that has been idle is used again for `IDLE` only, less
than servers keep theirs; a call may also ask for a fresh one.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import time
from contextvars import ContextVar
from functools import cache
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

IDLE = 1.0
"""Seconds. The shortest that a common server keeps a connection is gunicorn's 2."""

_KEPT = 64
"""Connections kept for each host; more may be open, as many as the channels allow."""

_PIECE = 16_384
"""Bytes handed to the socket at a time; TLS makes a record of as much."""

_SLACK = 0.05
"""Seconds by which a socket's time-out may be off what is left. To set it takes a system call, and
in a process with many threads each of those may cost more than the call itself."""


class Exchange:
    """One request and its answer: when it has to be over, and how far it has come."""

    def __init__(self, *, timeout: float, is_fresh: bool) -> None:
        self._ends_at = time.monotonic() + timeout
        self.timeout = timeout
        self.is_fresh = is_fresh
        self.has_sent = False

    def left(self) -> float:
        """Return how many seconds are left, more than 0.

        Raises:
            TimeoutError: None are.
        """
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError(f"no answer within {self.timeout:g} s")
        return seconds

    def limit(self, sock: socket.socket) -> None:
        """Let the next operation on a socket wait no longer than what is left, or `_SLACK` more.

        Raises:
            TimeoutError: None is.
        """
        left = self.left()
        if abs((sock.gettimeout() or 0.0) - left) > _SLACK:
            sock.settimeout(left)


current: ContextVar[Exchange] = ContextVar("current")
"""The exchange of this thread; the pool hands out connections without knowing for what."""


class _Timed(io.RawIOBase):
    """What comes from a socket, within the exchange's time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._socket = sock
        self._exchange = exchange

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once, waiting no longer than the exchange may last."""
        self._exchange.limit(self._socket)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket, which its connection may have let go of before."""
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Timed(raw, sock, current.get()))


class _Connection(HTTPConnection):
    response_class = _TimedResponse
    _idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use it again."""
        if current.get().is_fresh or time.monotonic() - self._idle_since > IDLE:
            return False
        return super().is_connected

    def _new_conn(self) -> socket.socket:
        """Connect to one of the host's addresses; each gets a fair share of the time left."""
        exchange = current.get()
        addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        problem: OSError = OSError(f"{self.host} has no address")
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(exchange.left() / (len(addresses) - tried))
                sock.connect(address)
                sock.settimeout(exchange.left())
            except OSError as error:
                sock.close()
                problem = error
            else:
                return sock
        raise problem

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request, its head and its body in one piece."""
        self._pieces: list[bytes] = []
        super().request(*arguments, **options)
        self._send(b"".join(self._pieces))

    def send(self, data: Any) -> None:
        """Keep a part of a request until all of it is there."""
        self._pieces.append(bytes(data))

    def _send(self, data: bytes) -> None:
        """Send, and note the first byte that has left."""
        exchange = current.get()
        if self.sock is None:
            self.connect()
        left = memoryview(data)
        while left:
            exchange.limit(self.sock)
            gone = self.sock.send(left[:_PIECE])
            exchange.has_sent = True
            left = left[gone:]

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Read status and headers.

        urllib3 goes on to read even where the server hung up before anything was sent; what could
        be read then would be no answer to this request.
        """
        if not current.get().has_sent:
            raise ConnectionAbortedError("the server hung up before anything was sent")
        response = super().getresponse()
        self._idle_since = time.monotonic()
        return response


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


@cache
def pool() -> PoolManager:
    """Return this process's connections; its threads share them.

    Without proxies: those of the environment are not looked at.
    """
    manager = PoolManager(num_pools=_KEPT, maxsize=_KEPT, block=False)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


# Two processes on one connection would read each other's answers.
os.register_at_fork(after_in_child=pool.cache_clear)
