"""Connections that keep an exchange within its time and know whether anything was sent.

Two questions decide what a failed call means, and client libraries answer neither.

*Has anything left this machine?* An exception does not say: a reset while sending and a reset
while reading look alike, and a refused connection looks much like both. So the exchange takes a
note with the first byte that the operating system has accepted. Before it, nothing can have
happened downstream; after it, anything can.

*How long will it take?* Time-outs of sockets are counted anew for each read, so a server that
sends one byte a second holds a thread for ever. Here each operation gets what is left of the
exchange's time, and none begins after its end. (Only the resolver keeps its own time; what it
takes is taken from the exchange's, and nothing is sent after it.)
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from functools import lru_cache
from typing import NamedTuple

from urllib3.util import parse_url

_PIECE = 16_384
"""Bytes handed to the socket at a time, and read from it; TLS makes a record of as much."""

_SLACK = 0.05
"""Seconds by which a socket's time-out may be off what is left. To set it takes a system call, and
in a process with many threads each of those may cost more than the call itself."""

_PORTS = {"http": 80, "https": 443}


class Exchange:
    """One request and its answer: when it has to be over, and how far it has come."""

    def __init__(self, *, timeout: float) -> None:
        self._ends_at = time.monotonic() + timeout
        self.timeout = timeout
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


class Address(NamedTuple):
    """Whom to connect to."""

    is_secure: bool
    host: str
    port: int


class Target(NamedTuple):
    """An URL, taken apart."""

    address: Address
    authority: str
    """As the header `Host` names it."""

    path: str
    """With the query."""


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target:
    """Return where an URL leads; international names and paths are encoded.

    Raises:
        urllib3.exceptions.LocationParseError: Nowhere.
    """
    found = parse_url(url)
    scheme, host = str(found.scheme), str(found.host)
    port = found.port or _PORTS[scheme]
    authority = host if port == _PORTS[scheme] else f"{host}:{port}"
    address = Address(scheme == "https", host.strip("[]"), port)
    return Target(address, authority, found.request_uri)


class Connection:
    """A connection to a downstream. Used by one thread at a time."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self._socket = sock
        self.address = address
        self.idle_since = 0.0

    @classmethod
    def to(
        cls, address: Address, *, context: ssl.SSLContext | None, exchange: Exchange
    ) -> Connection:
        """Connect to one of the host's addresses; each gets a fair share of the time left.

        Raises:
            OSError: None answers, or it is not who it should be.
            UnicodeError: The host is no name.
        """
        places = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        problem: OSError = OSError(f"{address.host} has no address")
        for tried, (family, kind, protocol, _, place) in enumerate(places):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(exchange.left() / (len(places) - tried))
                sock.connect(place)
                sock.settimeout(exchange.left())
            except OSError as error:
                sock.close()
                problem = error
            else:
                return cls(_secured(sock, address, context), address)
        raise problem

    def send(self, data: bytes, exchange: Exchange) -> None:
        """Send a request, and note when the first byte has left.

        Whoever answers before all of it is there and hangs up is listened to.
        """
        left = memoryview(data)
        while left:
            exchange.limit(self._socket)
            try:
                gone = self._socket.send(left[:_PIECE])
            except (BrokenPipeError, ConnectionResetError):
                if exchange.has_sent:
                    return
                raise
            exchange.has_sent = True
            left = left[gone:]

    def receive(self, exchange: Exchange) -> bytes:
        """Read once, waiting no longer than the exchange may last; nothing at the end."""
        exchange.limit(self._socket)
        return self._socket.recv(_PIECE)

    def is_quiet(self) -> bool:
        """Return whether nothing has come meanwhile, not even its end."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _secured(
    sock: socket.socket, address: Address, context: ssl.SSLContext | None
) -> socket.socket:
    if context is None:
        return sock
    try:
        return context.wrap_socket(sock, server_hostname=address.host.rstrip("."))
    except (OSError, ValueError):
        sock.close()
        raise
