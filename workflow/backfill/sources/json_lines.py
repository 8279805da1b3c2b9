"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workflow.backfill.sources import file
from workflow.backfill.sources.row import Bad, Row
from workflow.models import Fault

_SHOWN = 2000


class JsonLines:
    """A file of JSON objects, plain or gzipped."""

    def __init__(self, path: Path, *, encoding: str) -> None:
        self._path = path
        self._encoding = "utf-8-sig" if encoding == "utf-8" else encoding

    def digest(self) -> str:
        """Return the SHA-256 of the file."""
        return file.digest(self._path)

    def columns(self) -> None:
        """Return None: each object has its own names."""

    def rows(self) -> Iterator[Row | Bad]:
        """Yield the objects; they are numbered by their lines."""
        number = 0
        with file.text(self._path, encoding=self._encoding) as text:
            try:
                while line := text.readline(file.LONGEST):
                    number += 1
                    if line.strip():
                        yield _parse(number, line)
                    while len(line) >= file.LONGEST and not line.endswith("\n"):
                        line = text.readline(file.LONGEST)
            except file.BROKEN_OFF as error:
                problem = f"after row {number} the file cannot be read any further: {error}"
                yield Bad(number + 1, problem, "", Fault.UNREADABLE)


def _parse(number: int, line: str) -> Row | Bad:
    shown = line[:_SHOWN].rstrip("\r\n")
    if len(line) >= file.LONGEST and not line.endswith("\n"):
        return Bad(number, f"is longer than {file.LONGEST:,} characters", shown)
    if not file.is_clean(line):
        return Bad(number, "holds bytes that are no characters in the file's encoding", shown)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Bad(number, f"is no JSON: {error}", shown)
    if not isinstance(value, dict):
        return Bad(number, f"is no JSON object but {type(value).__name__}", shown)
    return Row(number, value)
