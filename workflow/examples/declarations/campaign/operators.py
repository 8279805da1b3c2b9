"""Two operators who set right what waits for a person, both the same thing at the same moment.

Of each pair of acts one may win at most. What is in doubt they look up at its receiver, after
waiting until nothing can land late any more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max

from workflow.acts import effects
from workflow.acts.resume import resume
from workflow.definition import WorkflowError
from workflow.engine import clock
from workflow.examples.declarations.campaign.patience import insist
from workflow.examples.declarations.campaign.stage import OPERATORS, Said, Stage
from workflow.models import (
    EFFECT_STUCK,
    Doubt,
    EffectEntry,
    EffectState,
    Phase,
    State,
    TransitionEnvelope,
)
from workflow.testing.downstream import Journal

_EVERY = 0.3
_AT_ONCE = 10
_LANDED_AFTER = timedelta(seconds=14)
"""By then no letter that was sent can still be posted: longer than any process is frozen."""

Act = Callable[[AbstractBaseUser], Any]


class Operators:
    """Looks for what is stuck, and acts twice."""

    def __init__(self, stage: Stage) -> None:
        self._said = Said(stage.log("operators"))
        self._journal = Journal(stage.journal)
        self._people = [insist(lambda: User.objects.get(username=name)) for name in OPERATORS]  # noqa: B023
        self.stopping = False

    def run(self) -> None:
        """Act until told to stop."""
        while not self.stopping:
            for kind, act in insist(lambda: [*self._transitions(), *self._effects()]):
                self._both(kind, act)
            time.sleep(_EVERY)

    def _transitions(self) -> Iterator[tuple[str, Act]]:
        doubtful = EffectEntry.objects.filter(state=EffectState.IN_DOUBT, finished_at__isnull=True)
        parked = TransitionEnvelope.objects.filter(state=State.PARKED).exclude(
            pk__in=doubtful.values("envelope")
        )
        for envelope in parked[:_AT_ONCE]:

            def again(user: AbstractBaseUser, envelope: TransitionEnvelope = envelope) -> None:
                resume(
                    transition_id=envelope.pk,
                    fence=envelope.fence,
                    user=user,
                    reason="again",
                    now=clock.now(),
                )

            yield "transition retried", again

    def _effects(self) -> Iterator[tuple[str, Act]]:
        stuck = EffectEntry.objects.filter(state__in=EFFECT_STUCK, finished_at__isnull=True)
        waiting = stuck.annotate(last=Max("attempt_set__ended_at"))[: 2 * _AT_ONCE]
        has_landed = clock.now() - _LANDED_AFTER
        for entry in waiting:
            if entry.phase == Phase.BEFORE and entry.state == EffectState.PARKED:
                continue  # its transition is parked with it
            if entry.state == EffectState.IN_DOUBT and entry.recovery == Doubt.ASK:
                if vars(entry)["last"] < has_landed:
                    yield self._look_up(entry)
            else:
                yield "effect retried", self._retry(entry)

    def _retry(self, entry: EffectEntry) -> Act:
        def act(user: AbstractBaseUser) -> None:
            effects.retry(
                effect=entry.pk, fence=entry.fence, user=user, reason="again", now=clock.now()
            )

        return act

    def _look_up(self, entry: EffectEntry) -> tuple[str, Act]:
        found = self._journal.deeds(downstream="letters", key=entry.key)

        def act(user: AbstractBaseUser) -> None:
            known: dict[str, Any] = {
                "effect": entry.pk,
                "fence": entry.fence,
                "user": user,
                "reason": "looked it up at the provider",
                "now": clock.now(),
            }
            if found:
                effects.happened(receipt={"letter": f"RR-{found[0].id}"}, **known)
            else:
                effects.did_not_happen(**known)

        return "doubt settled", act

    def _both(self, kind: str, act: Act) -> None:
        """Do it twice at once; at most one may be told that it was done."""
        ready = threading.Barrier(len(self._people))
        ended: Counter[str] = Counter()

        def one(user: AbstractBaseUser) -> None:
            ready.wait()
            try:
                act(user)
            except WorkflowError:
                ended["refused"] += 1
            except (DatabaseError, InterfaceError) as error:
                ended["error"] += 1
                self._said.say(error=type(error).__name__, text=str(error)[:120])
            else:
                ended["won"] += 1
            finally:
                connection.close()

        both = [threading.Thread(target=one, args=(user,)) for user in self._people]
        for each in both:
            each.start()
        for each in both:
            each.join()
        self._said.say(double=kind, **ended)
        if ended["won"] > 1:
            self._said.say(wrong=f"{kind}: two operators were both told that they did it")
