"""The source that a command line means."""

from __future__ import annotations

from pathlib import Path

from workflow.backfill.sources.csv_file import CsvFile
from workflow.backfill.sources.json_lines import JsonLines
from workflow.backfill.sources.row import Source, UnreadableSource
from workflow.backfill.sources.table import Table
from workflow.backfill.sources.xes_file import XesFile

_KINDS: dict[str, type[CsvFile | JsonLines | XesFile]] = {
    ".csv": CsvFile,
    ".jsonl": JsonLines,
    ".ndjson": JsonLines,
    ".xes": XesFile,
}


def choose(given: str, *, encoding: str = "utf-8") -> Source:
    """Return the source: `table:NAME`, or a file known by its ending, with or without `.gz`.

    Raises:
        UnreadableSource: There is no such kind of source, file or table.
    """
    if given.startswith("table:"):
        return Table(given.removeprefix("table:"))
    path = Path(given)
    kind = _KINDS.get(Path(given.removesuffix(".gz")).suffix.lower())
    if kind is None:
        known = ", ".join(f"{ending}[.gz]" for ending in _KINDS)
        raise UnreadableSource(given, f"is of no known kind; known are {known} and table:NAME")
    if not path.is_file():
        raise UnreadableSource(given, "there is no such file")
    return kind(path, encoding=encoding)
