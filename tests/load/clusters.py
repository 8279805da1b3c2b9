"""What more clusters bring: `python -m tests.load.clusters N ROUNDS`.

On an empty migrated database (DATABASE_URL). A backlog of N transitions without a call is drained
by one cluster, by two and by four, of one worker each, by turns; all of them share nothing but the
database. Told are the transitions a second of each round, from when they become due.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import django

_COUNTS = (1, 2, 4)


def main(size: int, rounds: int) -> None:
    """Measure."""
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ["BENCHMARK_SINK"] = "none"
    django.setup()
    from django.contrib.auth.models import User

    from workflow.engine import clock
    from workflow.examples.declarations.benchmark.ours import Ours
    from workflow.examples.declarations.benchmark.processes import Processes
    from workflow.models import TransitionEnvelope

    user = User.objects.create_user("asker")
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(folder=Path(folder))
        ours = Ours(user=user, processes=processes)
        for _ in range(rounds):
            for count in _COUNTS:
                ours.ask_all(ours.records(size))
                waiting = TransitionEnvelope.objects.filter(due_at__isnull=False)
                waiting.update(due_at=clock.now() + timedelta(days=1))
                with ExitStack() as clusters:
                    for _ in range(count):
                        clusters.enter_context(ours.workers(1))
                    waiting.update(due_at=clock.now())
                    began = time.monotonic()
                    ours.await_all()
                    seconds = time.monotonic() - began
                sys.stdout.write(f"{count} clusters: {size / seconds:,.0f}/s\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
