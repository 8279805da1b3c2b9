"""A worker's calls under way: begun, watched, and recorded when they end.

Calls run in threads; everything that touches the database happens in the worker's own thread, and
no transaction is open during a call. A call that takes its time keeps nobody waiting: the worker
goes on with other work and looks in again. What one worker holds at a time is bounded, and no
channel may take all of it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import structlog
from django.db import DatabaseError, IntegrityError

from audit.planned import is_lost
from workflow.effects import channels, claim
from workflow.effects.call import call_of
from workflow.effects.declared import declared
from workflow.effects.flight import Flight
from workflow.effects.hands import Hands
from workflow.effects.perform import Instant, kind, perform
from workflow.effects.record import is_closing, record
from workflow.engine.correlation import child_of, working_on
from workflow.engine.limits import limits
from workflow.models import EffectEntry

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

_SIGNS_EVERY = 1.0
"""Seconds between two writings of signs of life."""

_TOGETHER = 0.03
"""Seconds that the outcome of a call waits for those of others under way, to be written with them;
and that a worker with many calls under way waits before it takes a few more."""

_LEAST = 32
"""Calls that a worker begins with; while a channel has more, they double up to the setting."""

_GRACE = 1.0
"""Seconds from when a handler is seen to overrun its time-out, until it is written off.

