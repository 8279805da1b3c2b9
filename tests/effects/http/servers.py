"""Servers that misbehave on purpose, each connection as a script says. Real sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

Script = Callable[["Peer"], None]


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self.sock = sock
        self.stopping = stopping

    def request(self) -> bytes:
        """Read one request, headers and body."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(65536)
            if not piece:
                return data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            piece = self.sock.recv(65536)
            if not piece:
                break
            body += piece
        return head + b"\r\n\r\n" + body

    def answer(
        self,
        status: str = "200 OK",
        body: bytes = b'{"id": "p-1"}',
        form: str | None = "application/json",
        *lines: str,
    ) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines]
        if form is not None:
            head.append(f"Content-Type: {form}")
        self.sock.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        """Send RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait(self) -> None:
        """Say nothing more until the test is over."""
        self.stopping.wait(30)


class Server:
    """Plays one script for each connection, the last one again for all that follow."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}/payments"
        self.requests: list[bytes] = []
        self.connections = 0
        self._peers: list[Peer] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            script = self._scripts[min(self.connections, len(self._scripts)) - 1]
            thread = threading.Thread(target=self._play, args=(sock, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _play(self, sock: socket.socket, script: Script) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            if self._tls:
                sock.settimeout(10)
                sock = stack.enter_context(self._tls.wrap_socket(sock, server_side=True))
                sock.settimeout(None)
            peer = Peer(sock, self._stopping)
            self._peers.append(peer)
            received = peer.request

            def noted() -> bytes:
                got = received()
                if got:
                    self.requests.append(got)
                return got

            peer.request = noted  # type: ignore[method-assign]
            script(peer)

    def close(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in list(self._peers):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(*scripts, tls=tls)
    try:
        yield server
    finally:
        server.close()


def answering(
    status: str = "200 OK",
    body: bytes = b'{"id": "p-1"}',
    form: str | None = "application/json",
    *lines: str,
) -> Script:
    """Answer every request of the connection so."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.answer(status, body, form, *lines)

    return script
