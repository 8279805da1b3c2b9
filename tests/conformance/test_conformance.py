"""M4: the short form of the invariants, on whichever server there is; and that it can fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.conftest import PROJECT, Manage
from workflow.engine import clock
from workflow.models import Record, TransitionEnvelope
from workflow.testing.conformance.run import CHECKS, Result, Verdict, run
from workflow.testing.guards import lifted

pytestmark = [pytest.mark.django_db(transaction=True)]

OTHER_SERVERS = ("ESCAPEMENT_MSSQL_URL",)
"""Environment variables with the URL of a server that is no part of these tests."""


def tried() -> dict[str, Result]:
    return {result.check.name: result for result in run()}


def failed() -> set[str]:
    return {name for name, result in tried().items() if result.verdict is Verdict.FAILED}


def test_the_server_of_this_run_conforms(manage: Manage) -> None:
    before = Record.objects.count(), TransitionEnvelope.objects.count()
    done = manage("conformance", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["sound"]
    assert {each["name"] for each in report["checks"]} == {check.name for check in CHECKS}
    needless = {each["name"] for each in report["checks"] if each["verdict"] == Verdict.NOT_NEEDED}
    expected = {"sqlite": {"no truncate", "commits are seen", "locks"}}
    assert needless == expected.get(connection.vendor, {"no replace"})
    # On a database of its own: this one is as it was.
    assert (Record.objects.count(), TransitionEnvelope.objects.count()) == before


@pytest.mark.parametrize("variable", OTHER_SERVERS)
def test_another_server_conforms(variable: str, tmp_path: Path) -> None:
    url = os.environ.get(variable)
    if not url:
        pytest.skip(f"{variable} names no server")
    out = tmp_path / "report.md"
    done = subprocess.run(
        [sys.executable, "manage.py", "conformance", "--database", url, "--out", str(out)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (out.read_text() if out.exists() else "") + done.stderr


def test_a_url_may_name_another_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    done = subprocess.run(
        [sys.executable, "manage.py", "conformance", "--database", url],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Conformance of SQLite" in done.stdout
    assert list(tmp_path.iterdir()) == []


class TestThatItCanFail:
    def test_without_guards(self) -> None:
        with lifted(connection):
            found = failed()
        assert {"guards in place", "status needs an envelope", "entries stay"} <= found
        assert {"outcomes stay"} <= found
        assert not {"one slot", "same request at once"} & found
        if connection.vendor == "postgresql":
            assert "no truncate" in found

    def test_without_the_slot(self) -> None:
        (slot,) = (
            each for each in TransitionEnvelope._meta.constraints if each.name == "envelope_slot"
        )
        with lifted(connection):  # on SQLite they refuse such rows too
            with connection.cursor() as cursor:
                cursor.execute("DROP INDEX envelope_slot")
            try:
                found = failed()
            finally:
                TransitionEnvelope.objects.in_flight().update(
                    state="cancelled", finished_at=clock.now()
                )
                with connection.schema_editor() as editor:
                    editor.execute(slot.create_sql(TransitionEnvelope, editor))
        assert "one slot" in found

    def test_where_claims_overlap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from workflow.models.envelope import EnvelopeQuerySet

        def waits_or_runs(rows: Any, *, now: Any) -> Any:
            return rows.filter(state__in=["running", "waiting"])

        for which in ("ready", "still_ready"):
            monkeypatch.setattr(EnvelopeQuerySet, which, waits_or_runs)
        from audit.compiled import Compiled
        from workflow.engine import claim as claiming
        from workflow.testing.conformance import concurrency

        for name in ("ready", "take"):  # built anew
            built = Compiled(getattr(claiming, f"_{name}"))
            monkeypatch.setattr(claiming, f"_{name.upper()}", built)
        monkeypatch.setattr(concurrency, "_WORKERS", 2)
        calls: list[Any] = []
        claim = concurrency.claim

        def bounded(**what: Any) -> Any:
            calls.append(what)
            return claim(**what) if len(calls) < 30 else None

        monkeypatch.setattr(concurrency, "claim", bounded)
        assert "claims at once" in failed()

    def test_where_text_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from audit import chain

        place, insert = chain.LINKED.index("reason"), chain._ENTRIES.insert

        def cut(rows: Any) -> None:
            insert([(*row[:place], row[place].rstrip(), *row[place + 1 :]) for row in rows])

        monkeypatch.setattr(chain._ENTRIES, "insert", cut)
        assert "text" in failed()
