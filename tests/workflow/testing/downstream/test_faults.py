"""What goes wrong, how often, and whether the thing was done all the same."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.crash.polling import until
from tests.workflow.testing.downstream.client import send
from workflow.testing.downstream import Fault, Faults, simulators

PAYMENT = {"reference": "D-1", "amount": "42.00"}


def always(fault: Fault) -> Faults:
    return Faults(rates={fault: 1.0})


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [
        (Fault.BUSY, 503, 0),
        (Fault.FAILS_BEFORE, 500, 0),
        (Fault.FAILS_AFTER, 500, 1),
        (Fault.GARBAGE_BEFORE, 200, 0),
        (Fault.GARBAGE_AFTER, 200, 1),
        (Fault.DROPS_BEFORE, 0, 0),
        (Fault.DROPS_AFTER, 0, 1),
    ],
)
def test_a_call_goes_wrong_as_its_fault_says(fault: Fault, status: int, done: int) -> None:
    with simulators(faults=always(fault)) as sims:
        got, body, headers = send(f"{sims.url}/payments/instructions", PAYMENT)
        assert got == status
        assert len(sims.journal.deeds()) == done
        (call,) = sims.journal.calls()
        assert (call.fault, call.status) == (fault, status or None)
        if fault is Fault.BUSY:
            assert headers["retry-after"] == "1"
        if status == 200:
            assert "<title>" in body


def test_a_stalling_call_is_done_at_once_and_never_answered() -> None:
    with simulators(faults=always(Fault.STALLS), stall=0.6) as sims:
        url = f"{sims.url}/payments/instructions"
        assert send(url, PAYMENT, timeout=0.3)[0] == -1
        assert len(sims.journal.deeds()) == 1
        assert send(url, PAYMENT)[0] == 0


def test_a_late_call_lands_after_its_sender_has_given_up() -> None:
    with simulators(faults=always(Fault.LATE), stall=0.5) as sims:
        began = time.time()
        assert send(f"{sims.url}/payments/instructions", PAYMENT, timeout=0.2)[0] == -1
        assert sims.journal.deeds() == []
        until(sims.journal.deeds, seconds=10)
        (deed,) = sims.journal.deeds()
        assert deed.at - began >= 0.5
        assert sims.journal.summary().landed_late == 1


def test_a_late_call_under_a_key_that_is_done_does_nothing_more() -> None:
    report = {"reference": "D-1", "place": 1, "status": "submitted"}
    with simulators(faults=always(Fault.LATE), stall=0.3) as sims:
        url = f"{sims.url}/reporting/entries"
        assert send(url, report, timeout=0.1)[0] == -1
        # This one waits until the simulator hangs up, which it does after both have landed.
        assert send(url, report)[0] == 0
        assert len(sims.journal.deeds()) == 1


def test_stopping_does_not_wait_for_what_stalls() -> None:
    began = time.monotonic()
    with simulators(faults=always(Fault.LATE), stall=30) as sims:
        send(f"{sims.url}/payments/instructions", PAYMENT, timeout=0.1)
    assert time.monotonic() - began < 5


def test_look_ups_go_wrong_as_well() -> None:
    with simulators(faults=always(Fault.GARBAGE_AFTER)) as sims:
        assert send(f"{sims.url}/payments/instructions/k-1")[0] == 200


def drawn(faults: Faults, calls: int = 4000) -> list[Fault | None]:
    return [
        faults.of(downstream="payments", method="POST", key=f"k-{n // 2}", attempt=1 + n % 2)
        for n in range(calls)
    ]


def test_the_same_seed_draws_the_same_faults() -> None:
    assert drawn(Faults.each(0.1, seed=7)) == drawn(Faults.each(0.1, seed=7))
    assert drawn(Faults.each(0.1, seed=7)) != drawn(Faults.each(0.1, seed=8))
    # Fixed, so that a change of the drawing is noticed: it would change every recorded run.
    first = drawn(Faults.each(0.1, seed=7), 12)
    assert [None if each is None else each.value for each in first] == FIRST


FIRST: list[str | None] = [
    None,
    "stalls",
    "drops_before",
    None,
    None,
    None,
    "late",
    None,
    "drops_before",
    "stalls",
    "stalls",
    None,
]


def test_attempt_key_method_and_downstream_each_draw_anew() -> None:
    faults = Faults.each(0.25, seed=1)
    base = {"downstream": "payments", "method": "POST", "key": "k", "attempt": 1}

    def of(**changes: object) -> list[Fault | None]:
        return [faults.of(**{**base, "key": f"k{n}", **changes}) for n in range(50)]  # type: ignore[arg-type]

    assert of() != of(attempt=2)
    assert of() != of(method="GET")
    assert of() != of(downstream="budget")


def test_each_kind_has_its_share() -> None:
    counts = Counter(drawn(Faults.each(0.1, seed=3)))
    share = {fault: count / 4000 for fault, count in counts.items()}
    fails = (Fault.BUSY, Fault.FAILS_BEFORE, Fault.FAILS_AFTER)
    fails += (Fault.GARBAGE_BEFORE, Fault.GARBAGE_AFTER)
    assert sum(share[fault] for fault in fails) == pytest.approx(0.1, abs=0.02)
    assert share[Fault.STALLS] == pytest.approx(0.1, abs=0.02)
    assert share[Fault.LATE] == pytest.approx(0.1, abs=0.02)
    assert share[Fault.DROPS_BEFORE] + share[Fault.DROPS_AFTER] == pytest.approx(0.1, abs=0.02)
    assert all(share[fault] > 0 for fault in Fault)


@pytest.mark.parametrize("rate", [-0.1, 0.26, float("nan")])
def test_a_share_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"0 to 0\.25"):
        Faults.each(rate)


def test_shares_above_the_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        Faults(rates={Fault.BUSY: 0.6, Fault.LATE: 0.6})
