"""A workflow whose effects answer what the test says, and keep what they were called with."""

from __future__ import annotations

import base64
import enum
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from workflow.definition import (
    Ask,
    Breaker,
    Call,
    Channel,
    Context,
    Done,
    Effect,
    Lookup,
    Resend,
    Retry,
    Transition,
    Undo,
    Wait,
    Workflow,
    refuse,
)
from workflow.examples.declarations.models import Declaration

Answer = Any
"""A result, an exception to raise, or a function of the call."""


class Script:
    """What each effect answers, call by call; `Done` when nothing is left to say."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.calls: list[tuple[str, Call]] = []
        self.refuses: Callable[[Context[Declaration]], bool] = lambda _: False
        self.skips: set[str] = set()

    def answer(self, what: str, call: Call) -> Any:
        with self._lock:
            self.calls.append((what, call))
            left = self.answers[what]
            answer = left.pop(0) if left else Done(receipt={"number": len(self.calls)})
        if isinstance(answer, BaseException):
            raise answer
        return answer(call) if callable(answer) else answer

    def called(self, what: str) -> list[Call]:
        return [call for name, call in self.calls if name == what]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


SCRIPT = Script()


def handler(name: str) -> Callable[[Call], Any]:
    def handle(call: Call) -> Any:
        return SCRIPT.answer(name, call)

    handle.__qualname__ = f"handle_{name}"
    return handle


def request(name: str) -> Callable[[Context[Declaration]], Any]:
    def ask(context: Context[Declaration]) -> Any:
        if name in SCRIPT.skips:
            return None
        return {
            "what": name,
            "amount": str(context.subject.amount),
            "receipts": sorted(context.receipts),
            "purpose": context.subject.purpose,
        }

    ask.__qualname__ = f"request_{name}"
    return ask


def may_go(context: Context[Declaration]) -> Any:
    return refuse("Not any more.") if SCRIPT.refuses(context) else None


def stamp(context: Context[Declaration]) -> None:
    context.subject.payment_reference = str(context.receipts.get("pay", {}).get("number", ""))
    context.subject.purpose = "stamped"


class Status(enum.Enum):
    NEW = "new"
    GONE = "gone"
    TOLD = "told"


RETRY = Retry(attempts=3, first=timedelta(seconds=2), longest=timedelta(minutes=1))
SETTLES = timedelta(seconds=60)
WAITS = timedelta(hours=1)
EVERY = timedelta(seconds=30)

LEDGER = Channel(name="ledger", concurrency=4, breaker=Breaker(failures=100))
BANK = Channel(
    name="bank", concurrency=2, breaker=Breaker(failures=3, first=timedelta(seconds=60))
)
FEED = Channel(name="feed", breaker=Breaker(failures=100))
POST = Channel(name="post", breaker=Breaker(failures=100))
SLOW = Channel(name="slow", rate=2.0, breaker=Breaker(failures=100))


def effect(name: str, channel: Channel, recovery: Any, **more: Any) -> Effect[Declaration]:
    return Effect(
        **{
            "name": name,
            "channel": channel,
            "request": request(name),
            "send": handler(name),
            "recovery": recovery,
            "retry": RETRY,
            "timeout": timedelta(seconds=2),
            **more,
        }
    )


def read(body: Any) -> Any:
    return SCRIPT.answer("call-back", body) if "scripted" in body else Done(receipt=body)


RESERVE = effect(
    "reserve", LEDGER, Resend(), undo=Undo(send=handler("release"), recovery=Resend())
)
HOLD = effect("hold", LEDGER, Resend(), undo=Undo(send=handler("unhold"), recovery=Resend()))
PAY = effect("pay", BANK, Lookup(ask=handler("find"), settles_after=SETTLES))
TELL = effect("tell", FEED, Resend())
LETTER = effect("letter", POST, Ask())
CLEAR = effect(
    "clear",
    BANK,
    Resend(),
    wait=Wait(at_most=WAITS, poll=handler("poll"), every=EVERY, read=read),
)
NOTIFY = effect("notify", FEED, Resend(), wait=Wait(at_most=WAITS, read=read))
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SIGNED = effect(
    "signed", FEED, Resend(), wait=Wait(at_most=WAITS, read=read, secrets=lambda: [SECRET])
)
LONG = effect("long", SLOW, Ask(), timeout=timedelta(seconds=20), heartbeat=timedelta(seconds=0.2))


def go(name: str, **parts: Any) -> Transition[Declaration, Status]:
    return Transition(
        **{
            "name": name,
            "label": name.capitalize(),
            "sources": (Status.NEW, Status.GONE),
            "target": Status.GONE,
            "guards": (may_go,),
            "apply": stamp,
            "retry": RETRY,
            **parts,
        }
    )


ERRAND: Workflow[Declaration, Status] = Workflow(
    name="errand",
    version=1,
    subject=Declaration,
    statuses=Status,
    initial=Status.NEW,
    final=frozenset({Status.TOLD, Status.GONE}),
    transitions=(
        go("all", before=(RESERVE, PAY), after=(TELL, LETTER)),
        go("reserve", before=(RESERVE, HOLD)),
        go("pay", before=(PAY,)),
        go("post", before=(RESERVE, LETTER)),
        go("tell", after=(TELL,)),
        go("send_letter", after=(LETTER,)),
        go("clear", after=(CLEAR,)),
        go("signed", after=(SIGNED,)),
        go("notify", before=(NOTIFY,)),
        go("hurry", before=(RESERVE, PAY), deadline=timedelta(minutes=5)),
        go("long", after=(LONG,)),
        go("witness", apart_from=("tell",), settled_apart=True, before=(LETTER,)),
        go("end", target=Status.TOLD),
    ),
)
