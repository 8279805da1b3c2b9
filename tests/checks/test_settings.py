"""E001 to E005: settings against each other, definitions against what delivers them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, run_checks
from pytest_django import Settings

from tests.engine.probe import PROBE
from workflow.checks import check_definitions, check_settings
from workflow.definition import Workflow, registry


@contextmanager
def only(workflow: Workflow[Any, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the release have this one workflow."""
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_registered", {})
        registry.register(workflow)
        yield


def ids(found: list[CheckMessage]) -> list[str | None]:
    return [each.id for each in found]


def test_the_settings_as_they_are_delivered_are_sound() -> None:
    assert check_settings() == []
    assert check_definitions() == []


@pytest.mark.parametrize("alias", ["queue", None])
def test_a_queue_in_another_database(settings: Settings, alias: str | None) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "orm": alias}
    (found,) = check_settings()
    assert (found.id, found.hint) == ("workflow.E001", "Set it to 'default'.")
    assert found.msg.startswith(f"Q_CLUSTER['orm'] is {alias!r}, but the domain tables are in")
    assert isinstance(found, Error)


@pytest.mark.parametrize(("retry", "is_fault"), [(600, True), (599, True), (601, False)])
def test_a_task_that_is_sent_again_while_it_runs(
    settings: Settings, retry: int, is_fault: bool
) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "timeout": 600, "retry": retry}
    told = f"Q_CLUSTER retry ({retry}) must exceed timeout (600): tasks would run twice."
    assert [(each.id, each.msg) for each in check_settings()] == (
        [("workflow.E002", told)] if is_fault else []
    )


def test_no_queue_at_all(settings: Settings) -> None:
    settings.Q_CLUSTER = {}
    assert ids(check_settings()) == ["workflow.E001", "workflow.E002"]


@pytest.mark.parametrize(("seconds", "is_fault"), [(9.9, False), (10.0, True), (30.0, True)])
def test_a_lease_that_ends_before_an_attempt_may(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds: float, is_fault: bool
) -> None:
    slow = replace(PROBE.by_name["open"], timeout=timedelta(seconds=seconds))
    quick = [
        replace(each, timeout=timedelta(seconds=1))
        for each in PROBE.transitions
        if each.name != "open"
    ]
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "LEASE_SECONDS": 10}
    with only(replace(PROBE, transitions=(slow, *quick)), monkeypatch):
        found = check_settings()
    assert [(each.id, each.msg, each.hint) for each in found] == (
        [
            (
                "workflow.E003",
                f"probe/1: transition 'open' may take {seconds:g} s, but a lease ends after 10 s.",
                "Shorten its timeout or raise ESCAPEMENT['LEASE_SECONDS'].",
            )
        ]
        if is_fault
        else []
    )


@pytest.mark.parametrize("subject", [object, "Declaration"])
def test_a_subject_without_a_record(monkeypatch: pytest.MonkeyPatch, subject: Any) -> None:
    with only(replace(PROBE, subject=subject), monkeypatch):
        (found,) = check_definitions()
    assert found.id == "workflow.E004"
    assert found.msg == f"probe/1: subject {subject!r} is no Tracked model."


def test_they_are_among_the_checks_that_every_command_runs(settings: Settings) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "orm": "queue"}
    assert "workflow.E001" in ids(run_checks())


def test_those_that_ask_the_database_run_when_it_is_named() -> None:
    """`manage.py check` without `--database` must not need one."""
    assert "check_live" not in {check.__name__ for check in registered(include_database=False)}
    assert "check_live" in {check.__name__ for check in registered(include_database=True)}


def registered(*, include_database: bool) -> list[Any]:
    from django.core.checks.registry import Tags
    from django.core.checks.registry import registry as known

    return [
        check
        for check in known.get_checks()
        if include_database or Tags.database not in check.tags
    ]


def test_a_permission_that_nobody_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = PROBE.transitions
    for permission, is_odd in (
        ("declarations.submit_declaration", False),
        ("declarations.view_declaration", False),
        ("declarations.fly_declaration", True),
    ):
        changed = replace(first, permission=permission)
        with only(replace(PROBE, transitions=(changed, *others)), monkeypatch):
            found = [each for each in check_definitions() if each.id == "workflow.W014"]
        assert [permission in each.msg for each in found] == ([True] if is_odd else [])
