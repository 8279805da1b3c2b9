"""CSV with a header. A row that cannot be read is named and spoils no other.

A quote that is never closed would swallow the rest of the file. So a row may go over several
lines, but only over so many; then its first line is called broken, and reading goes on behind it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from workflow.backfill.sources import file
from workflow.backfill.sources.row import Bad, Row, UnreadableSource
from workflow.models import Fault

_MOST_LINES = 100
_SHOWN = 2000


class CsvFile:
    """A CSV file, plain or gzipped."""

    def __init__(self, path: Path, *, encoding: str) -> None:
        self._path = path
        self._encoding = "utf-8-sig" if encoding == "utf-8" else encoding

    def digest(self) -> str:
        """Return the SHA-256 of the file."""
        return file.digest(self._path)

    def columns(self) -> tuple[str, ...]:
        """Return the header."""
        with file.text(self._path, encoding=self._encoding) as text:
            return self._header(text)

    def rows(self) -> Iterator[Row | Bad]:
        """Yield the rows; the header is row 1, a row is numbered by its first line."""
        with file.text(self._path, encoding=self._encoding) as text:
            header = self._header(text)
            lines = _Lines(text)
            try:
                while (line := lines.next()) is not None:
                    number = lines.number
                    if line.strip():
                        yield _parse(number, header, _whole(line, lines))
            except file.BROKEN_OFF as error:
                problem = f"after row {lines.number} the file cannot be read any further: {error}"
                yield Bad(lines.number + 1, problem, "", Fault.UNREADABLE)

    def _header(self, text: TextIO) -> tuple[str, ...]:
        try:
            line = text.readline(file.LONGEST)
            names = tuple(name.strip() for name in next(csv.reader([line], strict=True), []))
        except (*file.BROKEN_OFF, csv.Error) as error:
            raise UnreadableSource(self._path, f"is no CSV file: {error}") from None
        if not names or not file.is_clean(line) or not line.rstrip("\r\n").isprintable():
            raise UnreadableSource(
                self._path, f"is no CSV file with a header in {self._encoding}: {line[:60]!r}"
            )
        if len(set(names)) != len(names):
            raise UnreadableSource(self._path, f"names a column twice: {', '.join(names)}")
        return names


class _Lines:
    """The lines after the header, one of which can be put back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._ahead: deque[str] = deque()
        self.number = 1

    def next(self) -> str | None:
        """Return the next line; None at the end."""
        line = self._ahead.popleft() if self._ahead else self._text.readline(file.LONGEST)
        if not line:
            return None
        self.number += 1
        return line

    def put_back(self, lines: list[str]) -> None:
        """Have these lines come again."""
        self._ahead.extendleft(reversed(lines))
        self.number -= len(lines)


def _whole(line: str, lines: _Lines) -> str:
    """Return the row that begins with the line: more of them while a quote is open."""
    if line.count('"') % 2 == 0:
        return line
    more: list[str] = []
    quotes, length = line.count('"'), len(line)
    while quotes % 2 and len(more) < _MOST_LINES and length <= file.LONGEST:
        another = lines.next()
        if another is None:
            break
        more.append(another)
        quotes += another.count('"')
        length += len(another)
    if quotes % 2:
        lines.put_back(more)
        return line
    return line + "".join(more)


def _parse(number: int, header: tuple[str, ...], line: str) -> Row | Bad:
    shown = line[:_SHOWN].rstrip("\r\n")
    if len(line) >= file.LONGEST and not line.endswith("\n"):
        return Bad(number, f"is longer than {file.LONGEST:,} characters", shown)
    if not file.is_clean(line):
        return Bad(number, "holds bytes that are no characters in the file's encoding", shown)
    try:
        fields = next(csv.reader(line.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        return Bad(number, f"is no CSV: {error}", shown)
    if len(fields) != len(header):
        problem = f"has {len(fields)} fields, the header has {len(header)}"
        return Bad(number, problem, shown)
    return Row(number, dict(zip(header, fields, strict=True)))
