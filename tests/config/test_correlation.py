"""J1: every answer says by which id its request is known, and trouble has no say in it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from workflow.engine.correlation import SOUND_ID, accept, child_of, sound_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SOUND = f"00-{TRACE}-{PARENT}-01"
MADE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def answered(**headers: str) -> Any:
    return Client().get("/health/live", headers=headers).headers


def test_without_any_both_are_made() -> None:
    one, other = answered(), answered()
    assert SOUND_ID.fullmatch(one["X-Correlation-ID"])
    assert one["X-Correlation-ID"] != other["X-Correlation-ID"]
    assert MADE.fullmatch(one["traceresponse"])
    assert one["traceresponse"][3:35] != other["traceresponse"][3:35]


def test_sound_ones_are_taken_and_the_span_is_ours() -> None:
    told = answered(**{"X-Correlation-ID": "order-4711", "traceparent": SOUND})
    assert told["X-Correlation-ID"] == "order-4711"
    _, trace, span, flags = told["traceresponse"].split("-")
    assert (trace, flags) == (TRACE, "01")
    assert span != PARENT


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "é", "a\tb", "\x7f"])
def test_an_id_that_cannot_be_used_is_replaced(text: str) -> None:
    assert answered(**{"X-Correlation-ID": text})["X-Correlation-ID"] != text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SOUND, SOUND),
        (f" {SOUND} ", SOUND),
        (f"01-{TRACE}-{PARENT}-01", SOUND),
        (f"01-{TRACE}-{PARENT}-01-more", SOUND),
        (f"00-{TRACE}-{PARENT}-01-more", ""),
        (f"ff-{TRACE}-{PARENT}-01", ""),
        (f"00-{'0' * 32}-{PARENT}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (SOUND.upper(), ""),
        (f"{SOUND},{SOUND}", ""),
        (f"00-{TRACE}-{PARENT}", ""),
        ("", ""),
    ],
)
def test_a_trace_context_is_read_as_its_specification_says(text: str, found: str) -> None:
    assert sound_traceparent(text) == found


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_sent_what_comes_of_it_is_sound(sent_id: str, traceparent: str) -> None:
    known_by = accept(sent_id=sent_id, sent_traceparent=traceparent)
    assert SOUND_ID.fullmatch(known_by.id)
    assert sound_traceparent(known_by.traceparent) == known_by.traceparent


def test_a_child_keeps_trace_and_flags() -> None:
    child = child_of(SOUND.replace("-01", "-00"))
    assert child[:36] == SOUND[:36]
    assert child[-2:] == "00"
    assert child[36:52] != PARENT


def test_an_error_has_its_id_too(client: Client) -> None:
    told = client.get("/nowhere", headers={"X-Correlation-ID": "order-4711"})
    assert (told.status_code, told.headers["X-Correlation-ID"]) == (404, "order-4711")
