"""What has to come back as it went: times, JSON, long and foreign text; and what is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from django.db import transaction

from audit import chain
from audit.canonical import digest
from audit.models import Entry
from audit.verify import check_chain
from workflow.doctor import facts, structure, work
from workflow.effects.claim import is_due
from workflow.engine import clock
from workflow.models import Record, State, TransitionEnvelope, uuid7
from workflow.queries.measures import measures
from workflow.queries.progress import progress
from workflow.queries.trouble import trouble
from workflow.testing.conformance.check import Check, expect, make_envelope, make_record

_TEXTS = {
    "letters beyond ASCII": "Żółć, naïve, Straße, Ελληνικά, 申告書",
    "beyond the basic plane": "\U0001f600 \U0001d518\U0001d52b \U0001f469\u200d\U0001f467",
    "combining and composed": "e\u0301 \u00e9",  # the same to the eye, and two
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u200f(abc)\u200e \u0645\u0631\u062d\u0628\u0627",
    "blanks at the end": "kept   ",
    "quotes and signs": "'; DROP TABLE x; -- \\ % _ \" [a]",
    "line ends": "a\nb\r\nc\td",
}

_PAYLOAD: dict[str, Any] = {
    "text": "Żółć 😀 ' \" \\ / </script>",
    "numbers": [0, -1, 2**53 - 1, 0.1, 1e-9, 12345.6789],
    "nothing": None,
    "yes": True,
    "nested": {"a": {"b": [{"c": []}, {}]}},
    "empty": "",
    "": "an empty name",
    "date": "2026-01-31T08:00:00+01:00",
}


def times_come_back() -> None:
    """Store times with microseconds, of other zones, long ago and far ahead."""
    for at in (
        datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(9000, 1, 1, tzinfo=UTC),
    ):
        record = make_record(status_since=at)
        found = Record.objects.get(pk=record.pk).status_since
        expect(found == at, f"{at.isoformat()} came back as {found.isoformat()}")
        expect(found.tzinfo is not None, f"{at.isoformat()} came back without its zone")
        same = Record.objects.filter(pk=record.pk, status_since=at).exists()
        expect(same, f"a row is not found by its time {at.isoformat()}")


def clock_goes_on() -> None:
    """Ask the database for the time, twice."""
    first, second = clock.now(), clock.now()
    expect(first.tzinfo is not None, "the database's time has no zone")
    expect(first <= second, f"the clock went back, from {first} to {second}")


def json_comes_back() -> None:
    """Store a payload with everything that JSON has, and one as large as allowed."""
    for payload in (_PAYLOAD, {}, {"long": "ä" * 60_000}):
        made = make_envelope(make_record(), payload=payload, state=State.SCHEDULED)
        found = TransitionEnvelope.objects.get(pk=made.pk).payload
        expect(found == payload, f"a payload came back otherwise: {found!r:.200}")


def text_comes_back() -> None:
    """Store text of every script, and long text, and verify its digest as read back."""
    name = uuid7()
    long = "0123456789 äöü 😀 " * 12_000
    said = [*_TEXTS.values(), long]
    with transaction.atomic():
        chain.append(
            [
                chain.Note(
                    chain=name,
                    at=clock.now(),
                    action="tried",
                    actor="conformance",
                    reason=text,
                    evidence={"text": text},
                )
                for text in said
            ]
        )
    for entry, text in zip(
        Entry.objects.filter(chain=name).order_by("sequence"), said, strict=True
    ):
        expect(entry.reason == text, f"{text[:40]!r} came back as {entry.reason[:40]!r}")
        expect(digest(entry) == entry.digest, f"the digest of {text[:40]!r} is another one")
    expect(check_chain(name).is_sound, "the chain of these texts is broken")


def references_are_told_apart() -> str:
    """Start records whose references differ in case, accents and blanks at the end."""
    name = uuid7().hex
    folded = []
    for what, first, second in (
        ("case", f"{name}-a", f"{name}-A"),
        ("accents", f"{name}-e", f"{name}-é"),
        ("blanks at the end", f"{name}-b", f"{name}-b "),
    ):
        make_record(reference=first)
        if Record.objects.filter(workflow="conformance", reference=second).exists():
            folded.append(what)
    if folded:
        return f"references that differ in {' or '.join(folded)} only are one and the same here"
    return "references are compared byte by byte"


def questions_are_understood() -> str:
    """Ask everything that workers, pages, metrics and the doctor ask of the server."""
    now = clock.now()
    is_due(now=now)
    progress(now=now)
    trouble(now=now)
    asked = len(list(measures(now=now)))
    list(structure.look())
    list(work.look(now=now))
    for records in (facts.latest(), None):
        list(facts.look(records=records))
    return f"{asked} measures among them"


CHECKS = (
    Check(
        name="times",
        promise="Times come back to the microsecond, with their zone, and are found by them.",
        invariant="6",
        act=times_come_back,
    ),
    Check(
        name="clock",
        promise="The database tells the time, and does not go back.",
        invariant="4",
        act=clock_goes_on,
    ),
    Check(
        name="JSON",
        promise="Payloads come back as they went, up to the largest.",
        invariant="1",
        act=json_comes_back,
    ),
    Check(
        name="text",
        promise="Text of every script and length comes back, and its digest holds.",
        invariant="6",
        act=text_comes_back,
    ),
    Check(
        name="references",
        promise="It is known which references count as the same.",
        invariant="1",
        act=references_are_told_apart,
    ),
    Check(
        name="questions",
        promise="The server understands what workers, metrics and the doctor ask.",
        invariant="9",
        act=questions_are_understood,
    ),
)
