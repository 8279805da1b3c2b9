"""What each simulated downstream does, and what it does twice."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.crash.polling import until
from tests.workflow.testing.downstream.client import send
from workflow.testing.downstream import Simulators, simulators

PAYMENT = {"reference": "D-1", "amount": "42.00"}
RESERVATION = {"reference": "D-1", "budget": "B-1", "amount": "60.00"}


@pytest.fixture
def sims() -> Iterator[Simulators]:
    with simulators(budget_limit=10_000, takes=0.1) as running:
        yield running


def test_the_same_instruction_twice_pays_twice(sims: Simulators) -> None:
    url = f"{sims.url}/payments/instructions"
    first, second = send(url, PAYMENT), send(url, PAYMENT)
    assert (first[0], second[0]) == (201, 201)
    assert first[1]["payment"] != second[1]["payment"]
    summary = sims.journal.summary()
    assert summary.deeds == {"payment": 2}
    assert summary.repeated == {"payment": 1}
    assert (summary.most_payments, summary.payments) == (2, {"D-1": 2})


def test_a_payment_can_be_looked_up_under_our_key(sims: Simulators) -> None:
    url = f"{sims.url}/payments/instructions"
    status, told, _ = send(f"{url}/a%3Ab")
    assert (status, told["code"]) == (404, "unknown_key")
    paid = send(url, PAYMENT, key="a:b")[1]
    assert send(f"{url}/a%3Ab")[1] == {**paid, "count": 1}


def test_a_payment_may_be_turned_down(sims: Simulators) -> None:
    status, told, _ = send(f"{sims.url}/payments/instructions", {**PAYMENT, "amount": "0.00"})
    assert (status, told["code"]) == (422, "amount_out_of_range")
    assert sims.journal.deeds() == []


def test_a_reservation_is_made_once_under_a_key(sims: Simulators) -> None:
    url = f"{sims.url}/budget/reservations"
    first, second = send(url, RESERVATION), send(url, RESERVATION)
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert send(url, {**RESERVATION, "amount": "1.00"})[0] == 422
    assert send(f"{url}/k-1")[1] == first[1]
    assert sims.journal.summary().reserved == {"D-1": 1}


def test_a_budget_is_used_up_until_something_is_released(sims: Simulators) -> None:
    url = f"{sims.url}/budget/reservations"
    number = send(url, RESERVATION)[1]["reservation"]
    status, told, _ = send(url, {**RESERVATION, "reference": "D-2"}, key="k-2")
    assert (status, told["code"]) == (409, "budget_used_up")
    assert (told["required"], told["actual"]) == ("at most 40.00", "60.00")
    assert send(url, {**RESERVATION, "budget": "B-2"}, key="k-3")[0] == 201
    released = send(f"{sims.url}/budget/releases", {"reservation": number}, key="k-4")
    again = send(f"{sims.url}/budget/releases", {"reservation": number}, key="k-5")
    assert (released[0], again[0]) == (201, 200)
    assert released[1] == again[1]
    assert send(url, {**RESERVATION, "reference": "D-2"}, key="k-2")[0] == 201
    assert sims.journal.summary().reserved == {"D-1": 1, "D-2": 1}


@pytest.mark.parametrize("number", ["R-99", "R-", "x", "R-1; DROP TABLE deed"])
def test_what_was_not_reserved_is_not_released(sims: Simulators, number: str) -> None:
    assert send(f"{sims.url}/budget/releases", {"reservation": number})[0] == 404


def test_reports_are_kept_once_and_their_order_is_watched(sims: Simulators) -> None:
    url = f"{sims.url}/reporting/entries"
    report = {"reference": "D-1", "status": "submitted"}
    for key, place in (("a", 1), ("b", 3), ("a", 1), ("c", 2), ("d", 3), ("e", 4)):
        assert send(url, {**report, "place": place}, key=key)[0] in (200, 201)
    assert send(url, {**report, "reference": "D-2", "place": 1}, key="f")[0] == 201
    deeds = sims.journal.deeds(downstream="reporting", reference="D-1")
    assert [(deed.key, deed.note) for deed in deeds] == [
        ("a", ""),
        ("b", ""),
        ("c", "out of order"),
        ("d", "out of order"),
        ("e", ""),
    ]
    summary = sims.journal.summary()
    assert (summary.out_of_order, summary.repeated) == (2, {})


def test_every_call_posts_a_letter_and_nobody_can_be_asked(sims: Simulators) -> None:
    url = f"{sims.url}/letters"
    letter = {"reference": "D-1", "subject": "Stopped"}
    numbers = {send(url, letter)[1]["letter"] for _ in range(2)}
    assert len(numbers) == 2
    assert send(f"{url}/k-1")[0] == 405
    assert sims.journal.summary().repeated == {"letter": 1}


def test_a_transfer_is_accepted_and_can_be_asked_for(sims: Simulators) -> None:
    status, told, _ = send(f"{sims.url}/transfers", PAYMENT)
    assert (status, told["state"], told["key"]) == (202, "open", "k-1")
    assert send(f"{sims.url}/transfers", PAYMENT)[1]["transfer"] == told["transfer"]
    until(
        lambda: send(f"{sims.url}/transfers/{told['transfer']}")[1]["state"] == "done", seconds=10
    )
    assert send(f"{sims.url}/transfers/T-99")[0] == 404
    assert sims.journal.summary().deeds == {"transfer": 1}


class _Receiver:
    """Somebody who is called back, and is not there the first time."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.refusals = 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.bodies.append(json.loads(self.rfile.read(length)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?x=1"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_whoever_leaves_an_address_is_called_back_once(sims: Simulators) -> None:
    receiver = _Receiver()
    try:
        headers = {"X-Callback-URL": receiver.url}
        told = send(f"{sims.url}/transfers", PAYMENT, headers=headers)[1]
        send(f"{sims.url}/transfers", PAYMENT, headers=headers)
        until(lambda: receiver.bodies, seconds=10)
        assert receiver.bodies == [{"key": "k-1", "transfer": told["transfer"], "state": "done"}]
        until(lambda: not sims.journal.call_backs(now=1e12), seconds=10)
    finally:
        receiver.close()


