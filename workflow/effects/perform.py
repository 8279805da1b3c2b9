"""One call, in its thread: the last look at the clock, the handler, and what it answered.

The last look is at two clocks that a database or an administrator cannot mislead together: a
process that stood still (SIGSTOP) sees it on the monotonic one, a paused virtual machine on the
wall clock, once that is put right. What remains is a process that is frozen between this look and
the first byte of its call, for longer than its lease: then a call is sent that may have been taken
over. `Lookup`'s settling time is what covers it, up to that length; nothing else can.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, get_args

from workflow.definition import (
    Absent,
    Call,
    Done,
    Lookup,
    Pending,
    Permanent,
    Postponed,
    Rejected,
    Result,
    Retryable,
    Unknown,
)
from workflow.effects.answer import Unsent
from workflow.effects.declared import Declared
from workflow.effects.receipt import check_receipt
from workflow.engine.boundary import Boundary, reach
from workflow.models import EffectEntry, EffectState, Kind

_DETAIL = 8000


@dataclass(frozen=True, kw_only=True)
class Instant:
    """One moment on both clocks of this machine, in seconds."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> Instant:
        """Return this moment."""
        return cls(monotonic=time.monotonic(), wall=time.time())

    def is_older_than(self, age: timedelta) -> bool:
        """Return whether more time has passed, by either clock."""
        now = Instant.now()
        passed = max(now.monotonic - self.monotonic, now.wall - self.wall)
        return passed > age.total_seconds()


Found = Result | Absent | Unsent


def kind(entry: EffectEntry) -> Kind:
    """Return what a claim of this row is for."""
    match entry.state:
        case EffectState.CHECKING:
            return Kind.LOOKUP
        case EffectState.PENDING:
            return Kind.POLL
        case _:
            return Kind.SEND


def perform(
    *, entry: EffectEntry, declared: Declared, call: Call, since: Instant, window: timedelta
) -> tuple[Found, str]:
    """Make the call that the claimed row is for; return what came of it, and a traceback.

    Never raises for what a handler does.

    Args:
        since: A moment before the intent was made durable.
        window: How long after that the call may begin.
    """
    what = kind(entry)
    reach(Boundary.CALL_BEGINS)
    if what is Kind.SEND and since.is_older_than(window):
        return Unsent(), ""
    try:
        found = _handle(what, declared, call)
    except Retryable as error:
        found, detail = Postponed(reason=str(error), retry_after=error.retry_after), _trace(error)
    except Permanent as error:
        found, detail = Rejected(reason=str(error)), _trace(error)
    except Exception as error:  # noqa: BLE001  (a handler may raise anything; it is in doubt then)
        problem = f"{type(error).__name__}: {error}"[:2000]
        found, detail = Unknown(reason=problem, code="handler_failed"), _trace(error)
    else:
        found, detail = _checked(found, what), ""
    reach(Boundary.CALL_ENDED)
    return found, detail


def _handle(what: Kind, declared: Declared, call: Call) -> Any:
    match what:
        case Kind.LOOKUP:
            if not isinstance(declared.recovery, Lookup):
                return Unknown(reason="Its effect declares no look-up any more.")
            return declared.recovery.ask(call)
        case Kind.POLL:
            if declared.wait is None or declared.wait.poll is None:
                return Unknown(reason="It was accepted, and no call-back came in time.")
            return declared.wait.poll(call)
        case _:
            return declared.send(call)


def _checked(found: Any, what: Kind) -> Found:
    allowed = (*get_args(Result), Absent) if what is Kind.LOOKUP else get_args(Result)
    if not isinstance(found, allowed):
        names = ", ".join(each.__name__ for each in allowed)
        return Unknown(
            reason=f"Its handler returned {found!r:.200}; one of {names} is needed.",
            code="bad_answer",
        )
    return _with_sound_receipt(found) if isinstance(found, Done | Pending) else found


def _with_sound_receipt(found: Done | Pending) -> Done | Pending:
    """Keep what cannot be stored from undoing the fact that the call was answered."""
    try:
        check_receipt(found.receipt)
    except (TypeError, ValueError, RecursionError) as error:
        told = repr(found.receipt)[:500].replace("\x00", "\\0")
        return replace(found, receipt={"unreadable": told, "problem": str(error)})
    return found


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-_DETAIL:]
