"""Reading an answer, by a parser that takes nothing for HTTP which is not (llhttp)."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from workflow.effects.http.connection import Connection, Exchange

LIMIT = 65_536
"""Bytes of a body that are read, and of what stands before it; a receipt is far smaller."""

_IN_ALL = 8 * LIMIT
"""Bytes that are read in all; a body in chunks of one byte takes six times its length."""

_CONTINUE = 100
_FIRST_FINAL = 200


class Response:
    """An answer as far as it has come; what the parser calls is named `on_...`.

    The parser goes on to whatever comes behind the answer, in the same piece; that is nobody's.
    """

    def __init__(self, *, has_body: bool) -> None:
        """Take whether the request is one that is answered with a body."""
        self.status = 0
        self.reason = ""
        self.headers: dict[str, str] = {}
        """Under their names in lower case; of those that came twice, the last."""

        self.body = bytearray()
        self.has_head = False
        self.is_over = False
        self.can_go_on = False
        """Whether another exchange may follow on its connection."""

        self._has_body = has_body
        self._received = 0
        self._parser: HttpResponseParser | None = HttpResponseParser(self)

    def read(self, connection: Connection, exchange: Exchange) -> None:
        """Read it to its end, or as much as is wanted of it.

        Raises:
            OSError: It did not come, or not all of it.
            HttpParserError: It is no answer, or no further one.
        """
        try:
            while not self.is_over:
                piece = connection.receive(exchange)
                if piece:
                    self._take(piece)
                else:
                    self._end()
        finally:
            self._parser = None  # which holds this one in turn

    def _take(self, piece: bytes) -> None:
        self._received += len(piece)
        try:
            self._known().feed_data(piece)
        except HttpParserUpgrade:
            self.can_go_on = False
        except HttpParserError:
            self.can_go_on = False
            if not self.is_over:
                raise
        if not self.has_head and self._received > LIMIT:
            raise ConnectionError(f"what comes before its body is longer than {LIMIT} bytes")
        if len(self.body) > LIMIT or self._received > _IN_ALL:
            raise ConnectionError(f"it is longer than {LIMIT} bytes")
        if self.has_head and not self._has_body:
            self.is_over, self.can_go_on = True, False

    def _end(self) -> None:
        """Take the end of the connection: it may be that of the answer."""
        if not self.has_head:
            raise ConnectionError("the connection was closed without an answer")
        in_chunks = "chunked" in self.headers.get("transfer-encoding", "").lower()
        if in_chunks or "content-length" in self.headers:
            raise ConnectionError("the connection was closed before its end")
        self.is_over = True

    def _known(self) -> HttpResponseParser:
        if self._parser is None:
            raise AssertionError("it is read once")
        return self._parser

    def on_message_begin(self) -> None:
        """Begin, or see that more has come than was asked for."""
        self.can_go_on = False

    def on_status(self, reason: bytes) -> None:
        """Take the words behind the status."""
        if not self.has_head:
            self.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; none that comes behind the body."""
        if not self.has_head:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the status, unless it is the one that another follows."""
        if self.has_head:
            return
        self.status = self._known().get_status_code()
        self.has_head = self.status != _CONTINUE
        if not self.has_head:
            self.reason = ""
            self.headers.clear()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body; of one that is too long, no more than shows that it is."""
        if not self.is_over and len(self.body) <= LIMIT:
            self.body += piece

    def on_message_complete(self) -> None:
        """End."""
        if self.has_head and not self.is_over:
            self.is_over = True
            self.can_go_on = self.status >= _FIRST_FINAL and self._known().should_keep_alive()
