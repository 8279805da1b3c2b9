"""Whether a worker's memory stays where it is: `python -m tests.load.soak TRANSITIONS`.

On an empty migrated database (DATABASE_URL). Some thousand records are approved and reopened by
turns, by one worker. The resident memory of each process of its cluster is told every so often,
with the transitions a second of that stretch, requests included.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import django

_RECORDS = 2000
_LINES = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


def tell(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def resident(process: int) -> float:
    """Return what a process holds, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE / 1e6


def children(process: int) -> list[int]:
    """Return the processes below one, and those below them."""
    found = [
        int(each)
        for task in Path(f"/proc/{process}/task").iterdir()
        for each in (task / "children").read_text(encoding="ascii").split()
    ]
    return found + [below for each in found for below in children(each)]


def main(total: int) -> None:
    """Measure."""
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ["BENCHMARK_SINK"] = "none"
    django.setup()
    from django.contrib.auth.models import User

    from workflow.engine import clock
    from workflow.engine.answer import Accepted
    from workflow.engine.request import Request
    from workflow.engine.submit import submit_many
    from workflow.examples.declarations.benchmark.ours import Ours
    from workflow.examples.declarations.benchmark.processes import Processes
    from workflow.models import TransitionEnvelope

    user = User.objects.create_user("asker")
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(user=user, processes=Processes(folder=Path(folder)))
        records = ours.records(_RECORDS)
        rounds = max(1, total // _RECORDS)
        began, told = time.monotonic(), 0
        with ours.workers(1):
            for number in range(rounds):
                name = ("approve", "reopen")[number % 2]
                requests = [Request(record=each, transition=name, user=user) for each in records]
                answers = submit_many(requests=requests, now=clock.now())
                assert all(isinstance(each, Accepted) for each in answers)
                ours.await_all()
                done = (number + 1) * _RECORDS
                if number + 1 == rounds or done - told >= total / _LINES:
                    seconds = time.monotonic() - began
                    held = ", ".join(f"{resident(each):.0f}" for each in children(os.getpid()))
                    tell(f"{done:>9,} done, {(done - told) / seconds:,.0f}/s; MB held: {held}")
                    began, told = time.monotonic(), done
        left = TransitionEnvelope.objects.exclude(state="fired").count()
        tell(f"{TransitionEnvelope.objects.count():,} envelopes, {left} of them not fired")


if __name__ == "__main__":
    main(int(sys.argv[1]))
