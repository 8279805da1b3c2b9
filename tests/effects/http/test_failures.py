"""Calls that fail on the way: what certainly was not sent, and what may have arrived."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from tests.effects.calls import call
from tests.effects.http.servers import Peer, answering, serving
from workflow.definition import Done, Postponed, Unknown
from workflow.effects.http import connection, deliver, pool


def test_a_refused_connection_was_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = deliver(call(), url=f"http://127.0.0.1:{port}/")
    assert isinstance(result, Postponed)
    assert result.code == "not_sent"
    assert "refused" in result.reason


def test_an_unknown_host_was_never_sent() -> None:
    result = deliver(call(), url="http://nobody.invalid/")
    assert isinstance(result, Postponed)
    assert "nobody.invalid" in result.reason


@pytest.mark.parametrize("host", ["a" * 70 + ".invalid", "xn--.invalid", "300.300.300.300"])
def test_a_host_that_is_no_name_was_never_sent(host: str) -> None:
    assert isinstance(deliver(call(), url=f"http://{host}/"), Postponed)


def test_a_connection_that_does_not_come_about_was_never_sent() -> None:
    """The listener's queue is full, so that the handshake of TCP is not answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        held = [socket.socket() for _ in range(4)]
        for each in held:
            each.setblocking(False)
            each.connect_ex(address)
        began = time.monotonic()
        result = deliver(call(seconds=0.5), url=f"http://127.0.0.1:{address[1]}/")
        for each in held:
            each.close()
    assert isinstance(result, Postponed), result
    assert time.monotonic() - began < 2


def test_silence_after_the_request_is_a_doubt() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.wait()

    with serving(script) as server:
        began = time.monotonic()
        result = deliver(call(seconds=0.4), url=server.url)
        assert 0.35 < time.monotonic() - began < 2
    assert isinstance(result, Unknown)
    assert "no answer within 0.4 s" in result.reason or "timed out" in result.reason


@pytest.mark.parametrize("resets", [False, True])
def test_a_connection_closed_after_the_request_is_a_doubt(resets: bool) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        if resets:
            peer.reset()

    with serving(script) as server:
        result = deliver(call(), url=server.url)
    assert isinstance(result, Unknown)
    assert result.code == "no_answer"


def test_a_connection_closed_in_the_middle_of_the_request_is_a_doubt() -> None:
    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.reset()

    with serving(script) as server:
        result = deliver(call({"much": "x" * 9_000_000}), url=server.url)
    assert isinstance(result, Unknown)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_a_doubt(said: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.sock.sendall(said)

    with serving(script) as server:
        assert isinstance(deliver(call(), url=server.url), Unknown)


def test_a_body_cut_off_is_a_doubt_unless_none_is_needed() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )

    with serving(script) as server:
        result = deliver(call(), url=server.url)
        needless = deliver(call(), url=server.url, has_receipt=False)
    assert isinstance(result, Unknown)
    assert "not all there" in result.reason
    assert isinstance(needless, Done)


