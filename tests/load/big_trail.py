"""A trail of any size, made by the code that makes every trail, sealed, and verified with figures.

    python -m tests.load.big_trail make --entries 5000000
    python -m tests.load.big_trail verify

Into the database of DATABASE_URL, which must be migrated and should be a throw-away. Each record
has ten entries; after every 20,000 records there is a seal.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import django

_TOGETHER = 200
_PLACES = 10
_SEAL_EVERY = 20_000
_ACTIONS = ("started", "requested", "retried", "refused", "requested", "repeated")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "verify"))
    parser.add_argument("--entries", type=int, default=100_000)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    figures = make(given.entries) if given.what == "make" else verify()
    # Not `ru_maxrss`: a child inherits that from whoever started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    figures["peak_mb"] = int(peak.split()[1]) // 1024
    json.dump(figures, sys.stdout)
    sys.stdout.write("\n")


def make(entries: int) -> dict[str, float]:
    from django.db import transaction

    from audit import keys
    from audit.chain import append
    from audit.seal import seal_all
    from workflow.models import Record, uuid7

    began, sealing, seals = time.monotonic(), 0.0, 0
    at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        key = keys.make(Path(folder, "seal.pem"))
        for done in range(0, entries // _PLACES, _TOGETHER):
            chains = [uuid7() for _ in range(_TOGETHER)]
            with transaction.atomic():
                Record.objects.bulk_create(
                    Record(
                        id=chain,
                        workflow="declaration",
                        reference=f"{chain}",
                        status="draft",
                        status_since=at,
                        created_at=at,
                    )
                    for chain in chains
                )
                append([_note(chain, place, at) for chain in chains for place in range(_PLACES)])
            if done % _SEAL_EVERY == 0 or done + _TOGETHER >= entries // _PLACES:
                before = time.monotonic()
                seals += sum(1 for _ in seal_all(key=key, clock=lambda: datetime.now(UTC)))
                sealing += time.monotonic() - before
                sys.stderr.write(f"{(done + _TOGETHER) * _PLACES:,} entries\n")
    took = time.monotonic() - began
    return {"seconds": round(took, 1), "seals": seals, "sealing_seconds": round(sealing, 1)}


def _note(chain: UUID, place: int, at: datetime) -> object:
    from audit.chain import Note

    action = _ACTIONS[place % len(_ACTIONS)] if place else "started"
    return Note(
        chain=chain,
        at=at + timedelta(milliseconds=place),
        action=action if place == 0 or action != "started" else "retried",
        actor_id="7",
        actor="Ada Lovelace",
        reason="The receipts were checked." if place % 3 else "",
        old="draft" if place else "",
        new="" if place else "draft",
        transition_id=UUID(int=chain.int ^ place) if place else None,
        correlation_id=chain.hex,
        evidence={
            "transition": "submit",
            "fence": place,
            "worker": "host/1",
            "findings": [{"guard": "has_receipts", "held": True, "required": "1", "actual": "2"}],
        },
    )


def verify() -> dict[str, float | str]:
    from audit.verify.run import run

    began = time.monotonic()
    cpu = time.process_time()
    *_, (kept, report) = run(clock=lambda: datetime.now(UTC), resume=False)
    took, used = time.monotonic() - began, time.process_time() - cpu
    return {
        "seconds": round(took, 1),
        "cpu_seconds": round(used, 1),
        "entries": report.entries,
        "chains": report.chains,
        "seals": report.seals,
        "problems": report.problems,
        "entries_per_second": round(report.entries / took),
        "verdict": str(kept),
    }


if __name__ == "__main__":
    main()
