"""M5: an app that was scaffolded a moment ago passes its tests and its crash test, untouched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT


def run(
    *line: str, folder: Path, apps: str = "", timeout: float = 500, **environment: str
) -> subprocess.CompletedProcess[str]:
    database = {} if environment else {"DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}
    return subprocess.run(
        [sys.executable, *line],
        cwd=PROJECT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(folder),
            "APPS": apps,
            **database,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def scaffold(folder: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    return run("manage.py", "start_workflow", name, str(folder / name), *more, folder=folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "more"), [("licences", ()), ("work_permits", ("--model", "WorkPermit"))]
)
def test_its_tests_pass_untouched(
    tmp_path: Path, pytestconfig: pytest.Config, name: str, more: tuple[str, ...]
) -> None:
    made = scaffold(tmp_path, name, *more)
    assert made.returncode == 0, made.stderr
    same = run("manage.py", "makemigrations", "--check", "--dry-run", folder=tmp_path, apps=name)
    assert same.returncode == 0, same.stdout + same.stderr
    sound = run("manage.py", "check", folder=tmp_path, apps=name)
    assert sound.returncode == 0, sound.stderr
    database = pytestconfig.getoption("database")
    done = run(
        *("-m", "pytest", "-q", "-n", "0", "--database", database, "-c", "pyproject.toml"),
        *("-p", "no:cacheprovider", str(tmp_path / name)),
        folder=tmp_path,
        apps=name,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "14 passed" in done.stdout, done.stdout[-2000:]
    if more:
        return  # once is enough
    whole = run(
        *("manage.py", "crashtest", name, "--acts", "none", "--transition", "approve"),
        folder=tmp_path,
        apps=name,
    )
    assert whole.returncode == 0, whole.stdout[-3000:] + whole.stderr[-2000:]
    assert "**Sound.**" in whole.stdout


@pytest.mark.parametrize(
    ("environment", "program"), [("", "python run.py manage"), ("/venv", "python manage.py")]
)
def test_what_to_do_next_is_said_as_this_person_calls_commands(
    tmp_path: Path, environment: str, program: str
) -> None:
    made = run(
        *("manage.py", "start_workflow", "licences", str(tmp_path / "licences")),
        folder=tmp_path,
        VIRTUAL_ENV=environment,
    )
    assert f"  {program} migrate licences zero\n" in made.stdout


MOVE = """
from django.contrib.auth.models import User
from licences.models import Licence
from licences.workflows import LICENCE
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.testing.drain import drain

user = User.objects.create_superuser("boss")
for paid in (False, True):
    subject = Licence(holder=user, fee_paid=paid)
    record = start(
        workflow=LICENCE, subject=subject, reference=str(paid), user=user, now=clock.now()
    )
    submit(request=Request(record=record.pk, transition="issue", user=user), now=clock.now())
    print(dict(drain()))
"""


@pytest.mark.slow
def test_the_guides_model_and_workflow_run_as_they_stand(tmp_path: Path) -> None:
    app = tmp_path / "licences"
    assert scaffold(tmp_path, "licences").returncode == 0
    for file in ("admin.py", "crashtest.py", "effects.py", "guards.py", "statuses.py"):
        (app / file).unlink()
    (app / "migrations/0001_initial.py").unlink()
    guide = (PROJECT / "docs/howto/adopt.md").read_text(encoding="utf-8")
    model, workflow, *_ = re.findall(r"```python\n(.*?)```", guide, re.S)
    (app / "models.py").write_text(model)
    (app / "workflows.py").write_text(workflow)
    for line in (
        ("makemigrations", "licences"),
        ("migrate",),
        ("check", "--database", "default", "--fail-level", "WARNING"),
    ):
        done = run("manage.py", *line, folder=tmp_path, apps="licences")
        assert done.returncode == 0, done.stdout + done.stderr
    moved = run("manage.py", "shell", "-v0", "-c", MOVE, folder=tmp_path, apps="licences")
    assert moved.stdout.splitlines() == ["{'refused': 1}", "{'fired': 1}"], moved.stderr[-3000:]


@pytest.mark.slow
def test_its_fields_can_be_replaced_as_it_says(tmp_path: Path) -> None:
    assert scaffold(tmp_path, "licences").returncode == 0

    def manage(*line: str) -> str:
        done = run("manage.py", *line, folder=tmp_path, apps="licences")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    manage("migrate")
    model = tmp_path / "licences/models.py"
    model.write_text(model.read_text().replace("title = models.", "label = models."))
    for file in ("models.py", "admin.py", "crashtest.py"):
        text = (tmp_path / "licences" / file).read_text()
        text = text.replace("self.title", "self.label").replace('"title"', '"label"')
        (tmp_path / "licences" / file).write_text(text)
    manage("migrate", "licences", "zero")
    (tmp_path / "licences/migrations/0001_initial.py").unlink()
    manage("makemigrations", "licences")
    manage("migrate")
    manage("check", "--database", "default", "--fail-level", "WARNING")


def test_what_it_writes_is_in_the_house_style(tmp_path: Path) -> None:
    assert scaffold(tmp_path, "work_permits", "--model", "WorkPermit").returncode == 0
    line = ("-m", "ruff", "check", "--config", str(PROJECT / "pyproject.toml"))
    ignored = ("--ignore", "D,S101,PLR2004,PLR0917,I001,ARG001")
    found = run(
        *line,
        *ignored,
        "--extend-exclude",
        "migrations",
        str(tmp_path / "work_permits"),
        folder=tmp_path,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("Licences", (), "Licences"),
        ("1st", (), "1st"),
        ("a-b", (), "a-b"),
        ("../up", (), "../up"),
        ("workflow", (), "workflow"),
        ("declarations", (), "declarations"),
        ("json", (), "json"),
        ("licences", ("--model", "not one"), "not one"),
    ],
)
def test_a_name_that_cannot_be_used_is_told(
    tmp_path: Path, name: str, more: tuple[str, ...], says: str
) -> None:
    made = run("manage.py", "start_workflow", name, str(tmp_path / "x"), *more, folder=tmp_path)
    assert made.returncode == 1
    assert says in made.stderr
    assert "Traceback" not in made.stderr
    assert not any((tmp_path / "x").glob("*.py"))


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "licences").mkdir()
    (tmp_path / "licences" / "mine.txt").write_text("mine")
    made = scaffold(tmp_path, "licences")
    assert made.returncode == 1
    assert "not empty" in made.stderr
    assert [each.name for each in (tmp_path / "licences").iterdir()] == ["mine.txt"]
