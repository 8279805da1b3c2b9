"""`run.py`: what it needs nothing for, and what it does when it is interrupted."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.conftest import PROJECT


class TestCommands:
    def test_none_shows_how_it_is_used(
        self, start: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert start.main([]) == 0
        assert capsys.readouterr() == (start.USAGE, "")

    @pytest.mark.parametrize("command", ["dmeo", "--help", ""])
    def test_an_unknown_one_is_named_with_those_there_are(
        self, start: ModuleType, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        assert start.main([command]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"Unknown command {command!r}.\n")
        assert "python run.py demo" in err

    @pytest.mark.parametrize("arguments", [[], ["demo"], ["test"]])
    def test_a_python_that_is_too_old_is_told_before_anything_is_made(
        self,
        start: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
    ) -> None:
        monkeypatch.setattr(start, "OLDEST", (99, 0))
        monkeypatch.setattr(start, "prepare", lambda _: pytest.fail("prepared"))
        assert start.main(arguments) == 2
        err = capsys.readouterr().err
        assert err == f"Python {sys.version.split()[0]} is too old; 3.11 or newer is needed.\n"

    @pytest.mark.parametrize(
        ("arguments", "kind", "command"),
        [
            (["demo"], "base", ("manage.py", "demo")),
            (["demo", "--check"], "base", ("manage.py", "demo", "--check")),
            (["manage", "migrate", "-v", "2"], "base", ("manage.py", "migrate", "-v", "2")),
        ],
    )
    def test_what_is_run_after_which_preparation(
        self,
        start: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        arguments: list[str],
        kind: str,
        command: tuple[str, ...],
    ) -> None:
        done: list[Any] = []
        monkeypatch.setattr(start, "prepare", done.append)
        monkeypatch.setattr(start, "become", lambda *line: done.append(line) or 7)
        assert start.main(arguments) == 7
        assert done == [kind, command]


class TestDatabases:
    BOTH = ["sqlite", "postgresql"]

    @pytest.mark.parametrize(
        ("arguments", "chosen", "rest"),
        [
            ([], BOTH, []),
            (["tests/audit", "-x"], BOTH, ["tests/audit", "-x"]),
            (["--database", "sqlite"], ["sqlite"], []),
            (["-k", "a", "--database", "postgresql", "-x"], ["postgresql"], ["-k", "a", "-x"]),
            (["--database=sqlite", "-x"], ["sqlite"], ["-x"]),
        ],
        ids=lambda value: " ".join(value) or "nothing",
    )
    def test_which_are_chosen(
        self, start: ModuleType, arguments: list[str], chosen: list[str], rest: list[str]
    ) -> None:
        assert start.databases(arguments) == (chosen, rest)

    @pytest.mark.parametrize(
        ("codes", "repeated", "is_success"),
        [
            ([0, 0], 0, True),
            ([1, 1, 0], 1, False),
            ([0, 1, 1], 1, False),
            ([1, 0, 0], 1, True),
            ([0, 1, 0], 1, True),
            ([1, 5, 0], 1, False),
            ([1, 0, 1, 1], 2, False),
            ([0, 5], 0, False),
            ([0, -9], 0, False),
        ],
        ids=str,
    )
    def test_one_failure_is_a_failure(
        self,
        start: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        codes: list[int],
        repeated: int,
        is_success: bool,
    ) -> None:
        """A run that was killed, as for want of memory, has its signal's number with a minus.

        What failed is run once more, alone, and on the same database.
        """
        left = iter(codes)
        lines: list[list[str]] = []

        def run(line: list[str], **_: Any) -> SimpleNamespace:
            lines.append(line)
            return SimpleNamespace(returncode=next(left))

        monkeypatch.setattr(start.subprocess, "run", run)
        assert (start.test(["-x"]) == 0) == is_success
        assert next(left, None) is None
        told = [line[line.index("--database") + 1] for line in lines]
        assert list(dict.fromkeys(told)) == self.BOTH
        again = [line for line in lines if "--last-failed" in line]
        assert len(again) == repeated
        assert all(line[line.index("-n") + 1] == "0" for line in again)
        assert all(line[-1] == "-x" for line in lines)

    def test_a_database_that_is_not_named_is_told(self, start: ModuleType) -> None:
        assert start.test(["--database"]) == 2


def test_it_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "run.py"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("python run.py demo")
