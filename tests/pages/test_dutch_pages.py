"""Every page to who reads Dutch: no sentence of ours is left in English."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.models import Entry, Seal, Verification
from tests.pages.conftest import Scene, browser, text
from workflow.acts import bulk
from workflow.acts.bulk import Target
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import Act, BackfillRun, EffectEntry, EffectState, Record, TransitionEnvelope
from workflow.testing.drain import drain

ENGLISH = frozenset(
    """
    the and not with this that these those from has have been who which what when where why its
    nothing nobody somebody anybody than then there they are were does did done will would could
    should may must until since after before again once only every each other all both most asked
    waiting waits looked shown found made taken given kept needs goes comes call calls record
    records entry entries person people trail reason
    """.split()  # noqa: SIM905  (a table of words)
)
"""Words that no Dutch sentence has, by their spelling."""

NOBODY = "http://127.0.0.1:9"
"""The port of `discard`, where nobody listens."""

STORED = (
    "account closed",
    "Its receipt was illegible",
    "was not sent: ConnectionRefusedError",
    "has purpose",
    "Done",
)
"""What people, other systems and a workflow without a catalogue said: it stays as it was."""


def left_in_english(page: str) -> set[str]:
    """Return English words among what a page says; code and stored data apart."""
    body = re.sub(r"(?s)<(script|style|pre|option)\b.*?</\1>", " ", page)
    body = re.sub(r'(?s)<(\w+)[^>]*class="[^"]*\bmono\b[^"]*"[^>]*>.*?</\1>', " ", body)
    said = " ".join(re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', body))
    said = html.unescape(re.sub(r"<[^>]*>", " ", body) + " " + said)
    for stored in STORED:
        said = said.replace(stored, " ")
    said = re.sub(r"\S*[/_.@]\S*", " ", said)  # addresses, permissions, codes
    return {word for word in re.findall(r"[a-z]+", said.lower()) if word in ENGLISH}


@pytest.fixture
def boss_of_all(db: None) -> User:
    return User.objects.create_superuser("zoe", first_name="Zoë")


@pytest.fixture
def declared(boss_of_all: User, settings: Settings) -> Record:
    """A declaration that was submitted, and refused its payment for all that can be wrong."""
    settings.DECLARATIONS_DOWNSTREAM_URL = NOBODY
    today = clock.now().date()
    subject = Declaration(
        claimant=boss_of_all,
        number="D-1",
        purpose="Maastricht",
        amount=Decimal(3200),
        expense_date=today - timedelta(days=3),
        declared_on=today,
    )
    record = start(
        workflow=DECLARATION,
        subject=subject,
        reference="D-1",
        user=boss_of_all,
        now=clock.now(),
    )
    for transition in ("submit", "approve_final"):
        wish = Request(record=record.pk, transition=transition, user=boss_of_all)
        submit(request=wish, now=clock.now())
        drain()
    return record


@pytest.fixture
def client(boss_of_all: User) -> Client:
    dutch = browser(boss_of_all)
    dutch.cookies["django_language"] = "nl"
    return dutch


def addresses(scene: Scene, declared: Record, user: User) -> dict[str, str]:
    """Return the address of each page, by its name."""
    parked = scene.parked()
    call = EffectEntry.objects.filter(envelope__record=declared).first()
    assert call is not None
    EffectEntry.objects.filter(pk=call.pk).update(state=EffectState.PARKED, due_at=None)
    refused = TransitionEnvelope.objects.get(record=declared, state="refused")
    run = bulk.prepare(
        act=Act.RETRY,
        targets=[Target(record=parked.record, envelope=parked)],
        user=user,
        reason="Its receipt was illegible",
        title="x",
        now=clock.now(),
    )
    Verification.objects.create(started_at=clock.now(), finished_at=clock.now(), entries=2)
    BackfillRun.objects.create(
        workflow="declaration",
        mapping="m",
        source="s",
        started_by="zoe",
        started_at=clock.now(),
    )
    entry = Entry.objects.filter(chain=declared.pk).latest("sequence")
    support = {name: reverse(f"support:{name}") for name in ("attention", "channels", "tables")}
    return support | {
        "overview": reverse("admin:index"),
        "inbox": reverse("desk:inbox"),
        "cause": reverse(
            "support:cause",
            args=[parked.workflow, parked.transition, "-", parked.code],
        ),
        "bulk": reverse("support:bulk", args=[run.pk]),
        "records": reverse("admin:workflow_record_changelist"),
        "record": reverse("admin:workflow_record_change", args=[declared.pk]),
        "parked record": reverse("admin:workflow_record_change", args=[parked.record_id]),
        "desk record": reverse("desk:record", args=[declared.pk]),
        "past": reverse("support:as-of", args=[declared.pk]),
        "redact": reverse("support:redact", args=[declared.pk]),
        "ask": reverse("desk:ask", args=[declared.pk, "submit"]),
        "transitions": reverse("admin:workflow_transitionenvelope_changelist"),
        "searched": reverse("admin:workflow_transitionenvelope_changelist") + "?q=zoe",
        "transition": reverse("admin:workflow_transitionenvelope_change", args=[refused.pk]),
        "parked": reverse("admin:workflow_transitionenvelope_change", args=[parked.pk]),
        "retry": reverse("support:act", args=[parked.pk, "retry"]),
        "cancel": reverse("support:act", args=[parked.pk, "cancel"]),
        "settle": reverse("support:settle", args=[call.pk]),
        "trail": reverse("admin:audit_entry_changelist"),
        "entry": reverse("admin:audit_entry_change", args=[entry.pk]),
        "declarations": reverse("declarations:list") + "?whose=mine",
        "new declaration": reverse("declarations:new"),
        "verifications": reverse("admin:audit_verification_changelist"),
        "backfills": reverse("admin:workflow_backfillrun_changelist"),
        "new key": reverse("admin:workflow_apikey_add"),
        "seals": reverse("admin:audit_seal_changelist"),
        "not there": "/desk/nowhere/",
    }


def test_no_page_has_a_sentence_of_ours_in_english(
    client: Client, scene: Scene, declared: Record, boss_of_all: User
) -> None:
    assert not Seal.objects.exists(), "so that the pages say that there is none"
    found = {}
    for name, address in addresses(scene, declared, boss_of_all).items():
        page = text(client.get(address))
        assert '<html lang="nl"' in page, name
        if left := left_in_english(page):
            found[name] = sorted(left)
    assert not found


@pytest.mark.parametrize(
    "page",
    [
        "<p>Nothing needs a person.</p>",
        '<button title="Light, dark, or as the system, until then">',
        "<dt>Asked for</dt>",
    ],
)
def test_a_sentence_left_in_english_is_seen(page: str) -> None:
    assert left_in_english(page)


def test_what_is_dutch_or_stored_is_no_fault() -> None:
    page = '<p>Niets wacht op een mens.</p><pre>what was sent</pre><p class="mono">the/key</p>'
    assert not left_in_english(page)


def test_an_unusable_act_is_explained_in_dutch(client: Client, scene: Scene) -> None:
    parked = scene.parked()
    address = reverse("support:act", args=[parked.pk, "cancel"])
    said = {"fence": str(parked.fence), "reason": " "}

    assert "reden: zeg waarom; het komt in het spoor" in text(client.post(address, said))
    client.post(address, {**said, "reason": "Dubbel."})
    late = text(client.post(address, {**said, "reason": "Dubbel."}))
    assert "is nu “geannuleerd”; alleen wat gepland is" in late
