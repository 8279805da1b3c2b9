"""The downstream of a benchmark: `python -m workflow.examples.declarations.benchmark.sink`.

It answers each POST at once with a JSON receipt and counts by Idempotency-Key; a GET tells how
many calls came, and how many keys. As small as can be, since it shares the machine.
"""

from __future__ import annotations

import asyncio
import sys

_KEY = b"\r\nidempotency-key: "
_LENGTH = b"\r\ncontent-length: "


class Sink:
    """Counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.keys: set[bytes] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes on one connection, until it ends."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lower = head.lower()
                length = int(_field(lower, _LENGTH) or 0)
                if length:
                    await reader.readexactly(length)
                if lower.startswith(b"post"):
                    self.calls += 1
                    self.keys.add(_field(lower, _KEY))
                    told = b'{"number":"%d"}' % self.calls
                else:
                    told = b'{"calls":%d,"keys":%d}' % (self.calls, len(self.keys))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(told), told)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _field(head: bytes, name: bytes) -> bytes:
    start = head.find(name)
    if start < 0:
        return b""
    start += len(name)
    return head[start : head.index(b"\r\n", start)].strip()


async def main() -> None:
    """Listen on a free port, and say which."""
    server = await asyncio.start_server(Sink().serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
