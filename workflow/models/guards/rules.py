"""What the database is to refuse, as values; `derivation` makes them from the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "escapement"
"""Of every guard's name and of every message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """Columns that are unique together, among the rows that meet the condition (SQL, or empty)."""

    columns: tuple[str, ...]
    condition: str = ""
    condition_columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A guarded table: its name, its primary key, its columns' types there, its unique keys."""

    name: str
    key: str
    types: Mapping[str, str]
    unique: tuple[Key, ...]

    @property
    def undeletable(self) -> str:
        """What a DELETE is told."""
        return f"{PREFIX}: rows of {self.name} are never deleted"

    @property
    def irreplaceable(self) -> str:
        """What an INSERT OR REPLACE is told, and an UPDATE OR REPLACE."""
        return f"{PREFIX}: {self.name} has such a row, which is never replaced"


@dataclass(frozen=True, kw_only=True, slots=True)
class AppendOnly:
    """Rows are inserted, and that is all."""

    table: Table

    @property
    def message(self) -> str:
        """What whoever tries is told."""
        return f"{PREFIX}: {self.table.name} is append-only"


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusGuard:
    """A record moves only as a fired envelope of its own says, by one version at a time."""

    table: Table
    fixed: tuple[str, ...]
    status: str
    version: str
    last_transition: str
    since: str
    envelope: EnvelopeGuard

    @property
    def moving(self) -> tuple[str, ...]:
        """The columns that change together, by firing, or not at all."""
        return (self.status, self.version, self.last_transition, self.since)

    @property
    def unfired(self) -> str:
        """What a change of status without its envelope is told."""
        return f"{PREFIX}: {self.table.name} changes status only by an envelope fired for it"

    @property
    def renamed(self) -> str:
        """What a change of a fixed column is told."""
        return f"{PREFIX}: {self.table.name} keeps its {', '.join(self.fixed)}"

    @property
    def unborn(self) -> str:
        """What an INSERT of a record that has already moved is told."""
        return f"{PREFIX}: {self.table.name} starts at version 0, without a transition"


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerGuard:
    """What is fixed is never rewritten, what is settled stays settled, no fence ever falls."""

    table: Table
    fixed: tuple[str, ...]
    state: str
    fence: str
    final: tuple[str, ...]
    outcome: tuple[str, ...]
    """The columns that stand still from the moment its state is final."""

    @property
    def rewritten(self) -> str:
        """What a change of the request is told."""
        return f"{PREFIX}: {self.table.name} keeps what was asked"

    @property
    def resettled(self) -> str:
        """What a change of a settled outcome is told."""
        return f"{PREFIX}: {self.table.name} is settled, its outcome is final"

    @property
    def fallen(self) -> str:
        """What a falling fence is told."""
        return f"{PREFIX}: {self.table.name} never lowers its fence"


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvelopeGuard(LedgerGuard):
    """The same, and no envelope is born fired."""

    record: str
    target: str
    resulting_version: str
    fired: str

    @property
    def unborn(self) -> str:
        """What an INSERT of a fired envelope is told."""
        return f"{PREFIX}: {self.table.name} is asked for first and fired later"


Rule = AppendOnly | StatusGuard | EnvelopeGuard | LedgerGuard
