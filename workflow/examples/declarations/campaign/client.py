"""One of the clients: asks for transitions, in every way that is allowed, and keeps the answers.

What it was told is written down before it goes on, so that afterwards every acceptance can be
looked for in the database. An error is no answer: it asks again, under the same id, until there is
one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.submit import submit, submit_many
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.stage import USER, Said, Stage
from workflow.models import Record

_WAYS: tuple[tuple[str, int], ...] = (
    ("single", 40),
    ("bulk", 14),
    ("twice", 10),
    ("at_once", 8),
    ("answer_lost", 14),
    ("earlier", 6),
    ("other_body", 4),
    ("later", 4),
)
_NEXT: dict[str, tuple[str, ...]] = {
    "open": ("take", "take", "take", "take", "pay", "pay", "overpay"),
    "taken": ("put_back", "put_back", "put_back", "put_back", "pay"),
    "paid": ("tell", "tell", "tell", "tell", "take"),
}
"""What is asked for in each status; the last of each may be illegal, and is then refused."""

_CLOSES = 0.002
_KEPT = 200
_MOST = 8


class AnswerLost(Exception):
    """The commit went through, and the client's connection was gone before it heard so."""


class Client:
    """Asks until it is told to stop."""

    def __init__(self, *, number: int, seed: int, rate: float, stage: Stage) -> None:
        self._random = random.Random(f"{seed}/client {number}")  # noqa: S311  (a plan, no secret)
        self._rate = rate
        self._stage = stage
        self._said = Said(stage.log(f"client-{number}"))
        self._lock = threading.Lock()
        self._records = [UUID(line) for line in stage.records.read_text().split()]
        self._user = insist(lambda: User.objects.get(username=USER))
        self._accepted: list[Request] = []
        self.stopping = False

    def run(self) -> None:
        """Ask at a steady pace."""
        names, weights = zip(*_WAYS, strict=True)
        due = time.monotonic()
        while not self.stopping:
            if self._stage.lull.exists():
                time.sleep(0.05)
                due = time.monotonic()
                continue
            (way,) = self._random.choices(names, weights)
            act: Callable[[], None] = getattr(self, f"_{way}")
            act()
            due = max(due + 1 / self._rate, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))

    def _request(self, **more: Any) -> Request:
        while True:
            pk = self._random.choice(self._records)
            found = insist(lambda: Record.objects.filter(pk=pk).values_list("status").first())  # noqa: B023
            choices = _NEXT.get(found[0] if found else "")
            if choices:
                break
            self._records.remove(pk)
        name = self._random.choice(choices)
        if found == ("open",) and self._random.random() < _CLOSES:
            name = "close"
        return Request(record=pk, transition=name, user=self._user, **more)

    def _send(self, *requests: Request, way: str) -> list[str]:
        """Ask until there is an answer; return what each was told."""
        answers = insist(
            lambda: submit_many(requests=requests, now=clock.now()),
            heard=self._heard,
        )
        told = [type(answer).__name__ for answer in answers]
        with self._lock:
            for request, name in zip(requests, told, strict=True):
                self._said.say(id=request.transition_id, told=name, way=way)
                if name == "Accepted":
                    self._accepted = [*self._accepted[-_KEPT:], request]
        return told

    def _heard(self, error: Exception) -> None:
        self._said.say(error=type(error).__name__, text=str(error).partition("\n")[0][:120])

    def _expect(self, told: Sequence[str], allowed: set[str], what: str, request: Request) -> None:
        if not set(told) <= allowed:
            id_ = request.transition_id
            self._said.say(wrong=f"{what} {id_} was answered {', '.join(told)}")

    def _single(self) -> None:
        self._send(self._request(), way="single")

    def _bulk(self) -> None:
        many = [self._request() for _ in range(self._random.randint(2, _MOST))]
        self._send(*many, way="bulk")

    def _later(self) -> None:
        seconds = self._random.uniform(0.5, 6)
        due_at = insist(clock.now) + timedelta(seconds=seconds)
        self._send(self._request(due_at=due_at), way="later")

    def _twice(self) -> None:
        request = self._request()
        self._send(request, way="twice")
        told = self._send(request, way="twice")
        self._expect(told, {"Repeated"}, "the repetition of", request)

    def _earlier(self) -> None:
        if self._accepted:
            request = self._random.choice(self._accepted)
            told = self._send(request, way="earlier")
            self._expect(told, {"Repeated"}, "the late repetition of", request)

    def _other_body(self) -> None:
        if self._accepted:
            request = self._random.choice(self._accepted)
            other = replace(request, reason="something else")
            told = self._send_other(other)
            self._expect(told, {"Conflict"}, "another body under", request)

    def _send_other(self, other: Request) -> list[str]:
        asked = (other,)
        answers = insist(
            lambda: submit_many(requests=asked, now=clock.now()),
            heard=self._heard,
        )
        return [type(answer).__name__ for answer in answers]

    def _at_once(self) -> None:
        """Two connections send the same id at the same moment."""
        request = self._request()
        both = threading.Barrier(2)
        told: list[str] = []

        def send() -> None:
            both.wait()
            told.extend(self._send(request, way="at_once"))
            connection.close()

        others = [threading.Thread(target=send) for _ in range(2)]
        for each in others:
            each.start()
        for each in others:
            each.join()
        if told.count("Accepted") > 1:
            self._expect(told, set(), "sent at once,", request)

    def _answer_lost(self) -> None:
        """Lose the connection right after the commit, as a client that times out; then retry."""
        request = self._request()

        def lose() -> None:
            connection.close()
            raise AnswerLost

        def try_once() -> None:
            with transaction.atomic():
                submit(request=request, now=clock.now())
                transaction.on_commit(lose)

        try:
            insist(try_once, heard=self._heard)
        except AnswerLost:
            self._said.say(lost_answer=request.transition_id)
        told = self._send(request, way="answer_lost")
        self._expect(told, {"Repeated"}, "sent again after its commit,", request)
