"""One round with the engine: real requests, a real cluster, and the books checked afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Min
from django.db.models.sql import Query

from audit.compiled import Compiled
from workflow.definition import registry
from workflow.engine import clock
from workflow.engine.answer import Accepted, Answer
from workflow.engine.request import Request
from workflow.engine.start import New, start_many
from workflow.engine.submit import submit, submit_many
from workflow.examples.declarations.benchmark.processes import Processes
from workflow.examples.declarations.benchmark.workflow import NAME
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, EffectEntry, TransitionEnvelope, uuid7

_TOGETHER = 400
_LOOK = 0.02
_PATIENCE = 600.0


class Ours:
    """Makes records, asks, and waits; one cluster at a time."""

    def __init__(self, *, user: AbstractBaseUser, processes: Processes) -> None:
        self._user = user
        self._processes = processes
        self._made = 0
        self.asked = 0
        self.cpu_seconds = 0.0
        """Processor time of this process for asking."""

    def records(self, count: int) -> list[UUID]:
        """Start so many records."""
        made: list[UUID] = []
        now = clock.now()
        for first in range(0, count, _TOGETHER):
            size = min(_TOGETHER, count - first)
            new = [self._new(self._made + number) for number in range(size)]
            self._made += size
            made += [
                record.pk
                for record in start_many(
                    workflow=registry.latest(NAME), new=new, user=self._user, now=now
                )
            ]
        return made

    def _new(self, number: int) -> New:
        today = clock.now().date()
        subject = Declaration(
            claimant_id=self._user.pk,
            number=f"B-{number}",
            purpose="a journey",
            amount=Decimal("12.50"),
            expense_date=today,
            declared_on=today,
        )
        return New(subject=subject, reference=f"B-{number}")

    def ask(self, record: UUID) -> UUID:
        """Ask for one approval."""
        request = self._request(record)
        answer = submit(request=request, now=clock.now())
        _check([answer])
        self.asked += 1
        return request.transition_id

    def ask_all(self, records: list[UUID]) -> None:
        """Ask for many approvals, as many at once as a caller has at hand."""
        for first in range(0, len(records), _TOGETHER):
            requests = [self._request(record) for record in records[first : first + _TOGETHER]]
            began = time.process_time()
            answers = submit_many(requests=requests, now=clock.now())
            self.cpu_seconds += time.process_time() - began
            _check(answers)
            self.asked += len(requests)

    def _request(self, record: UUID) -> Request:
        return Request(record=record, transition="approve", transition_id=uuid7(), user=self._user)

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """Run a cluster; it is ready to take work when this begins."""
        with self._processes.cluster(count):
            yield

    def is_done(self, name: UUID) -> bool:
        """Return whether one approval has come to its end. Light: it is asked all the time."""
        return bool(_DONE.rows(name=name))

    def await_all(self) -> None:
        """Return when every approval and every call has ended."""
        until = time.monotonic() + _PATIENCE
        while self._is_working():
            if time.monotonic() > until:
                raise TimeoutError(f"Not done within {_PATIENCE:g} s.")
            time.sleep(_LOOK)

    def _is_working(self) -> bool:
        return (
            TransitionEnvelope.objects.filter(due_at__isnull=False).exists()
            or EffectEntry.objects.filter(finished_at__isnull=True).exists()
        )

    def began(self, since: datetime) -> datetime:
        """Return when the first approval since then was taken up."""
        first = Attempt.objects.filter(started_at__gte=since).aggregate(at=Min("started_at"))["at"]
        if first is None:
            raise AssertionError("nothing was taken up")
        found: datetime = first
        return found


def _ended(*, name: UUID) -> Query:
    done = TransitionEnvelope.objects.filter(pk=name, finished_at__isnull=False)
    query: Query = done.query.exists()
    return query


_DONE = Compiled(_ended)


def _check(answers: Sequence[Answer]) -> None:
    other = [answer for answer in answers if not isinstance(answer, Accepted)]
    if other:
        raise AssertionError(f"a request was not accepted: {other[0]}")
