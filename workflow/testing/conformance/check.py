"""What a check is, and what it may use."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from workflow.definition import Transition, Workflow
from workflow.engine import clock
from workflow.models import Origin, Record, State, TransitionEnvelope, uuid7
from workflow.models.guards.rules import PREFIX

T = TypeVar("T")

WITHIN = 30.0
"""Seconds that concurrent parts of a check may take."""


class NotNeeded(Exception):
    """This server has no use for the check; the message says why."""


class Failed(AssertionError):
    """The server does not do what the engine relies on; the message says what it did."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that the server has to do."""

    name: str
    promise: str
    """What is relied on, as a sentence."""

    invariant: str
    """Which of the engine's invariants rests on it."""

    act: Callable[[], str | None]
    """Tries it; returns what is worth knowing beside that it held."""


class Status(enum.Enum):
    """Statuses of the workflow that checks use."""

    NEW = "new"
    DONE = "done"


WORKFLOW: Workflow[Any, Status] = Workflow(
    name="conformance",
    version=1,
    subject=Record,  # checks ask, claim and refuse; none of them fires by a worker
    statuses=Status,
    initial=Status.NEW,
    final=frozenset({Status.DONE}),
    transitions=(
        Transition(name="finish", label="Finish", sources=(Status.NEW,), target=Status.DONE),
    ),
)


def expect(holds: object, otherwise: str) -> None:
    """Go on if it holds.

    Raises:
        Failed: It does not.
    """
    if not holds:
        raise Failed(otherwise)


GUARD = f"{PREFIX}:"
"""What a guard's refusal says."""


@contextmanager
def refused(what: str, words: str = "") -> Iterator[None]:
    """Expect the database to refuse what is tried, and to go on working.

    Args:
        words: What the refusal has to say, so that no other error is taken for it.

    Raises:
        Failed: It let it pass, or failed in another way.
    """
    try:
        with transaction.atomic():
            yield
            raise Failed(f"{what} was let through")
    except DatabaseError as error:
        expect(words in str(error), f"{what} failed in another way: {error}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Do all of it at the same moment, over a connection each; return what came of it."""
    barrier = threading.Barrier(len(acts), timeout=WITHIN)

    def do(act: Callable[[], T]) -> T | Exception:
        try:
            connection.ensure_connection()
            barrier.wait()
            return act()
        except Exception as error:  # noqa: BLE001  (what came of it, for the check to judge)
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(acts)) as threads:
        return list(threads.map(do, acts))


def elsewhere(act: Callable[[], T]) -> T:
    """Do it over another connection, and wait for it.

    Raises:
        Failed: It did not come to its end: it waits for what this connection holds.
    """
    ended: list[T | Exception] = []

    def do() -> None:
        ended.extend(at_once([act]))

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if not ended:
        raise Failed(f"another connection waited for over {_PATIENCE:g} s")
    (outcome,) = ended
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


_PATIENCE = 5.0


def make_record(**values: Any) -> Record:
    """Return a new record of the checks' workflow."""
    now = clock.now()
    about = {"status": "new", "status_since": now, "created_at": now, "reference": uuid7().hex}
    return Record.objects.create(workflow=WORKFLOW.name, **{**about, **values})


def make_envelope(record: Record, **values: Any) -> TransitionEnvelope:
    """Return a new envelope, waiting and due."""
    now = clock.now()
    about: dict[str, Any] = {
        "transition_id": uuid7(),
        "workflow": WORKFLOW.name,
        "definition_version": WORKFLOW.version,
        "transition": "finish",
        "target": "done",
        "actor_label": "conformance",
        "digest": "0" * 64,
        "origin": Origin.PYTHON,
        "correlation_id": "conformance",
        "requested_at": now,
        "state": State.WAITING,
        "due_at": now,
    }
    return TransitionEnvelope.objects.create(record=record, **{**about, **values})


def fire(envelope: TransitionEnvelope, *, version: int = 1, now: datetime | None = None) -> UUID:
    """Settle an envelope as fired, as the engine does before it moves the record."""
    TransitionEnvelope.objects.filter(pk=envelope.pk).update(
        state=State.FIRED, resulting_version=version, finished_at=now or clock.now(), due_at=None
    )
    return envelope.pk
