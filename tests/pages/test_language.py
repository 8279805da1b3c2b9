"""Pages in the reader's language; the trail in the source's, whoever looks."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polib
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from audit.models import Entry
from tests.conftest import PROJECT
from tests.pages.conftest import browser, text
from workflow.definition import refuse
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import EffectEntry, Record
from workflow.queries.wording import told
from workflow.testing.drain import drain

DUTCH = Path(settings.LOCALE_PATHS[0], "nl", "LC_MESSAGES", "django.po")

WISH = "01a21038-2d34-7a30-9df3-eef073dfd25c"

MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}


@pytest.fixture
def visitor(db: None) -> Client:
    """Emma, an employee who is to approve what is too dear: everything that a page can refuse."""
    user = User.objects.create_user("emma", first_name="Emma", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=["EMPLOYEE", "SUPERVISOR", "Workflow support"]))
    return browser(user)


@pytest.fixture
def record(visitor: Client) -> Record:
    emma = User.objects.get(username="emma")
    other = User.objects.create_user("piet")
    today = clock.now().date()
    subject = Declaration(
        claimant=other,
        number="D-1",
        purpose="x",
        amount=Decimal(3200),
        expense_date=today,
        declared_on=today,
    )
    record = start(
        workflow=DECLARATION, subject=subject, reference="D-1", user=other, now=clock.now()
    )
    other.user_permissions.add(Permission.objects.get(codename="submit_declaration"))
    for user, transition in ((other, "submit"), (emma, "approve_final")):
        wish = Request(record=record.pk, transition=transition, user=user)
        submit(request=wish, now=clock.now())
        drain()
    return record


def test_a_page_of_a_record_is_dutch_to_who_reads_dutch(visitor: Client, record: Record) -> None:
    EffectEntry.objects.unfinished().update(due_at=clock.now())
    address = f"/admin/workflow/record/{record.pk}/change/"
    page = text(visitor.get(address, headers={"accept-language": "nl-BE,nl;q=0.9,en;q=0.5"}))

    assert '<html lang="nl">' in page
    for words in (
        "Wat nu kan, en waarom niet",
        "Ingediend door medewerker",
        "Goedkeuren voor betaling",
        "Er is geen bon bijgevoegd; voeg er een bij en dien opnieuw in.",
        "EUR moeten eerst anderen goedkeuren",
        "Het staat klaar, en er leeft geen worker.",
        "Dossier begonnen",
    ):
        assert words in page, words
    assert "No receipt is attached" not in page
    assert "others have to approve first" not in page
    assert "others have to approve first" in text(visitor.get(address))


def test_a_drawing_follows_who_looks_and_not_who_looked_first(
    visitor: Client, record: Record
) -> None:
    address = f"/admin/workflow/record/{record.pk}/change/"
    for language, words in (("en", "Finally approved"), ("nl", "Eindgoedkeuring"), ("en", "Paid")):
        page = text(visitor.get(address, headers={"accept-language": language}))
        drawn = page[page.index('aria-labelledby="way"') :]
        assert words in drawn[: drawn.index("</section>")]


def test_the_inbox_and_a_form_are_dutch(visitor: Client, record: Record) -> None:
    dutch = {"accept-language": "nl"}
    assert "Wacht op mij" in text(visitor.get("/desk/", headers=dutch))
    form = text(visitor.get(f"/admin/records/{record.pk}/ask/approve_final/", headers=dutch))
    assert "Wat dit doet" in form
    answer = visitor.post(
        f"/admin/records/{record.pk}/ask/approve_final/", {"version": "x"}, headers=dutch
    )
    assert "Er is niets gedaan:" in text(answer)


def test_the_trail_is_the_same_whoever_asked(visitor: Client, record: Record) -> None:
    emma = User.objects.get(username="emma")
    version = Record.objects.get(pk=record.pk).version
    visitor.post(
        f"/admin/records/{record.pk}/ask/check/",
        {"version": str(version), "transition_id": WISH},
        headers={"accept-language": "nl"},
    )
    entry = Entry.objects.get(chain=record.pk, transition_id=WISH)
    (finding,) = json.loads(entry.evidence)["findings"]
    assert finding["code"] == "permission_denied"
    assert finding["message"] == "emma may not do “Approve as administration”."
    assert finding["template"] == "%(user)s may not do “%(label)s”."
    assert finding["facts"] == {"user": emma.username, "label": "Approve as administration"}


def test_a_choice_on_the_page_is_kept(visitor: Client, record: Record) -> None:
    answer = visitor.post("/language/", {"language": "nl", "next": "/desk/"}, follow=True)

    assert "Mijn werk" in text(answer)
    assert "Mijn werk" in text(visitor.get("/desk/"))
    elsewhere = visitor.post("/language/", {"language": "nl", "next": "https://evil.invalid/"})
    assert "evil" not in elsewhere.headers["Location"]


def test_a_language_that_is_not_there_is_english(visitor: Client, record: Record) -> None:
    for wanted in ("xx", "../../etc", "nl" * 5000, "\x00"):
        answer = visitor.get("/desk/", headers={"accept-language": wanted})
        assert '<html lang="en">' in text(answer)


@pytest.mark.parametrize(
    ("template", "facts"),
    [("%(gone)s", {"n": "1"}), ("%(n", {"n": "1"}), ("%d", {"n": "1"}), ("", {}), ("x", None)],
)
def test_a_stored_template_that_does_not_fit_shows_what_was_stored(
    template: str, facts: Any
) -> None:
    assert told("as stored", template=template, facts=facts) == "as stored"
    assert told("") == ""


def test_facts_go_in_whatever_signs_they_hold() -> None:
    refusal = refuse("%(who)s may not.", facts={"who": "100 % (sure)"})
    assert refusal.message == "100 % (sure) may not."
    assert told(refusal.message, template=refusal.template, facts=refusal.facts) == refusal.message


class TestCatalogue:
    @pytest.fixture
    def dutch(self) -> Any:
        return polib.pofile(str(DUTCH))

    def test_it_knows_every_text_that_is_marked(self, dutch: Any) -> None:
        known = {entry.msgid for entry in dutch}
        folders = [PROJECT / each for each in ("templates", "workflow", "audit")]
        files = [file for each in folders for file in files_in(each)]
        assert len(files) > 200
        unknown = {each for file in files for each in texts(file)} - known
        assert not unknown, "run manage.py makemessages -l nl --no-obsolete --no-location"

    def test_it_says_all_of_them_and_guesses_none(self, dutch: Any) -> None:
        assert not [entry.msgid for entry in dutch.untranslated_entries()]
        assert not [entry.msgid for entry in dutch.fuzzy_entries()]
        assert not [entry.msgid for entry in dutch.obsolete_entries()]

    def test_each_translation_has_the_places_of_its_text(self, dutch: Any) -> None:
        for entry in dutch:
            if not entry.msgid_plural:
                assert places(entry.msgstr) == places(entry.msgid), entry.msgid
                continue
            assert places(entry.msgstr_plural[0]) == places(entry.msgid), entry.msgid
            assert places(entry.msgstr_plural[1]) == places(entry.msgid_plural), entry.msgid

    def test_what_is_served_is_what_is_written(self, dutch: Any) -> None:
        made = polib.mofile(str(DUTCH.with_suffix(".mo")))
        assert {(each.msgid, each.msgstr) for each in made} == {
            (each.msgid, each.msgstr) for each in dutch if each.translated()
        }, "run manage.py compilemessages"


def places(text: str) -> set[str]:
    """Return what is put into a text, with the kind of each."""
    return set(re.findall(r"%\(\w+\)[sd]|%%", text))


def files_in(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for kind in ("*.html", "*.py"):
        yield from place.rglob(kind)


def texts(file: Path) -> Iterator[str]:
    """Yield the texts of a file that are marked for translation."""
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".html":
        for _quote, said in re.findall(r"""\{% translate (["'])(.*?)\1 """, source):
            yield said
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MARKS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
