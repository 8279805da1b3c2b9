"""Reading the log's file, row by row. A row that cannot be read is named and spoils no other."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from workflow.definition import WorkflowError
from workflow.examples.declarations.replay.activities import GROUPS, STEPS

COLUMNS = (
    "case_id",
    "event_id",
    "activity",
    "role",
    "resource",
    "occurred_at",
    "declaration_number",
    "budget_number",
    "amount",
)
_NEEDED = ("case_id", "event_id", "resource")
_LONGEST_LINE = 65536
_LONGEST_TEXT = 100
_LARGEST = Decimal("9999999999.99")
_GZIP = b"\x1f\x8b"


class UnreadableFile(WorkflowError):
    """The file as a whole is no log of declarations."""

    code = "unreadable_file"

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One good row."""

    row: int
    """Number of its line in the file; the header is line 1."""

    case: str
    event: str
    activity: str
    role: str
    resource: str
    occurred_at: datetime
    number: str
    budget: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One row that is left out, and why."""

    row: int
    problem: str

    def __str__(self) -> str:
        """Return one line for the person who repairs the file."""
        return f"row {self.row}: {self.problem}"


def read(path: Path) -> Iterator[Event | Broken]:
    """Yield the rows of a CSV file, plain or gzipped, in their order, without holding it.

    Raises:
        UnreadableFile: It does not exist, is no CSV, or lacks columns. Before the first row.
    """
    with _opened(path) as file:
        header = _header(path, file)
        row = 1
        try:
            while line := file.readline(_LONGEST_LINE):
                row += 1
                if not line.endswith("\n") and len(line) >= _LONGEST_LINE:
                    _skip_line(file)
                    yield Broken(row=row, problem=f"is longer than {_LONGEST_LINE} characters")
                elif line.strip():
                    yield _parse(row, header, line)
        except (OSError, EOFError) as error:
            yield Broken(row=row + 1, problem=f"the file cannot be read any further: {error}")


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    try:
        with path.open("rb") as start:
            is_gzip = start.read(2) == _GZIP
        raw = (gzip.open if is_gzip else open)(path, "rb")
    except OSError as error:
        raise UnreadableFile(path, f"cannot be opened: {error.strerror or error}") from None
    with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape") as file:
        yield file


def _header(path: Path, file: io.TextIOBase) -> list[str]:
    try:
        line = file.readline(_LONGEST_LINE)
        names = next(csv.reader([line], strict=True), [])
    except (OSError, EOFError, csv.Error) as error:
        raise UnreadableFile(path, f"is no CSV file: {error}") from None
    if not set(names) & set(COLUMNS):
        raise UnreadableFile(path, f"is no CSV file with a header; it begins {line[:60]!r}")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise UnreadableFile(
            path, f"lacks the columns {', '.join(missing)}; it has {', '.join(names)}"
        )
    return names


def _skip_line(file: io.TextIOBase) -> None:
    while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith("\n"):
        pass


def _parse(row: int, header: list[str], line: str) -> Event | Broken:
    try:
        values = _values(header, line)
        return Event(
            row=row,
            case=values["case_id"],
            event=values["event_id"],
            activity=_one_of(values, "activity", STEPS),
            role=_one_of(values, "role", GROUPS),
            resource=values["resource"],
            occurred_at=_time(values["occurred_at"]),
            number=values["declaration_number"],
            budget=values["budget_number"],
            amount=_amount(values["amount"]),
        )
    except (ValueError, csv.Error) as error:
        return Broken(row=row, problem=str(error))


def _values(header: list[str], line: str) -> dict[str, str]:
    fields = next(csv.reader([line], strict=True))
    if len(fields) != len(header):
        raise ValueError(f"has {len(fields)} fields, the header has {len(header)}")
    values = dict(zip(header, (field.strip() for field in fields), strict=True))
    for name in COLUMNS:
        if len(values[name]) > _LONGEST_TEXT or not values[name].isprintable():
            raise ValueError(
                f"{name} {values[name][:60]!r} is not 0 to {_LONGEST_TEXT} printable characters"
                " in UTF-8"
            )
    for name in _NEEDED:
        if not values[name]:
            raise ValueError(f"{name} '' is empty")
    return values


def _one_of(values: dict[str, str], name: str, known: object) -> str:
    if values[name] not in known:  # type: ignore[operator]  # a mapping
        raise ValueError(f"{name} {values[name]!r} is not known")
    return values[name]


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"occurred_at {text!r} is no ISO 8601 time") from None
    if at.tzinfo is None:
        raise ValueError(f"occurred_at {text!r} has no offset from UTC")
    return at


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"amount {text!r} is no number") from None
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        raise ValueError(f"amount {text!r} is not between 0 and {_LARGEST}")
    return amount.quantize(Decimal("0.01"))
