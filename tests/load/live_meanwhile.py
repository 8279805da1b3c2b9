"""Live load while a backfill runs on the same records: does anything get lost, or slow?

`python -m tests.load.live_meanwhile LOG.csv.gz RATE SECONDS`, on an empty migrated database
(DATABASE_URL). The log's declarations are adopted as of their first event. Workers are started,
and the live load checks submitted declarations: at first alone, then while the rest of the log is
adopted, which moves the same declarations.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

import django

PYTHON = [sys.executable, "manage.py"]


def first_events(log: Path, out: Path) -> None:
    """Write the log's first event of each declaration."""
    seen: set[str] = set()
    with gzip.open(log, "rt", newline="") as source, out.open("w", newline="") as target:
        reader = csv.reader(source)
        writer = csv.writer(target)
        writer.writerow(next(reader))
        for row in reader:
            if row[0] not in seen:
                seen.add(row[0])
                writer.writerow(row)


class Load:
    """Asks at a steady rate and watches for the outcomes."""

    def __init__(self, records: list[UUID]) -> None:
        self._records = records
        self.asked: dict[UUID, float] = {}
        self.took: list[float] = []
        self.answers: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self._stop = threading.Event()

    def run(self, *, rate: float, seconds: float) -> None:
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        began = time.monotonic()
        sent = 0
        while self._records and time.monotonic() - began < seconds:
            self._ask(self._records.pop())
            sent += 1
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
        end = time.monotonic() + 30
        while self.asked and time.monotonic() < end:
            time.sleep(0.02)
        self._stop.set()
        watcher.join()

    def _ask(self, record: UUID) -> None:
        from django.contrib.auth.models import User

        from workflow.engine import clock
        from workflow.engine.answer import Accepted
        from workflow.engine.request import Request
        from workflow.engine.submit import submit

        user = User.objects.get(username="checker")
        request = Request(record=record, transition="check", user=user)
        began = time.monotonic()
        answer = submit(request=request, now=clock.now())
        self.answers[type(answer).__name__] += 1
        if isinstance(answer, Accepted):
            self.asked[request.transition_id] = began
        else:
            self.took.append(time.monotonic() - began)

    def _watch(self) -> None:
        from workflow.models import FINAL, TransitionEnvelope

        while not self._stop.is_set():
            waiting = list(self.asked)
            done = TransitionEnvelope.objects.filter(pk__in=waiting, state__in=FINAL)
            for pk, state in done.values_list("pk", "state"):
                self.took.append(time.monotonic() - self.asked.pop(pk))
                self.outcomes[state] += 1
            time.sleep(0.005)

    def told(self) -> str:
        cuts = statistics.quantiles([1000 * each for each in self.took], n=20)
        return (
            f"p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms, of {len(self.took)};"
            f" answers {dict(self.answers)}, outcomes {dict(self.outcomes)},"
            f" without outcome {len(self.asked)}"
        )


def tell(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(log: Path, rate: float, seconds: float) -> None:
    """Measure."""
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    django.setup()
    from django.contrib.auth.models import User

    from audit.verify import verify_all
    from workflow.models import Record

    def load() -> str:
        return Path("/proc/loadavg").read_text().split()[0]

    backfill = [*PYTHON, "backfill", "--mapping", "declarations", "--patience", "60"]
    with tempfile.TemporaryDirectory() as folder:
        begun = Path(folder, "begun.csv")
        first_events(log, begun)
        subprocess.run([*backfill, str(begun)], check=True, stdout=subprocess.DEVNULL)
        User.objects.create_superuser("checker")
        records = list(Record.objects.filter(status="submitted").values_list("pk", flat=True))
        random.Random(1).shuffle(records)
        quiet = {**os.environ, "LOG_LEVEL": "ERROR"}
        workers = subprocess.Popen([*PYTHON, "work", "--workers", "2"], env=quiet)
        try:
            time.sleep(8)
            for what in ("alone", "meanwhile", "alone again"):
                other = None
                if what == "meanwhile":
                    table = Path(folder, "table")
                    other = subprocess.Popen([*backfill, str(log)], stdout=table.open("wb"))
                part = Load(records)
                before = load()
                part.run(rate=rate, seconds=seconds)
                tell(f"{what}: {part.told()}; load {before} to {load()}")
                if other is not None:
                    tell(f"the backfill {'is still' if other.poll() is None else 'was not'} at it")
                    other.wait()
                    tell(table.read_text())
        finally:
            workers.terminate()
            workers.wait()
    report = verify_all()
    tell(f"trail sound: {report.is_sound}, {report.entries:,} entries")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