Counted from that look, and not from the time-out: a worker that stood still finds, when it wakes,
every call overdue; those that have their answer at hand shall still bring it.
"""


class Courier:
    """Carries out effects for one worker. Used by one thread."""

    def __init__(self, *, worker: str, clock: Clock) -> None:
        self.worker = worker
        self._clock = clock
        self._hands = Hands()
        self._flights: list[Flight] = []
        self._landed: deque[None] = deque()
        self._enough = 1
        self._has_enough = threading.Event()
        self._took = 0.0
        self._most = _LEAST
        self.had_few = False
        """Whether the worker's last batch was a few urgent decisions; kept from turn to turn."""
        channels.ensure()

    @property
    def in_flight(self) -> int:
        """Calls that are under way, or whose outcome is not recorded yet."""
        return len(self._flights)

    def take(self) -> int:
        """Claim what is due, as far as there is room, and begin the calls; return how many."""
        room = self._room()
        if room <= 0 or (2 * room < self._bound and self._is_early()):
            return 0
        self._took = time.monotonic()
        due = claim.due_channels(now=self._clock())
        random.shuffle(due)  # no channel is always first
        begun, has_more = 0, False
        for channel in due:
            room = self._room_for(channel, self._room(), len(due))
            taken = self._take_from(channel, room)
            has_more |= 0 < room <= taken
            begun += taken
        self._most = 2 * self._bound if has_more else max(_LEAST, self._bound // 2)
        return begun

    @property
    def _bound(self) -> int:
        """How many calls may be under way at present.

        With few calls due they are few, so that workers share them and a death puts few in doubt;
        with many they are many, so that they share their statements.
        """
        return min(limits().calls, self._most)

    def _room(self) -> int:
        return self._bound - len(self._flights)

    def _is_early(self) -> bool:
        return time.monotonic() - self._took < _TOGETHER

    def _room_for(self, channel: str, room: int, channels: int) -> int:
        """Leave room for other channels: a slow one must not fill the worker by and by."""
        under_way = sum(flight.entry.channel == channel for flight in self._flights)
        share = max(1, self._bound * 3 // 4)
        most = room if channels == 1 and under_way == 0 else room // channels + 1
        return max(0, min(room, most, share - under_way))

    def _take_from(self, channel: str, room: int) -> int:
        if room <= 0:
            return 0
        began = Instant.now()
        now = self._clock()
        claimed = claim.claim(
            worker=self.worker,
            channel=channel,
            room=room,
            takes_ask=not any(flight.is_ask for flight in self._flights),
            now=now,
        )
        for entry in claimed:
            self._begin(entry, now, began)
        return len(claimed)

    def _begin(self, entry: EffectEntry, now: datetime, began: Instant) -> None:
        about = declared(entry)
        window = limits().send_window
        flight = Flight(
            entry=entry,
            declared=about,
            kind=kind(entry),
            began_at=now,
            began=began,
            limit=about.timeout.total_seconds() + window.total_seconds(),
            heard=began.monotonic,
        )
        self._flights.append(flight)
        own = child_of(entry.envelope.traceparent)
        call = call_of(
            entry=entry,
            declared=about,
            traceparent=own,
            report=partial(self._report, flight),
            cancelled=lambda: flight.is_cancelled,
        )

        def job() -> None:
            # A thread inherits no context: what its lines belong to is bound here.
            step = working_on(entry.envelope, step="effect", traceparent=own, **_facts(entry))
            with step as told:
                found = perform(entry=entry, declared=about, call=call, since=began, window=window)
                told["outcome"] = type(found[0]).__name__
            flight.ended = time.monotonic()
            flight.found = found
            # A bell for each would wake the worker for each, and take the interpreter from it.
            self._landed.append(None)
            if len(self._landed) >= self._enough:
                self._has_enough.set()

        self._hands.do(job)

    def _report(self, flight: Flight, fraction: float, note: str) -> None:
        """Take a sign of life, in the call's thread."""
        flight.progress = (min(1.0, max(0.0, fraction)), str(note))
        flight.heard = Instant.now().monotonic

    def wait(self, seconds: float) -> None:
        """Return when outcomes are to be recorded, or after so many seconds."""
        self._has_enough.clear()
        self._landed.clear()
        ended = self._ended()
        self._enough = (len(self._flights) + 1) // 2 - len(ended)
        if not self._is_time():
            self._has_enough.wait(min(seconds, _TOGETHER))

    def _ended(self) -> list[float]:
        return [flight.ended for flight in self._flights if flight.found is not None]

    def _is_time(self) -> bool:
        """Return whether enough calls have ended, or one has waited long enough for others."""
        ended = self._ended()
        if 2 * len(ended) >= len(self._flights):
            return bool(ended)
        return bool(ended) and time.monotonic() - min(ended) >= _TOGETHER

    def collect(self) -> Counter[str]:
        """Record the calls that have ended, and write signs of life of those that have not.

        Raises:
            DatabaseError: The database is away. Outcomes are kept, and recorded at the next call;
                if their leases end before that, they come late, and the doubt is resolved as the
                effect declares.
        """
        ended = [flight for flight in self._flights if self._has_ended(flight)]
        if not self._is_time():
            ended = []
        tally = self._record(ended)
        gone = {id(flight) for flight in ended}
        self._flights = [flight for flight in self._flights if id(flight) not in gone]
        self._write_signs()
        return tally

    def _has_ended(self, flight: Flight) -> bool:
        if flight.found is not None:
            return True
        problem = flight.overrun()
        if problem is None:
            flight.overdue = None
        elif flight.overdue is None:
            flight.overdue = time.monotonic()
        elif time.monotonic() - flight.overdue > _GRACE:
            flight.found, flight.ended = (problem, ""), 0.0
        return flight.found is not None

    def _record(self, flights: list[Flight]) -> Counter[str]:
        if not flights:
            return Counter()
        now = self._clock()
        ended = [flight.outcome(now) for flight in flights]
        try:
            return record(ended=ended, now=now)
        except IntegrityError as collision:
            # Somebody else wrote on the same record at the same instant: one by one, then.
            log.info("outcome.collided", effects=len(ended), error=str(collision))
        except DatabaseError as error:
            if len(ended) == 1 and not is_lost(error):
                raise
            log.warning("outcome.refused", effects=len(ended), error=str(error))
        tally: Counter[str] = Counter()
        for each in ended:
            tally += record(ended=[each], now=self._clock())
        return tally

    def _write_signs(self) -> None:
        now = Instant.now().monotonic
        due = [
            flight
            for flight in self._flights
            if flight.progress is not None and now - flight.written >= _SIGNS_EVERY
        ]
        for flight in due:
            if flight.progress is not None and flight.entry.claim is not None:
                sign, flight.progress = flight.progress, None
                flight.written = now
                pk, token = flight.entry.pk, flight.entry.claim
                claim.renew(token=token, heard={pk: sign}, now=self._clock())
                if is_closing(flight.entry.envelope_id):
                    flight.is_cancelled = True


def _facts(entry: EffectEntry) -> Mapping[str, str | int]:
    """Return the fields of log lines about a call, beside those of its envelope."""
    return {
        "effect": entry.name,
        "channel": entry.channel,
        "attempt": entry.fence,
        "worker": entry.worker,
    }
