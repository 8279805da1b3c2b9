"""A file as lines of text: gzipped or not, of bounded length, with bad bytes kept visible."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from workflow.backfill.sources.row import UnreadableSource

LONGEST = 262_144
"""Characters of a row; a longer one is broken."""

BROKEN_OFF = (OSError, EOFError, zlib.error)
"""What reading raises at the end of a file that was cut short, or was never whole."""

_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BLOCK = 1 << 20


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open the file's content for reading, unpacked where it is gzipped.

    Raises:
        UnreadableSource: It cannot be opened.
    """
    try:
        with path.open("rb") as start:
            is_gzip = start.read(2) == _GZIP
        raw = gzip.open(path, "rb") if is_gzip else path.open("rb")  # noqa: SIM115  (below)
    except OSError as error:
        raise UnreadableSource(path, f"cannot be opened: {error.strerror or error}") from None
    with raw:
        yield cast(BinaryIO, raw)


@contextmanager
def text(path: Path, *, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Open the file as text. Bytes that are none in the encoding become lone surrogates.

    Raises:
        UnreadableSource: It cannot be opened, or is plainly in another encoding.
    """
    with opened(path) as raw:
        try:
            start = raw.read(2)
            raw.seek(0)
        except BROKEN_OFF as error:
            raise UnreadableSource(path, f"cannot be read: {error}") from None
        if start in _UTF16 and encoding.startswith("utf-8"):
            raise UnreadableSource(path, "is in UTF-16; say --encoding utf-16")
        try:
            file = io.TextIOWrapper(raw, encoding=encoding, errors="surrogateescape", newline="")
        except LookupError:
            raise UnreadableSource(path, f"there is no encoding {encoding!r}") from None
        with file:
            yield file


def digest(path: Path) -> str:
    """Return the SHA-256 of the file as it lies there.

    Raises:
        UnreadableSource: It cannot be opened.
    """
    made = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                made.update(block)
    except OSError as error:
        raise UnreadableSource(path, f"cannot be opened: {error.strerror or error}") from None
    return made.hexdigest()


def is_clean(line: str) -> bool:
    """Return whether every byte of it was a character."""
    return line.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in line)
