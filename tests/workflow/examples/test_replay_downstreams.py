"""Downstreams that fail, workers that are killed: counted where the calls arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.invariants import faults
from tests.workflow.examples.conftest import Start
from tests.workflow.examples.logs import C, F, P, R, S, rows, usual, write
from tests.workflow.examples.replays import Killer
from workflow.models import EffectAttempt, EffectEntry, EffectState, Kind
from workflow.testing.downstream import Fault, Journal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc"),
]

X = "Declaration REJECTED by MISSING"
CASES = 30
KILLS = 8
SEED = "33"
"""Lands four payments late, and puts some letters in doubt."""


def log(folder: Path) -> Path:
    """Return a log in which every fifth declaration is stopped, and some then paid after all."""
    some = usual(CASES)
    for index in range(CASES // 5):
        ways = ([S, F, X], [S, C, F, X, S, F, R, P])
        some += rows(f"stopped {index}", ways[index % 2])
        for row in some[-len(ways[index % 2]) :]:
            row["role"] = "MISSING" if row["activity"] == X else row["role"]
    return write(folder / "log.csv", some)


def test_everything_is_done_once_whatever_fails(replay: Start, tmp_path: Path) -> None:
    """With 10% faults of each kind, and with a worker process killed every two seconds."""
    journal = tmp_path / "journal.sqlite3"
    run = replay(
        log(tmp_path),
        *("--workers", "2", "--duplicate", "2", "--simulate", "--faults", "0.1", "--seed", SEED),
        *("--journal", str(journal), "--patience", "120"),
    )
    kills = Killer(run, every=2.0, seed=KILLS).until_done(at_most=KILLS, whole=5)
    code, out, err = run.finish(timeout=500)

    assert code == 0, f"{out}\n{err}"
    assert kills == KILLS
    told = run.table()
    assert told["states"] == {"fired": told["requested"]}
    assert told["equal"] == told["cases"] == CASES + CASES // 5
    ledger = told["ledger"]
    assert ledger["contradictions"] == []
    counted = ledger["downstream"]
    assert counted["repeated"] == {}
    assert counted["most_payments"] == 1
    assert counted["most_reserved"] == 1
    assert counted["out_of_order"] == 0
    assert sum(counted["faults"].values()) > 40

    # Nothing lost: each is done, or waits for a person where nobody but a person can tell.
    effects = ledger["effects"]
    paid = {"instruct_payment", "reserve_budget", "publish_report", "release_budget"}
    for name in paid:
        assert set(effects[name]) == {"done"}, effects[name]
    assert set(effects["registered_letter"]) <= {"done", "in_doubt"}
    letters = EffectEntry.objects.filter(name="registered_letter")
    assert letters.count() == CASES // 5
    for letter in letters:
        sent = EffectAttempt.objects.filter(effect=letter, kind=Kind.SEND)
        unknown = sent.filter(outcome__in=["unknown", "died"]).count()
        assert unknown == (letter.state == EffectState.IN_DOUBT)
    assert not faults()

    # And the receivers' own books say so, call by call.
    kept = Journal(journal)
    reports = kept.deeds(downstream="reporting")
    for reference in {deed.reference for deed in reports}:
        places = [deed.place for deed in reports if deed.reference == reference]
        assert places == sorted(places)
    assert (
        len({deed.key for deed in kept.deeds(downstream="payments")})
        == counted["deeds"]["payment"]
    )
    posted = kept.calls(downstream="payments", method="POST")
    assert len([call for call in posted if call.fault == Fault.LATE]) >= 4
    kept.close()
