"""What counts as an answer, where it ends, and which connections are used again."""

from __future__ import annotations

import socket
import time

import pytest

from tests.effects.calls import call
from tests.effects.http.servers import Peer, Script, answering, serving
from workflow.definition import Done, Rejected, Unknown
from workflow.effects.http import deliver, pool
from workflow.effects.http.connection import target_of

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = HEAD + b'Content-Length: 9\r\n\r\n{"id": 7}'


def saying(*pieces: bytes, closes: bool = False) -> Script:
    """Answer each request of a connection with these pieces, one after the other."""

    def script(peer: Peer) -> None:
        while peer.request():
            for piece in pieces:
                peer.sock.sendall(piece)
                time.sleep(0.02 if len(pieces) > 1 else 0)
            if closes:
                return

    return script


@pytest.mark.parametrize(
    "pieces",
    [
        (GOOD,),
        (GOOD[:3], GOOD[3:40], GOOD[40:]),
        (GOOD[:-4], GOOD[-4:]),
        (HEAD + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"id\r\n5\r\n": 7}\r\n0\r\n\r\n',),
        (
            HEAD + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"id": 7}\r\n0\r\n'
            b"Content-Type: text/html\r\n\r\n",
        ),
        (b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n", GOOD),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + GOOD,),
        (GOOD.replace(b"200 OK", b"200"),),
        (GOOD.replace(b"200 OK", b"200 "),),
    ],
)
def test_an_answer_is_read_to_its_end_and_its_connection_used_again(pieces: list[bytes]) -> None:
    with serving(saying(*pieces)) as server:
        for _ in range(2):
            assert deliver(call(), url=server.url) == Done(receipt={"id": 7})
        assert server.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b'\r\n{"id": 7}',
        HEAD + b'Transfer-Encoding: identity\r\n\r\n{"id": 7}',
        GOOD.replace(b"1.1", b"1.0"),
        HEAD + b'Connection: close\r\nContent-Length: 9\r\n\r\n{"id": 7}',
    ],
)
def test_a_connection_that_ends_with_its_answer_is_not_used_again(said: bytes) -> None:
    with serving(saying(said, closes=True)) as server:
        for _ in range(2):
            assert deliver(call(), url=server.url) == Done(receipt={"id": 7})
        assert server.connections == 2


@pytest.mark.parametrize("more", [b"x", GOOD, b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"])
def test_what_comes_behind_an_answer_is_nobodys(more: bytes) -> None:
    """It would be taken for the answer to the next request."""
    with serving(saying(GOOD + more)) as server:
        for _ in range(3):
            assert deliver(call(), url=server.url) == Done(receipt={"id": 7})
        assert server.connections == 3


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b'Content-Length: 9\r\nContent-Length: 8\r\n\r\n{"id": 7}',
        HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b'Content-Length: -9\r\n\r\n{"id": 7}',
        HEAD + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n{"id": 7}\r\n0\r\n\r\n',
        GOOD.replace(b"\r\n", b"\n"),
        HEAD + b' folded: 1\r\nContent-Length: 9\r\n\r\n{"id": 7}',
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + GOOD,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 20",
        b"\r\n\r\n",
    ],
)
def test_what_may_be_read_in_two_ways_is_a_doubt(said: bytes) -> None:
    with serving(saying(said, closes=True)) as server:
        assert isinstance(deliver(call(), url=server.url), Unknown)
        assert len(server.requests) == 1


def test_an_early_no_is_heard() -> None:
    """The downstream answers before it has read everything, and hangs up."""

    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.answer("413 Content Too Large")
        peer.sock.shutdown(socket.SHUT_WR)
        while peer.sock.recv(65536):
            pass

    with serving(script) as server:
        result = deliver(call({"much": "x" * 9_000_000}), url=server.url)
    assert isinstance(result, Rejected)
    assert result.code == "http_413"


@pytest.mark.parametrize("size", [20_000, 3_000_000])
def test_an_early_no_is_heard_through_a_reset(size: int) -> None:
    """Whoever hangs up with something unread resets the connection, behind the answer."""

    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.answer("413 Content Too Large", b"{}", "application/json", "Connection: close")

    with serving(script) as server:
        for _ in range(10):
            result = deliver(call({"much": "x" * size}), url=server.url)
            assert isinstance(result, Rejected), result


def test_a_trailer_without_an_end_is_not_read_for_long() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ")
        while not peer.stopping.is_set():
            peer.sock.sendall(b"x" * 65_536)

    with serving(script) as server:
        result = deliver(call(seconds=30), url=server.url)
    assert isinstance(result, Unknown)
    assert "longer than" in result.reason


def test_a_head_has_no_body_whatever_it_says() -> None:
    with serving(saying(GOOD.partition(b"{")[0])) as server:
        result = deliver(call(), url=server.url, method="HEAD", has_receipt=False)
        assert isinstance(result, Done)


@pytest.mark.parametrize("method", ["", "PO ST", "POST / HTTP/1.1\r\nX: 1\r\n\r\nGET"])
def test_a_method_that_would_change_the_request_is_not_sent(method: str) -> None:
    with serving(answering()) as server:
        assert isinstance(deliver(call(), url=server.url, method=method), Rejected)
        assert server.requests == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://host", ((False, "host", 80), "host", "/")),
        ("http://HOST:80/a?b=c#d", ((False, "host", 80), "host", "/a?b=c")),
        ("https://host:8443?b", ((True, "host", 8443), "host:8443", "/?b")),
        ("http://[::1]:8000/", ((False, "::1", 8000), "[::1]:8000", "/")),
        ("http://host/é", ((False, "host", 80), "host", "/%C3%A9")),
    ],
)
def test_an_address_is_taken_apart(url: str, told: tuple[object, ...]) -> None:
    assert target_of(url) == told


def test_connections_that_nobody_needs_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def script(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()
        ended.append(peer)

    monkeypatch.setattr(pool, "IDLE", 0.05)
    with serving(script) as one, serving(answering()) as other:
        deliver(call(), url=one.url)
        until = time.monotonic() + 5
        while not ended and time.monotonic() < until:
            deliver(call(), url=other.url)
            time.sleep(0.02)
        assert ended
        assert list(pool.pool()._kept) == [target_of(other.url).address]
