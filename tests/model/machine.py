"""A simple model of the engine, and a machine that does anything in any order and compares.

The model knows a few facts: what a record's declared edges are, that one request is in flight at a
time, that an id is used once and an end is an end. What happens when is the engine's affair. After
each step the database is read and has to be a state that the model could have come to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from tests.model.life.workflows import LIFE
from tests.model.stage import Stage
from workflow.acts.pause import lift, pause
from workflow.doctor.work import forsaken, hidden, undated, undated_calls
from workflow.engine.answer import Accepted, Conflict, Refused, Repeated
from workflow.engine.boundary import Boundary
from workflow.engine.request import Request
from workflow.models import (
    FINAL,
    IN_FLIGHT,
    EffectEntry,
    EffectState,
    Phase,
    Record,
    Scope,
    State,
    TransitionEnvelope,
)
from workflow.testing import invariants
from workflow.testing.downstream import Fault
from workflow.testing.drain import drain

QUICK = [
    Fault.BUSY,
    Fault.FAILS_BEFORE,
    Fault.FAILS_AFTER,
    Fault.GARBAGE_AFTER,
    Fault.DROPS_BEFORE,
    Fault.DROPS_AFTER,
]
DOWNSTREAMS = ["payments", "budget", "reporting", "letters"]
TIMES = [timedelta(seconds=1), timedelta(seconds=40), timedelta(hours=1), timedelta(days=3)]
EDGES = {
    each.name: ({source.value for source in each.sources}, each.target.value)
    for each in LIFE.transitions
}

WISHES = ["send", "send", "send", "overpay", *sorted(EDGES)]
"""The more that follows from one, the more often."""


@dataclass
class Life:
    """One record, as the model has it."""

    id: UUID
    requests: dict[UUID, Request] = field(default_factory=dict)
    ends: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    """How those came out that have come to an end: it stays so."""


class Machine(RuleBasedStateMachine):
    """Everything that callers, workers, people, downstreams, deaths and time may do."""

    stage: Stage

    lives = Bundle("lives")
    wishes = Bundle("wishes")

    def __init__(self) -> None:
        super().__init__()
        self.bench = self.stage.bench
        self.known: list[Life] = []
        self.is_paused = False
        self.stage.mood.forget()

    @initialize(target=lives)
    def begin(self) -> Any:
        self.known = [Life(self.bench._fresh().pk) for _ in range(2)]
        return multiple(*self.known)

    # --- Callers ---------------------------------------------------------------------------------

    @rule(target=wishes, life=lives, transition=st.sampled_from(WISHES))
    def ask(self, life: Life, transition: str) -> Any:
        record = Record.objects.get(pk=life.id)
        is_busy = TransitionEnvelope.objects.in_flight().filter(record=record).exists()
        request = self.bench.test.wish(transition, record)
        answer = self.bench.submit(request)
        may = not is_busy and record.status in EDGES[transition][0]
        assert isinstance(answer, Accepted if may else Refused), (answer, may)
        life.requests[request.transition_id] = request
        return (life, request)

    @rule(target=wishes, life=lives, transition=st.sampled_from(sorted(EDGES)))
    def ask_for_later(self, life: Life, transition: str) -> Any:
        record = Record.objects.get(pk=life.id)
        request = replace(
            self.bench.test.wish(transition, record), due_at=self.bench.now() + TIMES[1]
        )
        assert isinstance(self.bench.submit(request), Accepted)
        life.requests[request.transition_id] = request
        return (life, request)

    @rule(wish=wishes)
    def ask_again(self, wish: tuple[Life, Request]) -> None:
        assert isinstance(self.bench.submit(wish[1]), Repeated)

    @rule(wish=wishes)
    def ask_otherwise_under_the_same_id(self, wish: tuple[Life, Request]) -> None:
        other = replace(wish[1], reason="Another one.")
        assert isinstance(self.bench.submit(other), Conflict)

    # --- Workers, and what happens to them -------------------------------------------------------

    @rule()
    def work(self) -> None:
        drain(ahead=self.bench.ahead, worker="model/1")

    @rule(boundary=st.sampled_from(Boundary), time=st.integers(1, 2))
    def die(self, boundary: Boundary, time: int) -> None:
        self.bench.turn(dies=boundary, time=time)

    @rule(time=st.sampled_from(TIMES))
    def wait(self, time: timedelta) -> None:
        self.bench.wait(time)

    # --- Downstreams -----------------------------------------------------------------------------

    @rule(downstream=st.sampled_from(DOWNSTREAMS), fault=st.sampled_from(QUICK))
    def downstream_fails_next(self, downstream: str, fault: Fault) -> None:
        self.stage.mood.expect(downstream, fault)

    # --- People ----------------------------------------------------------------------------------

    @rule(wish=consumes(wishes))
    def cancel(self, wish: tuple[Life, Request]) -> None:
        before = TransitionEnvelope.objects.get(pk=wish[1].transition_id).state
        refusal = self.bench.cancel(wish[1])
        if before in FINAL:
            assert refusal, "what had ended was cancelled"

    @rule(life=lives)
    def decide_what_waits(self, life: Life) -> None:
        self.bench._decide(Record.objects.get(pk=life.id))

    @rule()
    def pause_or_lift(self) -> None:
        about: dict[str, Any] = {
            "scope": Scope.WORKFLOW,
            "name": LIFE.name,
            "user": self.bench._operator,
            "reason": "A model.",
            "now": self.bench.now(),
        }
        if self.is_paused:
            lift(**about)
        else:
            pause(until=None, **about)
        self.is_paused = not self.is_paused

    # --- What has to be true after each of these ------------------------------------------------

    @invariant()
    def the_database_is_a_state_of_the_model(self) -> None:
        records = [life.id for life in self.known]
        assert invariants.faults(records=records) == []
        for life in self.known:
            self._ends_are_kept(life)
            self._moves_are_declared(life)
        self._calls_are_carried_out_once(records)
        for lost in (undated(), undated_calls(), forsaken(), hidden()):
            assert not list(lost.filter(record__in=records))

    def _ends_are_kept(self, life: Life) -> None:
        found = TransitionEnvelope.objects.filter(record=life.id).in_bulk()
        assert set(life.requests) <= set(found), "a request that was accepted is gone"
        for name, envelope in found.items():
            end = (envelope.state, envelope.code, envelope.resulting_version)
            if name in life.ends:
                assert life.ends[name] == end, "what had ended has ended otherwise"
            elif envelope.state in FINAL:
                life.ends[name] = end

    def _moves_are_declared(self, life: Life) -> None:
        status = LIFE.initial.value
        fired = TransitionEnvelope.objects.filter(record=life.id, state=State.FIRED)
        for envelope in fired.order_by("resulting_version"):
            sources, target = EDGES[envelope.transition]
            assert status in sources, f"{envelope.transition} fired from {status}"
            assert envelope.transition not in ("never", "overpay")
            status = target
        assert Record.objects.get(pk=life.id).status == status

    def _calls_are_carried_out_once(self, records: list[UUID]) -> None:
        rows = EffectEntry.objects.filter(record__in=records).select_related("envelope")
        for row in rows:
            times = self.bench.outside.times(row.key)
            assert times is not None
            assert times <= 1, f"{row.key} was carried out {times} times"
            if row.state == EffectState.DONE:
                assert times == 1, f"{row.key} is done and was never carried out"
            if row.phase == Phase.BEFORE and row.envelope.state == State.FIRED:
                assert row.state == EffectState.DONE, "fired before its call was done"

    def teardown(self) -> None:
        """Let everything come to its end: nothing is left over."""
        self.stage.mood.forget()
        if self.is_paused:
            self.pause_or_lift()
        self.bench.wait(TIMES[1])
        for life in self.known:
            self.bench.finish(Record.objects.get(pk=life.id))
            left = TransitionEnvelope.objects.filter(record=life.id, state__in=IN_FLIGHT)
            assert not list(left), "it comes to no end"
        if self.known:
            self.the_database_is_a_state_of_the_model()
