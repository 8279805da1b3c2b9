"""K2: workers do not begin on a database that they do not fit."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

from workflow.worker.supervisor import Supervisor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Supervisor]:
    """The supervisors that would have begun."""
    found: list[Supervisor] = []
    monkeypatch.setattr(Supervisor, "run", lambda self: found.append(self) or True)
    return found


def test_on_one_that_lacks_migrations_they_say_which_and_what_to_do(
    started: list[Supervisor],
) -> None:
    MigrationRecorder.Migration.objects.filter(app="declarations").delete()
    with pytest.raises(CommandError, match=r"from declarations\.0001_initial on: run .*migrate"):
        call_command("work")
    assert started == []


def test_on_one_that_has_them_all_they_begin(started: list[Supervisor]) -> None:
    call_command("work", workers=1)
    assert len(started) == 1
