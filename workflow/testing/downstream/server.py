"""The HTTP of the simulators: one port, one prefix for each downstream."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from workflow.testing.downstream.downstream import Downstream, Reply, Request, problem
from workflow.testing.downstream.faults import Fault

HOST = "127.0.0.1"
_LARGEST = 1_000_000
"""Bytes of a body."""

_KEEPS = 30.0
"""Seconds that an idle connection is kept."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A request that is in the journal."""

    request: Request
    fault: Fault | None
    reply: Reply | None
    """What to answer; None: hang up."""


class Front(Protocol):
    """Whoever does what is asked."""

    downstreams: Mapping[str, Downstream]

    def take(self, downstream: Downstream, request: Request) -> Taken:
        """Write it down, and do it now if it is to be done now."""

    def hold(self, downstream: Downstream, taken: Taken) -> None:
        """Keep the sender waiting if need be."""


class Server(ThreadingHTTPServer):
    """Takes connections, and can end them."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, *, host: str, port: int, front: Front) -> None:
        self.front = front
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.server_name}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind, without asking a resolver for this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        with self._changing:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        with self._changing:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close what is open, so that its threads end."""
        with self._changing:
            for request in self._open:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take no notice of senders that hang up; show everything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _KEEPS
    server: Server

    def do_GET(self) -> None:
        """Serve a look-up."""
        self._serve()

    def do_POST(self) -> None:
        """Serve a call."""
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the journal has it."""

    def _serve(self) -> None:
        first, *path = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
        downstream = self.server.front.downstreams.get(first)
        body = self._body()
        key = self.headers.get("Idempotency-Key", "")
        if self.command == "GET":
            key = path[-1] if path else ""
        if isinstance(body, Reply):
            self._answer(body)
        elif downstream is None:
            known = ", ".join(f"/{name}" for name in self.server.front.downstreams)
            self._answer(problem(404, f"Served are {known}.", code="unknown_downstream"))
        elif self.command == "POST" and not key:
            self._answer(problem(400, "The header Idempotency-Key is missing.", code="no_key"))
        else:
            request = Request(
                method=self.command,
                path=tuple(path),
                key=key,
                body=body,
                call_back=self.headers.get("X-Callback-URL", ""),
                correlation_id=self.headers.get("X-Correlation-ID", ""),
                traceparent=self.headers.get("traceparent", ""),
            )
            self._take(downstream, request)

    def _take(self, downstream: Downstream, request: Request) -> None:
        taken = self.server.front.take(downstream, request)
        self.server.front.hold(downstream, taken)
        if taken.reply is None:
            self.close_connection = True
        else:
            self._answer(taken.reply)

    def _body(self) -> dict[str, Any] | Reply:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= _LARGEST:
            self.close_connection = True
            return problem(413, f"A body has 0 to {_LARGEST} bytes, and a Content-Length.")
        if not length:
            return {}
        try:
            found = json.loads(self.rfile.read(length))
        except (ValueError, RecursionError):
            found = None
        return found if isinstance(found, dict) else problem(400, "The body is no JSON object.")

    def _answer(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, str) else json.dumps(dict(reply.body))
        content = body.encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        headers["Content-Length"] = str(len(content))
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        # In one piece, or the second would wait for the first to be acknowledged.
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
