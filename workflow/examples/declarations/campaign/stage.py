"""What the processes of a campaign know of each other: a folder with files, and the settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "CAMPAIGN_FOLDER"
"""Environment variable with the folder of a campaign, for its processes."""

USER = "campaign"
"""Name of the user in whose name clients ask."""

OPERATORS = ("campaign-operator-1", "campaign-operator-2")

LEASE = 5.0
"""Seconds. Short, so that a campaign sees many leases end."""

SETTINGS: Mapping[str, str] = {
    "DJANGO_SETTINGS_MODULE": "config.campaign",
    "LEASE_SECONDS": str(LEASE),
    "SEND_WINDOW_SECONDS": "1.5",
    "DRAIN_SECONDS": "8",
    "BATCH_SIZE": "20",
    "LOG_FORMAT": "json",
}
"""What differs from the defaults, for every process of a campaign."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The folder."""

    folder: Path

    @classmethod
    def here(cls) -> Stage:
        """Return the one that this process was told."""
        return cls(folder=Path(os.environ[FOLDER]))

    @property
    def records(self) -> Path:
        """File with the ids of the records, one a line."""
        return self.folder / "records"

    @property
    def lull(self) -> Path:
        """File that is there while clients are to ask for nothing."""
        return self.folder / "lull"

    @property
    def journal(self) -> Path:
        """What the downstreams received."""
        return self.folder / "downstreams.sqlite3"

    @property
    def history(self) -> Path:
        """The source of the backfill."""
        return self.folder / "history.csv"

    def log(self, name: str) -> Path:
        """File to which a process adds what it has seen, one JSON object a line."""
        return self.folder / f"{name}.jsonl"

    def said(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Yield what processes of that kind have seen; a line that is half written comes later."""
        for file in sorted(self.folder.glob(f"{prefix}*.jsonl")):
            with file.open(encoding="utf-8") as lines:
                yield from (json.loads(line) for line in lines if line.endswith("\n"))


class Said:
    """A process's own file of what it has seen."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", encoding="utf-8", buffering=1)

    def say(self, **facts: Any) -> None:
        """Write it down, at once."""
        self._file.write(json.dumps(facts, default=str) + "\n")
