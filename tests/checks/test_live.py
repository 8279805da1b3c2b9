"""B6: a release that lacks what live records need does not pass its checks."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import checks
from django.core.checks import CheckMessage, Error, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection

from tests.checks.conftest import Release
from tests.engine.conftest import Ask, Make
from tests.engine.probe import PROBE
from workflow.checks import check_live
from workflow.definition import Transition, Workflow
from workflow.engine import definitions
from workflow.models import DefinitionVersion, guards
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def live() -> list[CheckMessage]:
    return check_live(databases=["default"])


def messages() -> list[str]:
    return [each.msg for each in live()]


def without(*names: str) -> Workflow[Any, Any]:
    kept = tuple(each for each in PROBE.transitions if each.name not in names)
    return replace(PROBE, transitions=kept)


NEW_MEANING = replace(
    PROBE,
    transitions=(replace(PROBE.transitions[0], permission="a.b"), *PROBE.transitions[1:]),
)
NEW_LABEL = replace(
    PROBE,
    transitions=(replace(PROBE.transitions[0], label="Unlock"), *PROBE.transitions[1:]),
)


class Fewer(enum.Enum):
    OPEN = "open"
    DONE = "done"


FEWER: Workflow[Any, Any] = replace(
    PROBE,
    statuses=Fewer,
    initial=Fewer.OPEN,
    final=frozenset({Fewer.DONE}),
    transitions=(
        Transition(name="close", label="Close", sources=(Fewer.OPEN,), target=Fewer.DONE),
    ),
)


class TestMeaning:
    @pytest.fixture(autouse=True)
    def _noted(self) -> None:
        definitions.note()

    def test_a_changed_one_that_envelopes_rely_on(
        self, make: Make, ask: Ask, release: Release
    ) -> None:
        ask(make())
        drain()
        assert live() == []
        release(NEW_MEANING)
        (found,) = live()
        assert isinstance(found, Error)
        assert found.id == "workflow.E011"
        assert found.msg == (
            "The meaning of probe/1 has changed, and envelopes rely on what it was."
        )
        assert "under the next version" in str(found.hint)

    def test_declared_under_the_next_version_it_is_no_fault(
        self, make: Make, ask: Ask, release: Release
    ) -> None:
        ask(make())
        release(PROBE, replace(NEW_MEANING, version=2))
        assert live() == []

    def test_one_that_nothing_used_yet_may_change(self, release: Release) -> None:
        release(NEW_MEANING)
        assert live() == []
        definitions.note()
        noted = DefinitionVersion.objects.get(workflow="probe")
        assert noted.meaning["transitions"]["open"]["permission"] == "a.b"

    def test_a_used_one_is_not_noted_anew(self, make: Make, ask: Ask, release: Release) -> None:
        """Else the next `migrate` would hide what this check has to find."""
        ask(make())
        release(NEW_MEANING)
        definitions.note()
        assert [each.id for each in live()] == ["workflow.E011"]

    def test_a_label_may_change(self, make: Make, ask: Ask, release: Release) -> None:
        ask(make())
        release(NEW_LABEL)
        assert live() == []


class TestVanished:
    HINT = "Bring it back until they are done."

    def need(self, *what: str) -> list[str]:
        return [f"Live records need {each}, which this release no longer has." for each in what]

    def test_a_workflow(self, make: Make, release: Release) -> None:
        make()
        release()
        (found,) = live()
        assert (found.id, found.hint) == ("workflow.E012", self.HINT)
        assert [found.msg] == self.need("workflow 'probe' (records stand in 'new')")

    def test_a_version_whose_envelopes_are_not_finished(
        self, make: Make, ask: Ask, release: Release
    ) -> None:
        ask(make())
        release(replace(PROBE, version=2))
        assert messages() == self.need("workflow probe/1 (its envelopes are not finished)")

    def test_a_version_that_is_done_with_may_go(
        self, make: Make, ask: Ask, boss: User, release: Release
    ) -> None:
        record = make()
        ask(record, "hurry")
        drain()
        ask(record, "close", user=boss, reason="It is done.")
        drain()
        release(replace(PROBE, version=2))
        assert live() == []

    def test_a_transition_that_is_asked_for(self, make: Make, ask: Ask, release: Release) -> None:
        ask(make(), "hurry")
        release(without("hurry"))
        assert messages() == self.need("transition 'hurry' of probe/1")

    def test_a_transition_that_nobody_waits_for_may_go(
        self, make: Make, ask: Ask, release: Release
    ) -> None:
        ask(make(), "open")
        release(without("hurry"))
        assert live() == []

    def test_a_timer_waits_too(self, make: Make, ask: Ask, release: Release) -> None:
        ask(make())
        drain()
        release(without("expire"))
        assert messages() == self.need("transition 'expire' of probe/1")

    def test_a_status_that_records_stand_in(self, make: Make, release: Release) -> None:
        make()
        make()
        release(FEWER)
        assert messages() == self.need("status 'new' of workflow 'probe' (records stand in it)")


class TestDatabase:
    def test_missing_guards(self) -> None:
        guards.remove(connection)
        (found,) = live()
        assert isinstance(found, checks.Warning)
        assert found.id == "workflow.W013"
        assert guards.missing(connection)[0] in found.msg
        assert found.hint == "Run `manage.py migrate`, which installs them."
        guards.install(connection)
        assert live() == []

    def test_one_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: Any) -> None:
            raise DatabaseError("nobody there")

        monkeypatch.setattr(connection.introspection, "table_names", away)
        (found,) = live()
        assert found.id == "workflow.E010"
        assert found.msg == "Database 'default' cannot be asked: nobody there"

    def test_one_that_is_not_migrated_yet_is_let_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else the first `migrate` could not run: it checks the database before."""
        monkeypatch.setattr(connection.introspection, "table_names", lambda *_: ["auth_user"])
        assert live() == []

    def test_no_database_is_asked_unless_it_is_named(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert check_live() == []
            assert [each for each in run_checks() if str(each.id).startswith("workflow.")] == []

    def test_the_check_command_fails_on_what_it_finds(self, make: Make, release: Release) -> None:
        make()
        release()
        with pytest.raises(SystemCheckError, match=r"workflow\.E012.*workflow 'probe'"):
            call_command("check", databases=["default"])
