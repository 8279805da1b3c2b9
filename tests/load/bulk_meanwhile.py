"""What people ask for one by one, while a bulk of transitions waits: how long do they wait?

`python -m tests.load.bulk_meanwhile BULK RATE SECONDS`, on an empty migrated database
(DATABASE_URL). Two workers run. Single requests come at a steady rate for so long, at first alone,
then while so many bulk transitions are worked off. Both must go on: the rate of the bulk is told,
too.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import django

_TOGETHER = 1000


def tell(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(bulk: int, rate: float, seconds: float) -> None:
    """Measure."""
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ["BENCHMARK_SINK"] = "none"
    django.setup()
    from django.contrib.auth.models import User

    from workflow.engine import clock
    from workflow.engine.answer import Accepted
    from workflow.engine.request import Request
    from workflow.engine.submit import submit, submit_many
    from workflow.examples.declarations.benchmark.ours import Ours
    from workflow.examples.declarations.benchmark.processes import Processes
    from workflow.models import Priority, TransitionEnvelope, uuid7

    user = User.objects.create_user("asker")

    def ask(records: list[UUID], priority: Priority) -> list[Request]:
        return [
            Request(
                record=record,
                transition="approve",
                transition_id=uuid7(),
                user=user,
                priority=priority,
            )
            for record in records
        ]

    def one_by_one(records: list[UUID]) -> str:
        took = []
        start = time.monotonic()
        for number, request in enumerate(ask(records, Priority.NORMAL)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            began = time.monotonic()
            assert isinstance(submit(request=request, now=clock.now()), Accepted)
            while not ours.is_done(request.transition_id):
                time.sleep(0.002)
            took.append(1000 * (time.monotonic() - began))
        cuts = statistics.quantiles(took, n=20)
        return f"p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms, longest {max(took):.0f} ms"

    def waiting() -> int:
        return TransitionEnvelope.objects.filter(
            priority=Priority.BULK, finished_at__isnull=True
        ).count()

    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(folder=Path(folder))
        ours = Ours(user=user, processes=processes)
        many = ours.records(bulk)
        singles = [ours.records(int(rate * seconds)) for _ in range(2)]
        for first in range(0, bulk, _TOGETHER):
            some = ask(many[first : first + _TOGETHER], Priority.BULK)
            submit_many(requests=some, now=clock.now())
        tell(f"{waiting():,} bulk transitions wait")
        held = TransitionEnvelope.objects.filter(priority=Priority.BULK)
        later = clock.now().replace(year=clock.now().year + 1)
        held.update(due_at=later)
        with processes.cluster(2):
            tell(f"alone: {one_by_one(singles[0])}")
            held.update(due_at=clock.now())
            before, began = waiting(), time.monotonic()
            tell(f"meanwhile: {one_by_one(singles[1])}")
            left = waiting()
            done = (before - left) / (time.monotonic() - began)
            tell(f"bulk: {done:,.0f}/s, {left:,} still wait")


if __name__ == "__main__":
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
