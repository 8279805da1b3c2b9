"""Every command in the guides' blocks is run, against a scratch database, where it can be run."""

from __future__ import annotations

import gzip
import io
import re
import shlex
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from pytest_django import Settings

from audit import keys
from tests.conftest import PROJECT
from tests.foundation.files import FENCED, documents, name
from tests.workflow.examples.logs import usual, write
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.testing.drain import drain
from workflow.worker.scheduled import TASK

ELSEWHERE = {
    "createsuperuser": "asks at the terminal",
    "shell": "asks at the terminal; what is typed there is run by test_documents",
    "work": "never ends; tests/crash runs it",
    "demo": "never ends; tests/workflow/examples/test_demo runs it",
    "test": "runs this",
    "crashtest": "takes a database of its own, and minutes; tests/crashtest runs it",
    "conformance": "takes a database of its own; tests/conformance runs it",
    "campaign": "takes a database of its own, and minutes; tests/campaign runs it",
    "benchmark": "takes a database of its own, and a minute; tests/benchmark runs it",
    "doctor": "finds something on a scratch database; tests/doctor runs it",
}
"""Commands that are not run here, and why."""


def said() -> list[tuple[str, str]]:
    """Return page and line of each command in a block, in the order in which they stand."""
    found = []
    for page in documents():
        for _language, block in FENCED.findall(page.read_text(encoding="utf-8")):
            lines = [
                line.partition("#")[0].strip() for line in block.replace("\\\n", " ").splitlines()
            ]
            found += [
                (name(page), line)
                for line in lines
                if re.search(r"(^|\s)(manage\.py|run\.py) ", line)
            ]
    return found


def words_of(line: str) -> tuple[dict[str, str], list[str]]:
    """Return the environment that a line sets, and the words behind the program."""
    words = shlex.split(line.partition("&&")[0])
    while words[0] in ("docker", "compose", "exec", "web", "RUN"):
        words.pop(0)
    given: dict[str, str] = {}
    while words and re.match(r"^[A-Z_]+=", words[0]):
        key, _, value = words.pop(0).partition("=")
        given[key] = value
    while words and words[0] in ("python", "run.py", "manage.py", "manage"):
        words.pop(0)
    return given, words


RUN = [(page, line) for page, line in said() if words_of(line)[1][0] not in ELSEWHERE]
PAGES = sorted({page for page, _ in RUN})


@pytest.fixture
def scratch(db: None, tmp_path: Path, settings: Settings, monkeypatch: Any) -> Path:
    """Make what the guides speak of: D-1, Dora, a key, anchors, a log, all in one folder."""
    settings.AUDIT = {**settings.AUDIT, "PERSONAL": ["reason"]}
    settings.ESCAPEMENT = {
        **settings.ESCAPEMENT,
        "TASKS": [TASK],
        "BACKFILL_DIR": str(tmp_path / "spool"),
    }
    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.chdir(tmp_path)
    dora = User.objects.create_user("dora")
    for codename in ("redact_entry", "submit_declaration"):
        dora.user_permissions.add(Permission.objects.get(codename=codename))
    day = date.today()
    subject = Declaration(
        claimant=dora, number="1", amount=Decimal(9), expense_date=day, declared_on=day
    )
    record = start(
        workflow=DECLARATION, subject=subject, reference="D-1", user=dora, now=clock.now()
    )
    for transition, reason in (("save", ""), ("submit", "His illness.")):
        wish = Request(record=record.pk, transition=transition, user=dora, reason=reason)
        submit(request=wish, now=clock.now())
        drain()
    for folder in ("etc/escapement", "srv/anchors", "srv/legacy"):
        (tmp_path / folder).mkdir(parents=True)
    keys.make(tmp_path / "in-use.pem")
    settings.AUDIT |= {
        "SEAL_KEY_FILE": str(tmp_path / "in-use.pem"),
        "ANCHORS": [f"file://{tmp_path}/srv/anchors/seals.jsonl"],
    }
    call_command("audit_seal", stdout=io.StringIO(), stderr=io.StringIO())
    log = write(tmp_path / "log.csv", usual(3))
    with log.open("rb") as plain, gzip.open(f"{log}.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    shutil.copy(log, tmp_path / "srv/legacy/licences.csv")
    return tmp_path


def here(word: str, folder: Path) -> str:
    """Return a word with the guides' folders in the scratch one, and its mapping as ours."""
    word = re.sub(r"^/(etc|srv)/", rf"{folder}/\1/", word)
    return "declarations" if word == "licences" else word


@pytest.mark.parametrize("page", PAGES)
def test_what_a_guide_says_to_run_runs(page: str, scratch: Path) -> None:
    for of, line in RUN:
        if of != page:
            continue
        _given, (command, *arguments) = words_of(line)
        if (command, *arguments) != ("start_workflow", "licences"):
            arguments = [here(word, scratch) for word in arguments]
        if "--every" in arguments and command == "audit_seal":
            arguments = []  # with it, it never ends
        out = io.StringIO()
        assert not ending_of(command, arguments, out), (line, out.getvalue())


def ending_of(command: str, arguments: list[str], out: io.StringIO) -> object:
    """Run it; return its exit code, which is None or 0 where nothing is wrong."""
    try:
        call_command(command, *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return ended.code
    return None


def test_there_is_much_to_run() -> None:
    commands = {words_of(line)[1][0] for _, line in RUN}
    assert {"migrate", "audit_verify", "audit_key", "backfill", "evidence_bundle"} <= commands
    assert len(RUN) > 14, RUN
    assert (PROJECT / PAGES[0]).exists()
