"""Whether what a page shows can be believed: chain, seal, signature, personal data, bundle."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import override_settings

from audit import keys
from audit.models import Entry
from audit.seal import seal
from tests.pages.conftest import Scene, browser, text
from workflow.engine import clock
from workflow.models import Record, Signature, TransitionEnvelope
from workflow.pages.proof import proof
from workflow.testing.drain import drain
from workflow.testing.guards import lifted

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(scene: Scene) -> Record:
    record = scene.make()
    scene.ask(record)
    drain()
    return record


def rewrite(**changes: Any) -> None:
    """Change an entry as somebody would who can take the guards away."""
    with lifted(connection):
        Entry.objects.filter(sequence=2).update(**changes)


def test_a_sound_chain_says_so(record: Record) -> None:
    found = proof(record=record)

    assert (found.is_sound, found.problem, found.entries) == (True, "", 3)
    assert (found.seal, found.unsealed) == (None, 3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": "forged"}, "Entry 2 was altered."),
        ({"previous": "1" * 64}, "Entry 2 does not follow on the one before it."),
        ({"sequence": 9}, "Entry 2 is missing."),
    ],
)
def test_a_changed_entry_is_named_on_the_page(
    record: Record, support: User, changes: dict[str, Any], told: str
) -> None:
    rewrite(**changes)

    html = text(browser(support).get(f"/admin/workflow/record/{record.pk}/change/"))

    assert "The trail of this record is not as it was written." in html
    assert told in html


def test_a_tail_that_was_cut_off_behind_a_seal_is_seen(record: Record, tmp_path: Path) -> None:
    assert seal(key=keys.make(tmp_path / "key"), now=clock.now()) is not None
    assert proof(record=record).seal == 1
    with lifted(connection):
        Entry.objects.filter(chain=record.pk, sequence=3).delete()

    found = proof(record=record)

    assert found.is_sound is False
    assert "It was cut off: seal 1 saw 3 entries." in found.problem


def test_the_proof_takes_three_statements(record: Record, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        proof(record=record)


@override_settings(AUDIT={"PERSONAL": ["actor", "reason"]})
def test_what_is_kept_beside_the_trail_is_hidden_until_somebody_looks(
    scene: Scene, support: User, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.probe import PROBE

    monkeypatch.setitem(PROBE.__dict__, "personal", frozenset({"claimant"}))
    record = scene.make()
    envelope = scene.ask(record, reason="his illness").envelope
    drain()
    staff = browser(support)
    pages = (
        f"/admin/workflow/record/{record.pk}/change/",
        f"/admin/workflow/transitionenvelope/{envelope.pk}/change/",
        "/admin/workflow/transitionenvelope/",
        "/admin/audit/entry/",
    )

    for page in pages:
        html = text(staff.get(page))
        assert "his illness" not in html, page
        assert "Ann Lee" not in html, page
        assert "personal:" not in html, page
    shown = text(staff.post(f"/admin/records/{record.pk}/reveal/", {"reason": "case 4"}))
    assert "his illness" in shown
    assert "Ann Lee" in shown
    assert "his illness" in text(browser(ann).get(f"/desk/records/{record.pk}/"))


def test_the_bundle_is_a_download_for_who_may_see_the_trail(
    record: Record, auditor: User, ann: User
) -> None:
    answer = browser(auditor).get(f"/admin/records/{record.pk}/evidence/")

    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert {"verify.py", "entries.jsonl", "report.html"} <= {
        name.rpartition("/")[2] for name in packed.namelist()
    }
    assert browser(ann).get(f"/admin/records/{record.pk}/evidence/").status_code == 302


def test_a_transition_that_must_be_signed_asks_for_the_password_and_binds_it(
    scene: Scene, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.probe import PROBE

    transition = PROBE.by_name["open"]
    monkeypatch.setitem(transition.__dict__, "signature", "I have read it.")
    ann.set_password("secret-of-ann")
    ann.save()
    ann.user_permissions.add(Permission.objects.get(codename="request_transition"))
    record = scene.make()
    client = browser(ann)
    address = f"/desk/records/{record.pk}/open/"
    html = text(client.get(address))
    data = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))
    assert "I have read it." in html
    assert "Ann Lee signs" in html

    for password in ({}, {"password": "wrong"}):
        answer = client.post(address, {**data, **password})
        assert answer.status_code == 422
        assert "the password is not right" in text(answer)
    assert not TransitionEnvelope.objects.exists()
    client.post(address, {**data, "password": "secret-of-ann"})

    assert Signature.objects.count() == 1
    assert TransitionEnvelope.objects.get().transition == "open"
