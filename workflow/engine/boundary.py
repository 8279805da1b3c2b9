"""The durable boundaries: every place where a process may die between two things that last.

Each has a name, so that a test can kill a process at every one of them and see that the work comes
out whole. In production nothing is armed, and passing a boundary costs one comparison.

A process is armed by its environment: `ESCAPEMENT_DIE_AT=effect.called` kills it by SIGKILL when
it comes there; `ESCAPEMENT_DIE_MARK` names a file that is made first, and without which nobody
dies: so one death is one death, however many processes have the same environment.
"""

from __future__ import annotations

import enum
import os
import signal
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
    """In the thread of the call, the last instant before the handler runs."""

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


_armed = os.environ.get("ESCAPEMENT_DIE_AT")


def reach(boundary: Boundary) -> None:
    """Pass a boundary; die there if this process is armed for it."""
    if _armed == boundary:
        _die()


def _die() -> None:
    mark = os.environ.get("ESCAPEMENT_DIE_MARK")
    if mark is not None:
        try:
            Path(mark).rename(f"{mark}.{os.getpid()}")  # only one process wins
        except FileNotFoundError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