@pytest.mark.parametrize(
    ("path", "body", "key", "status"),
    [
        ("/nowhere", {}, "k", 404),
        ("/", {}, "k", 404),
        ("/payments", {}, "k", 405),
        ("/payments/instructions", {}, "k", 400),
        ("/payments/instructions", {"reference": "D-1", "amount": "much"}, "k", 400),
        ("/payments/instructions", {"reference": "D-1", "amount": "NaN"}, "k", 400),
        ("/payments/instructions", {"reference": "D-1", "amount": "1.005"}, "k", 400),
        ("/payments/instructions", {"reference": "D-1", "amount": 1}, "k", 400),
        ("/payments/instructions", {"reference": "", "amount": "1.00"}, "k", 400),
        ("/payments/instructions", PAYMENT, None, 400),
        ("/payments/instructions", b"[1]", "k", 400),
        ("/payments/instructions", b"{", "k", 400),
        ("/payments/instructions", b"[" * 90_000, "k", 400),
        ("/reporting/entries", {"reference": "D", "place": "1", "status": "s"}, "k", 400),
        ("/reporting/entries", {"reference": "D", "place": True, "status": "s"}, "k", 400),
        ("/letters", {"reference": "D-1"}, "k", 400),
    ],
)
def test_what_is_not_fit_is_told_so_and_does_nothing(
    sims: Simulators, path: str, body: Any, key: str | None, status: int
) -> None:
    got, told, _ = send(f"{sims.url}{path}", body, key=key)
    assert got == status, told
    assert told["title"]
    assert sims.journal.deeds() == []
