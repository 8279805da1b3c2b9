"""J2: a log is one line an event, with its name and fields, the framework's lines included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.logs import configuration, without_row_values
from tests.config.loading import run

TALK = """
import django
django.setup()
import logging, sys
import structlog
log = structlog.get_logger("workflow.engine.submit")
with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
    log.info("request.accepted", transition_id="t-1", record="D-1", number=3)
    logging.getLogger("django.request").warning("Not Found: %s", "/x\\ny")
try:
    raise RuntimeError("first\\nsecond")
except RuntimeError:
    log.exception("attempt.failed")
    logging.getLogger("elsewhere").exception("it failed")
log.debug("too.quiet")
logging.getLogger("django-q").info("wake-up")
logging.getLogger("django-q").warning("worker died")
log.info("odd", value=object)
"""


def said(folder: Path, **environment: str) -> list[str]:
    done = run(folder, TALK, installed=True, SECRET_KEY="k", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(tmp_path_factory.mktemp("logs"), LOG_FORMAT="json")]


def test_each_event_is_one_line_of_json(lines: list[dict[str, Any]]) -> None:
    assert [line["event"] for line in lines] == [
        "request.accepted",
        "Not Found: /x\ny",
        "attempt.failed",
        "it failed",
        "worker died",
        "odd",
    ]


def test_each_has_time_level_and_logger(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        assert {"event", "level", "logger", "timestamp"} <= set(line)
        assert line["timestamp"].endswith("Z")
    assert [line["level"] for line in lines[:3]] == ["info", "warning", "error"]
    assert lines[0]["logger"] == "workflow.engine.submit"
    assert lines[1]["logger"] == "django.request"


def test_fields_are_keys_and_keep_their_type(lines: list[dict[str, Any]]) -> None:
    accepted = lines[0]
    assert (accepted["transition_id"], accepted["record"], accepted["number"]) == ("t-1", "D-1", 3)
    assert lines[5]["value"] == "<class 'object'>"


def test_the_frameworks_lines_carry_the_context_too(lines: list[dict[str, Any]]) -> None:
    assert [line.get("correlation_id") for line in lines[:3]] == ["c-1", "c-1", None]


def test_a_traceback_stays_within_its_line(lines: list[dict[str, Any]]) -> None:
    for line in lines[2:4]:
        assert line["exception"].startswith("Traceback (most recent call last)")
        assert line["exception"].endswith("RuntimeError: first\nsecond")


def test_the_queues_chatter_is_left_out_and_its_warnings_are_not(
    lines: list[dict[str, Any]],
) -> None:
    assert [line["level"] for line in lines if line["logger"] == "django-q"] == ["warning"]


def test_the_level_is_the_lowest_that_is_shown(tmp_path: Path) -> None:
    told = [json.loads(line) for line in said(tmp_path, LOG_FORMAT="json", LOG_LEVEL="ERROR")]
    ours = [line for line in told if not line["logger"].startswith("django")]
    assert [line["event"] for line in ours] == ["attempt.failed", "it failed"]


def test_the_level_holds_for_the_frameworks_lines_too(tmp_path: Path) -> None:
    told = said(tmp_path, LOG_FORMAT="json", LOG_LEVEL="ERROR")
    assert {json.loads(line)["level"] for line in told} == {"error"}


def test_for_reading_it_is_text_without_colours(tmp_path: Path) -> None:
    told = said(tmp_path, LOG_FORMAT="console")
    assert "request.accepted" in told[0]
    assert "transition_id=t-1" in told[0]
    assert "\x1b" not in "".join(told)
    with pytest.raises(json.JSONDecodeError):
        json.loads(told[0])


def test_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"LOG_FORMAT 'xml': choose json or console"):
        configuration(level="INFO", form="xml")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            'duplicate key value violates "record_reference"\nDETAIL:  Key (name)=(Ann) exists.',
            'duplicate key value violates "record_reference"',
        ),
        (
            "new row violates it\nDETAIL:  Failing row contains (Ann, ill).\nCONTEXT:  SQL x\nend",
            "new row violates it\nend",
        ),
        (
            "Violation of UNIQUE KEY 'u'. The duplicate key value is (Ann).",
            "Violation of UNIQUE KEY 'u'. The duplicate key value is .",
        ),
        ("nothing of that kind: DETAIL: x", "nothing of that kind: DETAIL: x"),
    ],
)
def test_what_a_database_tells_of_a_row_is_left_out(text: str, kept: str) -> None:
    event = without_row_values(None, "", {"error": text, "number": 3})
    assert event == {"error": kept, "number": 3}
