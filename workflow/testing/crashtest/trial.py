"""One case: ask, kill, let people interfere, recover, and count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from workflow.engine.answer import Accepted
from workflow.engine.boundary import Boundary
from workflow.engine.limits import limits
from workflow.engine.request import Request
from workflow.models import (
    FINAL,
    EffectEntry,
    EffectState,
    Phase,
    Record,
    State,
    TransitionEnvelope,
)
from workflow.testing.crashtest.bench import Bench, said
from workflow.testing.crashtest.case import Act, Case, Place, Verdict
from workflow.testing.invariants import faults

_LATER = timedelta(hours=1)
_MOMENT = timedelta(seconds=1)
_SCHEDULED = (Boundary.RIPEN_WRITTEN, Boundary.RIPEN_COMMITTED)
_UNDOING = (Boundary.UNDO_WRITTEN, Boundary.UNDO_COMMITTED)
_MOST_DEATHS = 30


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a request came out."""

    state: str
    status: str
    calls: tuple[tuple[str, str, str], ...]
    """Phase, name and state of each of its calls."""

    @classmethod
    def of(cls, request: Request) -> Ending:
        """Read it."""
        rows = EffectEntry.objects.filter(envelope=request.transition_id)
        return cls(
            state=TransitionEnvelope.objects.get(pk=request.transition_id).state,
            status=Record.objects.get(pk=request.record).status,
            calls=tuple(sorted(rows.values_list("phase", "name", "state"))),
        )

    def __str__(self) -> str:
        """Return state and status."""
        return f"{self.state}, record {self.status}"


class CannotTry(Exception):
    """Undisturbed, the transition does not fire; the message says why."""


def undisturbed(*, bench: Bench, transition: str) -> Ending:
    """Let a transition happen without a death; return how it ends.

    Raises:
        CannotTry: It does not fire.
    """
    request = bench.test.wish(transition, bench.record(transition))
    answer = bench.submit(request)
    if not isinstance(answer, Accepted):
        raise CannotTry(said(answer))
    bench.finish(answer.envelope.record)
    ending = Ending.of(request)
    if ending.state != State.FIRED:
        envelope = TransitionEnvelope.objects.get(pk=request.transition_id)
        raise CannotTry(f"{ending.state}: {envelope.message}")
    found = [*_wrong(bench, request), *faults(records=[request.record])]
    if found:
        raise CannotTry(f"undisturbed, this is wrong: {'; '.join(found)}")
    return ending


def attempt(*, bench: Bench, transition: str, place: Place, act: Act, usual: Ending) -> Case:
    """Try one case.

    Args:
        usual: How the transition ends undisturbed, and has to end all the same.
    """
    record = bench.record(transition)
    request = bench.test.wish(transition, record)
    if place.boundary in _SCHEDULED:
        request = replace(request, due_at=bench.now() + _LATER)
    trial = _Trial(bench=bench, request=request, place=place, act=act, usual=usual)
    try:
        return trial.run(record)
    except AssertionError as wrong:
        return trial.case(Verdict.BROKEN, faults=(str(wrong),))