@pytest.mark.parametrize(
    "begins", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"]
)
def test_a_server_that_drips_does_not_hold_the_call_longer(begins: bytes) -> None:
    """In the headers or in the body: each byte comes well within any time-out for one read."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.sock.sendall(begins)
        while not peer.stopping.wait(0.05):
            peer.sock.sendall(b"H" if not begins else b" ")

    with serving(script) as server:
        began = time.monotonic()
        result = deliver(call(seconds=0.6), url=server.url)
        assert time.monotonic() - began < 2
    assert isinstance(result, Unknown)


def test_a_server_that_does_not_read_does_not_hold_the_call_longer() -> None:
    with serving(Peer.wait) as server:
        began = time.monotonic()
        result = deliver(call({"much": "x" * 9_000_000}, seconds=0.6), url=server.url)
        assert time.monotonic() - began < 3
    assert isinstance(result, Unknown)


def test_nothing_is_sent_once_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolving a name may take longer than the call has; the send window would be over."""
    resolve = socket.getaddrinfo
    with serving(answering()) as server:

        def slow(*arguments: object, **options: object) -> object:
            time.sleep(0.3)
            return resolve(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(connection.socket, "getaddrinfo", slow)
        result = deliver(call(seconds=0.2), url=server.url)
        assert isinstance(result, Postponed)
        assert server.requests == []


# Connections that are kept.


def test_connections_are_kept_and_shared() -> None:
    with serving(answering()) as server:
        for _ in range(5):
            assert isinstance(deliver(call(), url=server.url), Done)
        assert (server.connections, len(server.requests)) == (1, 5)


def test_a_connection_that_the_server_has_closed_costs_nothing() -> None:
    closed = threading.Event()

    def once(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.sock.close()
        closed.set()

    with serving(once, answering()) as server:
        assert isinstance(deliver(call(), url=server.url), Done)
        assert closed.wait(5)
        assert isinstance(deliver(call(), url=server.url), Done)
        assert server.connections == 2


def test_a_connection_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE", 0.0)
    with serving(answering()) as server:
        deliver(call(), url=server.url)
        deliver(call(), url=server.url)
        assert server.connections == 2


def test_a_fresh_connection_can_be_had() -> None:
    with serving(answering()) as server:
        deliver(call(), url=server.url)
        deliver(call(), url=server.url, is_fresh=True)
        assert server.connections == 2


def test_a_connection_that_dies_under_the_request_is_a_doubt_and_not_tried_again() -> None:
    def once(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()

    with serving(once, answering()) as server:
        assert isinstance(deliver(call(), url=server.url), Done)
        assert isinstance(deliver(call(), url=server.url), Unknown)
        assert (server.connections, len(server.requests)) == (1, 2)


def test_threads_do_not_get_each_others_answers() -> None:
    def echo(peer: Peer) -> None:
        while got := peer.request():
            peer.answer(body=got.partition(b"\r\n\r\n")[2])

    wrong: list[object] = []
    with serving(echo) as server:

        def many(name: int) -> None:
            for number in range(30):
                result = deliver(call({"name": name, "number": number}), url=server.url)
                if result != Done(receipt={"name": name, "number": number}):
                    wrong.append(result)

        threads = [threading.Thread(target=many, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert wrong == []


# TLS.


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def _context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def test_tls_works_and_is_bounded(authority: trustme.CA, trusted: None) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()
        peer.wait()

    with serving(script, tls=_context(authority, "localhost")) as server:
        assert isinstance(deliver(call(), url=server.url), Done)
        began = time.monotonic()
        assert isinstance(deliver(call(seconds=0.5), url=server.url), Unknown)
        assert time.monotonic() - began < 2
        assert server.connections == 1


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_was_never_sent(authority: trustme.CA) -> None:
    with serving(answering(), tls=_context(authority, "elsewhere.test")) as server:
        result = deliver(call(), url=server.url)
        assert isinstance(result, Postponed)
        assert "certificate" in result.reason.lower()
        assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_that_names_the_host_in_its_common_name_alone_was_never_sent(
    authority: trustme.CA,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(common_name="localhost").configure_cert(context)
    with serving(answering(), tls=context) as server:
        assert isinstance(deliver(call(), url=server.url), Postponed)
        assert server.requests == []


def test_a_certificate_of_a_stranger_was_never_sent(authority: trustme.CA) -> None:
    with serving(answering(), tls=_context(authority, "localhost")) as server:
        assert isinstance(deliver(call(), url=server.url), Postponed)
        assert server.requests == []


def test_a_handshake_that_is_not_answered_was_never_sent() -> None:
    with serving(Peer.wait) as server:
        began = time.monotonic()
        result = deliver(call(seconds=0.4), url=server.url.replace("http:", "https:"))
        assert time.monotonic() - began < 2
    assert isinstance(result, Postponed)
