"""A whole benchmark, and its figures."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from workflow.effects import channels
from workflow.examples.declarations.benchmark import check, measure
from workflow.examples.declarations.benchmark.by_hand.round import ByHand
from workflow.examples.declarations.benchmark.ours import Ours
from workflow.examples.declarations.benchmark.processes import Processes
from workflow.examples.declarations.benchmark.processes import sink as downstream

_WORDS = {
    "e2e_per_s": "end to end, transitions/s",
    "drain_per_s": "backlog drained, transitions/s",
    "request_per_s": "requests/s, one at a time",
    "bulk_request_per_s": "requests/s, in bulk",
    "e2e_ratio": "end to end, share of the hand-written loop",
    "drain_ratio": "drained, share of the hand-written loop",
    "p50_ms": "request to outcome at 5/s, median ms",
    "p95_ms": "request to outcome at 5/s, 95th percentile ms",
    "cpu_s_per_1000": "processor seconds per 1,000 transitions",
    "statements_per_transition": "statements per transition",
    "commits_per_transition": "commits per transition",
}


def measured(
    *, n: int, rounds: int, workers: int, sink: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures, by name."""
    channels.ensure()
    user = User.objects.create_user("benchmark")
    with tempfile.TemporaryDirectory(prefix="escapement-") as folder, _other(sink) as its_own:
        processes = Processes(folder=Path(folder))
        ours = Ours(user=user, processes=processes)
        hand = ByHand(processes=processes, sink=its_own)
        statements, commits = measure.counted(ours)
        request = measure.single_requests(ours)
        p50, p95 = measure.latencies(ours, workers=workers)
        tell(f"{request:,.0f} requests/s; at 5/s p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        before, asked, asking = processes.cpu_seconds, ours.asked, ours.cpu_seconds
        with ours.workers(workers):
            pass
        start_up = processes.cpu_seconds - before
        before = processes.cpu_seconds
        sides: dict[str, measure.Side] = {"ours": ours, "by hand": hand}
        rates = measure.rounds(sides, n=n, workers=workers, times=rounds, tell=tell)
        cpu = processes.cpu_seconds - before - 2 * rounds * start_up + ours.cpu_seconds - asking
        faults = list(check.faults(asked=ours.asked, sink=sink))
        for fault in faults:
            tell(f"WRONG: {fault}")
        if faults:
            tell(processes.output())
    mine, its = rates["ours"], rates["by hand"]
    return {
        "database": connection.vendor,
        "workers": workers,
        "n": n,
        "rounds": rounds,
        "effect": "none" if sink == "none" else "http",
        "e2e_per_s": round(statistics.median(mine.e2e)),
        "drain_per_s": round(statistics.median(mine.drain)),
        "request_per_s": round(request),
        "bulk_request_per_s": round(statistics.median(mine.bulk_request)),
        "e2e_ratio": _ratio(mine.e2e, its.e2e),
        "drain_ratio": _ratio(mine.drain, its.drain),
        "p50_ms": round(p50, 1),
        "p95_ms": round(p95, 1),
        "cpu_s_per_1000": round(1000 * cpu / (ours.asked - asked), 2),
        "statements_per_transition": round(statements, 2),
        "commits_per_transition": round(commits, 2),
        "by_hand_e2e_per_s": round(statistics.median(its.e2e)),
        "by_hand_drain_per_s": round(statistics.median(its.drain)),
        "verified": not faults,
    }


def _other(url: str) -> Any:
    """Return a downstream for the yardstick, if it is to have one."""
    return nullcontext("none") if url == "none" else downstream()


def _ratio(mine: list[float], its: list[float]) -> float:
    """Return the median of the rounds' ratios: each pair ran on the machine as it was then."""
    return round(statistics.median(a / b for a, b in zip(mine, its, strict=True)), 2)


def shown(figures: dict[str, Any], *, as_json: bool) -> str:
    """Return the figures as one line of JSON, or as a table."""
    if as_json:
        return json.dumps(figures)
    head = "{database}, {workers} workers, {rounds} rounds of {n}, effect: {effect}"
    lines = [head.format(**figures)]
    lines += [f"{words:<50}{figures[name]:>10,}" for name, words in _WORDS.items()]
    lines.append(f"{'books verified':<50}{'yes' if figures['verified'] else 'NO':>10}")
    return "\n".join(lines)
