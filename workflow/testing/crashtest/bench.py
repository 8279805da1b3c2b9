"""Records at the start of a transition, workers, people, and a clock that can be put forward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import get_random_string

from workflow.acts import effects
from workflow.acts.cancel import cancel
from workflow.acts.pause import lift, pause
from workflow.acts.resume import resume
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.engine.answer import Accepted, Repeated
from workflow.engine.boundary import Boundary
from workflow.engine.limits import limits
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit, submit_many
from workflow.models import (
    EFFECT_STUCK,
    FINAL,
    Channel,
    EffectEntry,
    EffectState,
    Record,
    Scope,
    State,
    TransitionEnvelope,
)
from workflow.testing.crashtest.hook import CrashTest, Outside
from workflow.testing.forge import Forge

_TOGETHER = 16
_ROUNDS = 60
_MOMENT = timedelta(milliseconds=5)
_WHY = "A crash test."


class CannotPrepare(Exception):
    """A record could not be brought to where the transition starts; the message says why."""


class Bench:
    """Where one workflow is tried."""

    def __init__(self, *, test: CrashTest[Any], forge: Forge, outside: Outside) -> None:
        self.test = test
        self.workflow = test.workflow
        self.outside = outside
        self.ahead = timedelta(0)
        self.settled = 0
        """Doubts that people have settled."""

        self._forge = forge
        self._numbers = 0
        self._token = get_random_string(6)
        self._ready: dict[str, list[Record]] = {}
        people = get_user_model()._default_manager
        self._operator = people.get_or_create(username="crash-operator")[0]
        self._colleague = people.get_or_create(username="crash-colleague")[0]

    def now(self) -> datetime:
        """Return the time as the bench has it."""
        return clock.now() + self.ahead

    def wait(self, time: timedelta) -> None:
        """Put the clock forward."""
        self.ahead += time

    def turn(self, *, dies: Boundary | None = None, time: int = 1) -> bool:
        """Have a worker do what is due; return whether it was killed."""
        return self._forge.work(ahead=self.ahead, dies=dies, time=time)

    # --- Records ---------------------------------------------------------------------------------

    def record(self, transition: str) -> Record:
        """Return a record that stands where the transition starts.

        Raises:
            CannotPrepare: None could be brought there.
        """
        ready = self._ready.setdefault(transition, [])
        if not ready:
            ready += self._prepared(transition)
        return ready.pop()

    def _prepared(self, transition: str) -> list[Record]:
        records = [self._fresh() for _ in range(_TOGETHER)]
        for step in self.test.way(transition):
            wishes = [self.test.wish(step, record) for record in records]
            for answer in submit_many(requests=wishes, now=self.now()):
                if not isinstance(answer, Accepted):
                    raise CannotPrepare(f"{step!r}, on the way to {transition!r}: {said(answer)}")
            for record in records:
                self.finish(record)
            left = TransitionEnvelope.objects.filter(
                pk__in=[wish.transition_id for wish in wishes]
            ).exclude(state=State.FIRED)
            for envelope in left[:1]:
                raise CannotPrepare(
                    f"{step!r}, on the way to {transition!r}: {envelope.state}, {envelope.message}"
                )
            records = list(Record.objects.filter(pk__in=[record.pk for record in records]))
        return records

    def _fresh(self) -> Record:
        self._numbers += 1
        fresh = self.test.fresh(self._numbers)
        return start(
            workflow=self.workflow,
            subject=fresh.subject,
            reference=f"{fresh.reference} {self._token}",
            user=fresh.by,
            now=self.now(),
        )

    def submit(self, request: Request) -> Any:
        """Ask."""
        return submit(request=request, now=self.now())

    def is_repeated(self, request: Request) -> bool:
        """Ask again; return whether it was recognised."""
        return isinstance(self.submit(request), Repeated)

    # --- Recovery --------------------------------------------------------------------------------

    def finish(self, record: Record) -> None:
        """Let workers and people do what is left for a record, as time goes by."""
        for _ in range(_ROUNDS):
            due = self._due(record)
            if due is None:
                if not self._decide(record):
                    return
                continue
            if due > self.now():
                self.wait(due - self.now() + _MOMENT)
            self.turn()

    def _due(self, record: Record) -> datetime | None:
        """Return when something of a record happens next by itself."""
        envelopes = (
            TransitionEnvelope.objects.filter(record=record, due_at__isnull=False)
            .exclude(state__in=FINAL)
            .exclude(origin="timer", state=State.SCHEDULED)
            .values_list("due_at", flat=True)
        )
        opens = dict(Channel.objects.exclude(opens_at=None).values_list("pk", "opens_at"))
        times = [at for at in envelopes if at is not None]
        calls = EffectEntry.objects.filter(record=record, finished_at__isnull=True)
        for channel, at, claim in calls.values_list("channel", "due_at", "claim"):
            if at is not None:
                times.append(at if claim else max(at, opens.get(channel) or at))
        return min(times, default=None)

    def _decide(self, record: Record) -> bool:
        """Let people decide what waits for them; return whether anything did.

        Each decision is taken by two at once; the second has to be turned away.
        """
        stuck = EffectEntry.objects.filter(
            record=record, finished_at__isnull=True, state__in=EFFECT_STUCK
        ).first()
        if stuck is not None:
            self._settle(stuck)
            return True
        parked = TransitionEnvelope.objects.filter(record=record, state=State.PARKED).first()
        if parked is not None:
            self.retry(parked)
            return True
        return False

    def _settle(self, entry: EffectEntry) -> None:
        seen = {"effect": entry.pk, "fence": entry.fence, "reason": _WHY, "now": self.now()}
        act: Callable[..., object] = effects.retry
        if entry.state == EffectState.IN_DOUBT:
            if self.outside.times(entry.key) == 0:
                act = effects.did_not_happen
            else:
                act = effects.happened
                seen["receipt"] = self.outside.receipt(entry.key)
        self._twice(lambda user: act(user=user, **seen), f"{entry.key} was settled twice")
        self.settled += 1

    def retry(self, envelope: TransitionEnvelope) -> None:
        """Have two people set a parked envelope going again, of whom one is told that it is."""
        self._twice(
            lambda user: resume(transition_id=envelope.pk, user=user, reason=_WHY, now=self.now()),
            f"{envelope} was set going twice",
        )

    def _twice(self, act: Callable[[AbstractBaseUser], object], wrong: str) -> None:
        act(self._operator)
        with suppress(InvalidRequest):
            act(self._colleague)
            raise AssertionError(wrong)

    # --- What people do before anybody recovers --------------------------------------------------

    def cancel(self, request: Request) -> str:
        """Cancel; return why not, if it cannot be."""
        try:
            cancel(
                transition_id=request.transition_id,
                user=self._operator,
                reason=_WHY,
                now=self.now(),
            )
        except InvalidRequest as error:
            return str(error)
        return ""

    def pause_meanwhile(self) -> None:
        """Pause the workflow, let workers come after the lease has ended, and lift the pause."""
        about: dict[str, Any] = {
            "scope": Scope.WORKFLOW,
            "name": self.workflow.name,
            "user": self._operator,
            "reason": _WHY,
        }
        pause(until=None, now=self.now(), **about)
        self.wait(limits().lease + _MOMENT)
        self.turn()
        lift(now=self.now(), **about)


def said(answer: Any) -> str:
    """Return why a request was not accepted."""
    refusals = getattr(answer, "refusals", ())
    words = " ".join(refusal.message for refusal in refusals)
    return words or str(getattr(answer, "error", "")) or type(answer).__name__.lower()
