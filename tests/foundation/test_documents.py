"""The documentation: links lead somewhere, commands are there, tables are those of the code."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from audit.models import Entry
from tests.conftest import PROJECT
from tests.foundation.files import LINK, code, documents, name
from workflow.engine.trail import Action
from workflow.models import State
from workflow.testing.drain import drain

REFERENCE = PROJECT / "docs/reference/index.md"


def links() -> list[Any]:
    found = []
    for page in documents():
        found.extend(
            pytest.param(page, target, id=f"{name(page)}: {target}")
            for target in LINK.findall(page.read_text(encoding="utf-8"))
        )
    return found


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("page", "target"), links())
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    if target.startswith(("http:", "https:", "mailto:")):
        pytest.skip("elsewhere")
    path, _, place = target.partition("#")
    leads_to = (page.parent / path).resolve() if path else page
    assert leads_to.is_relative_to(PROJECT)
    assert leads_to.exists()
    if place:
        assert place in headings(leads_to)


def test_every_page_can_be_reached_from_the_front_page() -> None:
    reached, ahead = set(), [PROJECT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        if page.is_dir():
            ahead += page.glob("*.md")
        elif page.suffix == ".md":
            targets = LINK.findall(page.read_text(encoding="utf-8"))
            ahead += [
                leads_to
                for target in targets
                if (leads_to := (page.parent / target.partition("#")[0]).resolve()).exists()
            ]
    assert [name(page) for page in documents() if page not in reached] == []


@pytest.mark.parametrize("page", documents(), ids=name)
def test_a_file_that_is_named_is_there(page: Path) -> None:
    named = re.findall(r"`([\w.-]+/[\w./-]+\.(?:py|txt|md|toml|html))`", page.read_text())
    assert [each for each in named if not (PROJECT / each).exists()] == []


SAID = [
    command.strip()
    for page in documents()
    for command in re.findall(
        r"(?:^|`)((?:python run\.py|(?:python )?manage\.py)(?: [^`\n#]+)?)",
        page.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
]


@pytest.mark.parametrize("line", sorted(set(SAID)))
def test_a_command_that_is_named_is_there_with_its_options(
    line: str, start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(line.replace("[", " ").replace("]", " ").removeprefix("python "))
    program, *arguments = words
    if program == "run.py":
        handled: list[tuple[str, ...]] = []
        monkeypatch.setattr(start, "prepare", lambda _: None)
        monkeypatch.setattr(start, "lock", lambda: 0)
        monkeypatch.setattr(start, "test", lambda _: 0)
        monkeypatch.setattr(start, "become", lambda *line: handled.append(line) or 0)
        assert start.main(arguments) == 0
        if not handled:
            return
        _, *arguments = handled[0]
    known = get_commands()
    assert arguments[0] in known
    app = known[arguments[0]]
    command = load_command_class(app, arguments[0]) if isinstance(app, str) else app
    options = _options(command.create_parser("manage.py", arguments[0]))
    assert [word for word in arguments if word.startswith("--") and word not in options] == []


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options of a command, those of its acts included."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for act in action.choices.values():
                found |= _options(act)
    return found


def test_commands_are_named_at_all() -> None:
    assert any("run.py demo" in line for line in SAID)
    assert any("audit_verify" in line for line in SAID)


def column(heading: str) -> list[str]:
    """Return the code in the first column of a table of the reference."""
    text = REFERENCE.read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[1:]
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def source(path: str) -> str:
    return (PROJECT / path).read_text(encoding="utf-8")


class TestReference:
    def test_states(self) -> None:
        assert sorted(column("States of an envelope")) == sorted(State.values)

    def test_entries_of_the_trail(self) -> None:
        text = REFERENCE.read_text(encoding="utf-8")
        listed = text.partition("## Entries of the trail\n\n")[2].partition(". Each has")[0]
        assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(action.value for action in Action)

    def test_settings(self) -> None:
        read = re.findall(r"""env\.\w+\(\s*"(\w+)\"""", source("config/settings.py"))
        assert sorted(column("Settings (environment)")) == sorted(set(read))

    def test_system_checks(self) -> None:
        ids = re.findall(r'id="(workflow\.\w+)"', source("workflow/checks.py"))
        assert sorted(column("System checks")) == sorted(set(ids))

    def test_findings_of_the_doctor(self) -> None:
        modules = (PROJECT / "workflow/doctor").glob("*.py")
        texts = [module.read_text(encoding="utf-8") for module in modules]
        codes = {code for text in texts for code in re.findall(r'code="(\w+)"', text)}
        codes |= {code for text in texts for code in re.findall(r'^    \("(\w+)", "', text, re.M)}
        assert sorted(column("Findings of the doctor")) == sorted(codes - {"restored"})

    def test_commands(self) -> None:
        own = [
            command
            for command, app in get_commands().items()
            if str(app).partition(".")[0] in ("audit", "workflow")
        ]
        assert sorted(cell.partition(" ")[0] for cell in column("Commands")) == sorted(own)


@pytest.mark.django_db
def test_the_quick_start_does_what_it_says(django_user_model: Any) -> None:
    django_user_model.objects.create_superuser("root")
    program = code("python", paths=[PROJECT / "docs/quickstart.md"])
    names: dict[str, Any] = {}
    exec(compile(program, "quickstart.md", "exec"), names)
    record = names["record"]
    said = Entry.objects.filter(chain=record.pk).values_list("action", flat=True)
    assert list(said) == ["started", "requested", "repeated"]
    assert drain() == {"fired": 1}
    record.refresh_from_db()
    assert record.version == 1


@pytest.mark.parametrize("address", ["/admin/", "/declarations/", "/"])
def test_an_address_that_is_named_is_there(address: str) -> None:
    assert resolve(address)