class _Trial:
    """A case under way."""

    def __init__(
        self, *, bench: Bench, request: Request, place: Place, act: Act, usual: Ending
    ) -> None:
        self._bench = bench
        self._request = request
        self._place = place
        self._act = act
        self._usual = usual
        self._settled_before = bench.settled
        self._deaths = 0
        self._is_cancelled = False
        self._note = ""

    def run(self, record: Record) -> Case:
        answer = self._bench.submit(self._request)
        assert isinstance(answer, Accepted), f"it was not accepted: {said(answer)}"
        is_killed = self._lead_there() and self._die(self._place.boundary, self._place.time)
        if not is_killed:
            self._bench.finish(record)
            return self.case(Verdict.NOT_PASSED)
        self._interfere()
        self._bench.finish(record)
        assert self._bench.is_repeated(self._request), "asked again, it was not recognised"
        found = tuple(self._found())
        return self.case(Verdict.BROKEN if found else Verdict.OK, faults=found)

    def case(self, verdict: Verdict, faults: tuple[str, ...] = ()) -> Case:
        is_tried = verdict is not Verdict.NOT_PASSED
        return Case(
            transition=self._request.transition,
            place=self._place,
            act=self._act,
            verdict=verdict,
            ended=str(Ending.of(self._request)) if is_tried else "",
            deaths=self._deaths,
            settled=self._bench.settled - self._settled_before,
            note=self._note,
            faults=faults,
        )

    def _die(self, boundary: Boundary, time: int = 1) -> bool:
        is_killed = self._bench.turn(dies=boundary, time=time)
        self._deaths += is_killed
        return is_killed

    def _lead_there(self) -> bool:
        """Bring it to where the boundary can be passed; return whether that was possible."""
        if self._place.boundary in _SCHEDULED:
            self._bench.wait(_LATER + _MOMENT)
        if self._place.after is None:
            return True
        if not self._die(self._place.after):
            return False
        if self._place.boundary in _UNDOING:
            self._note = self._bench.cancel(self._request)
            self._is_cancelled = not self._note
            return self._is_cancelled
        self._bench.wait(limits().lease + _MOMENT)
        return True

    def _interfere(self) -> None:
        match self._act:
            case Act.REPEAT:
                for _ in range(2):
                    assert self._bench.is_repeated(self._request), "a repetition was taken for new"
            case Act.CANCEL:
                self._note = self._bench.cancel(self._request)
                self._is_cancelled = not self._note
            case Act.PAUSE:
                self._pause()
            case Act.RETRY:
                self._use_up()

    def _pause(self) -> None:
        fence = self._envelope().fence
        self._bench.pause_meanwhile()
        assert self._envelope().fence == fence, "paused, it was taken up all the same"

    def _use_up(self) -> None:
        while self._envelope().state != State.PARKED and self._deaths < _MOST_DEATHS:
            self._bench.wait(limits().lease + _LATER)
            self._bench.turn(dies=Boundary.CLAIM_COMMITTED)
            self._deaths += 1
        envelope = self._envelope()
        assert envelope.state == State.PARKED, f"after {self._deaths} deaths it is not parked"
        self._bench.retry(envelope)

    def _envelope(self) -> TransitionEnvelope:
        return TransitionEnvelope.objects.get(pk=self._request.transition_id)

    def _found(self) -> Iterator[str]:
        ending = Ending.of(self._request)
        envelope = self._envelope()
        if envelope.state not in FINAL:
            yield f"it has come to no end: {envelope.state}, {envelope.message}"
        elif self._is_cancelled:
            if ending.state != State.CANCELLED:
                yield f"it was cancelled and ended as {ending.state}"
            _, _, left = envelope.message.partition("Not undone: ")
            self._note = f"not undone: {left}" if left else ""
        elif ending != self._usual:
            yield f"it ended as {ending} {ending.calls}, undisturbed {self._usual.calls}"
        yield from _wrong(self._bench, self._request)
        yield from faults(records=[self._request.record])


def _wrong(bench: Bench, request: Request) -> Iterator[str]:
    """Yield what the called systems say against what the ledger says."""
    rows = EffectEntry.objects.filter(envelope=request.transition_id)
    undone = {row.name for row in rows if row.phase == Phase.UNDO}
    for row in rows:
        if not row.is_final:
            yield f"call {row.key} has come to no end: {row.state}"
        times = bench.outside.times(row.key)
        if times is None:
            continue
        if times > 1:
            yield f"call {row.key} was carried out {times} times"
        if row.state == EffectState.DONE and times == 0:
            yield f"call {row.key} is done and was never carried out"
        if row.state != EffectState.DONE and times and row.name not in undone:
            yield f"call {row.key} was carried out and is {row.state}"
