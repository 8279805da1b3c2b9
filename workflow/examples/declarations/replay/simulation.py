"""Downstreams of the replay's own, for as long as it runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from workflow.examples.declarations.console.downstreams import Downstreams
from workflow.models import EffectEntry


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How the downstreams are to behave."""

    faults: float
    seed: int
    journal: Path | None = None
    """File that keeps what they receive; by default one for each database."""

    def start(self) -> Downstreams:
        """Start them."""
        return Downstreams(
            journal=kept(self.journal or _usual()), faults=self.faults, seed=self.seed
        )


def _usual() -> Path:
    named = [str(connection.settings_dict.get(part, "")) for part in ("ENGINE", "HOST", "NAME")]
    digest = hashlib.sha256("\n".join(named).encode()).hexdigest()[:12]
    return Path(settings.BASE_DIR, "var", "replay", f"downstreams-{digest}.sqlite3")


def kept(file: Path) -> Path:
    """Return a journal's file, emptied if it belongs to another database than this.

    What was paid stays paid: what runs again has to find it. But where the ledger is empty, the
    database is a new one, and so the journal begins anew.
    """
    if not EffectEntry.objects.exists():
        for suffix in ("", "-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
    return file
