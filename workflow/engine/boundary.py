"""The durable boundaries: every place where a process may die between two things that last.

Each has a name, so that a test can kill a process at every one of them and see that the work comes
out whole. In production nothing is armed, and passing a boundary costs one comparison.

A process is armed by its environment: `ESCAPEMENT_DIE_IN` names a folder. Whoever comes to a
boundary whose name is that of a file there takes the file away, leaves its process id in one
called `NAME.pid`, and dies by SIGKILL; or, if the file says `stop`, stands still until it gets
SIGCONT; or, if it says a number N, dies when it is passed for the Nth time. One file is one death,
however many processes look.
"""

from __future__ import annotations

import enum
import os
import signal
import threading
from pathlib import Path


class Boundary(enum.StrEnum):
    """Every place, in the order in which a transition with effects passes them.

    `..._WRITTEN` is inside a transaction, after its last statement and before its commit;
    `..._COMMITTED` is just after.
    """

    CLAIM_WRITTEN = "claim.written"
    CLAIM_COMMITTED = "claim.committed"
    BATCH_WRITTEN = "batch.written"
    BATCH_COMMITTED = "batch.committed"
    INTENT_WRITTEN = "intent.written"
    INTENT_COMMITTED = "intent.committed"
    CALL_BEGINS = "call.begins"
    """In the thread of the call, just before the last look at the clock."""

    CALL_ENDED = "call.ended"
    """In the thread of the call, when the handler has its answer and nobody else has."""

    OUTCOME_WRITTEN = "outcome.written"
    OUTCOME_COMMITTED = "outcome.committed"
    RESCUE_WRITTEN = "rescue.written"
    RESCUE_COMMITTED = "rescue.committed"
    UNDO_WRITTEN = "undo.written"
    UNDO_COMMITTED = "undo.committed"
    RIPEN_WRITTEN = "ripen.written"
    RIPEN_COMMITTED = "ripen.committed"


_FOLDER = os.environ.get("ESCAPEMENT_DIE_IN")


def reach(boundary: Boundary) -> None:
    """Pass a boundary; die there if a death is waiting."""
    if _FOLDER is not None:
        _die_if_told(Path(_FOLDER, boundary))


def _die_if_told(mark: Path) -> None:
    taken = mark.with_name(f"{mark.name}.{os.getpid()}")
    try:
        mark.rename(taken)  # only one process succeeds
    except FileNotFoundError:
        return
    told = taken.read_text(encoding="ascii")
    if told.isdigit() and int(told) > 1:
        taken.write_text(str(int(told) - 1), encoding="ascii")
        taken.rename(mark)
        return
    how = signal.SIGSTOP if told == "stop" else signal.SIGKILL
    taken.write_text(str(os.getpid()), encoding="ascii")
    taken.rename(mark.with_name(f"{mark.name}.pid"))
    # To this thread: a stop that another thread takes up lets this one run on for a moment.
    signal.pthread_kill(threading.get_ident(), how)
