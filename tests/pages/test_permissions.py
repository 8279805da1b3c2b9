"""Who may do what: absent or explained where not, refused by URL too, and entered."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from tests.pages.conftest import Scene, Staff, browser, text
from workflow.models import BulkRun, Cause, Pause, Record, State, TransitionEnvelope
from workflow.roles import ROLES

pytestmark = pytest.mark.django_db


def pages(envelope: TransitionEnvelope) -> list[str]:
    return [
        "/admin/",
        "/admin/attention/",
        "/admin/attention/probe/open/-/permanent/",
        "/admin/channels/",
        "/admin/tables/",
        reverse("admin:workflow_record_changelist"),
        reverse("admin:workflow_record_change", args=[envelope.record_id]),
        reverse("admin:workflow_transitionenvelope_changelist"),
        reverse("admin:workflow_transitionenvelope_change", args=[envelope.pk]),
        reverse("admin:audit_entry_changelist"),
        reverse("admin:audit_entry_change", args=[Entry.objects.first().pk]),
    ]


def acts(envelope: TransitionEnvelope) -> list[tuple[str, dict[str, str]]]:
    """Everything that can be pressed, as a form would send it."""
    record = envelope.record_id
    return [
        (f"/admin/transitions/{envelope.pk}/retry/", {"reason": "x", "fence": "1"}),
        (f"/admin/transitions/{envelope.pk}/cancel/", {"reason": "x", "fence": "1"}),
        (f"/admin/transitions/{envelope.pk}/force/", {"reason": "x", "fence": "1"}),
        (
            f"/admin/records/{record}/ask/open/",
            {"transition_id": str(uuid.uuid4()), "version": "0"},
        ),
        ("/admin/attention/probe/open/-/permanent/", {"press": "retry", "reason": "x"}),
        ("/admin/attention/probe/open/-/permanent/", {"press": "note", "note": "x"}),
        ("/admin/bulk/", {"record": str(record)}),
        ("/admin/channels/", {"press": "pause", "what": "workflow:probe", "reason": "x"}),
    ]


def test_the_groups_are_there_after_migrate_with_their_rights() -> None:
    for name, wanted in ROLES.items():
        group = Group.objects.get(name=name)
        having = {
            f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()
        }
        assert having == set(wanted)


@pytest.mark.parametrize("name", ["Workflow support", "Workflow operator", "Workflow auditor"])
def test_each_ready_made_staff_group_sees_every_page(
    scene: Scene, staff: Staff, name: str
) -> None:
    envelope = scene.parked()
    client = browser(staff("who", name))
    for path in pages(envelope):
        assert client.get(path).status_code == 200, path


def test_staff_without_rights_see_the_tables_they_may_and_no_page_of_the_engine(
    scene: Scene, staff: Staff
) -> None:
    envelope = scene.parked()
    client = browser(staff("clerk"))
    assert client.get("/admin/").status_code == 200
    for path in pages(envelope):
        if path not in ("/admin/", "/admin/tables/"):
            assert client.get(path).status_code == 403, path


def test_who_is_no_staff_is_sent_to_sign_in(scene: Scene, ann: User) -> None:
    envelope = scene.parked()
    for client in (browser(ann), Client()):
        for path in pages(envelope):
            answer = client.get(path)
            assert answer.status_code == 302, path
            assert "login" in answer.headers["Location"]


def test_the_auditor_changes_nothing_and_each_attempt_on_a_record_is_entered(
    scene: Scene, auditor: User
) -> None:
    envelope = scene.parked()
    before = (
        list(TransitionEnvelope.objects.values()),
        list(Record.objects.values()),
    )
    client = browser(auditor)

    for path, data in acts(envelope):
        assert client.post(path, data).status_code == 403, path

    assert before == (
        list(TransitionEnvelope.objects.values()),
        list(Record.objects.values()),
    )
    for made in (BulkRun, Cause, Pause):
        assert not made.objects.exists()
    denied = Entry.objects.filter(action="denied").order_by("sequence")
    assert [(each.actor, each.chain) for each in denied] == [("audrey", envelope.record_id)] * 4


def test_the_auditor_is_offered_no_button(scene: Scene, auditor: User) -> None:
    envelope = scene.parked()
    client = browser(auditor)
    for path in pages(envelope):
        html = text(client.get(path))
        assert "Retry" not in html, path
        assert "Prepare" not in html, path
        assert 'name="press"' not in html, path


def test_support_may_retry_one_and_not_many(scene: Scene, support: User) -> None:
    envelope = scene.parked()
    client = browser(support)
    assert "Retry" in text(
        client.get(reverse("admin:workflow_transitionenvelope_change", args=[envelope.pk]))
    )
    cause = client.get("/admin/attention/probe/open/-/permanent/")
    assert "may not act in bulk" in text(cause)


@pytest.mark.parametrize(
    "model", ["workflow_record", "workflow_transitionenvelope", "audit_entry"]
)
def test_a_superuser_cannot_change_a_row_either(scene: Scene, model: str) -> None:
    envelope = scene.parked()
    key = {
        "workflow_record": envelope.record_id,
        "workflow_transitionenvelope": envelope.pk,
        "audit_entry": Entry.objects.first().pk,
    }[model]
    client = browser(User.objects.create_superuser("root"))
    assert client.get(reverse(f"admin:{model}_change", args=[key])).status_code == 200
    for verb in (client.post, client.put, client.patch, client.delete):
        assert verb(reverse(f"admin:{model}_change", args=[key]), {}).status_code == 403
    assert client.get(reverse(f"admin:{model}_add")).status_code == 403
    assert client.post(reverse(f"admin:{model}_delete", args=[key])).status_code == 403
    listing = client.post(
        reverse(f"admin:{model}_changelist"),
        {"action": "delete_selected", "_selected_action": [str(key)]},
    )
    assert listing.status_code in (200, 302, 403, 405)
    envelope.refresh_from_db()
    assert envelope.state == State.PARKED


@pytest.mark.parametrize("key", ["0", "no-uuid", f"{7:032x}", "../../etc"])
def test_what_is_not_there_is_not_found(support: User, key: str) -> None:
    client = browser(support)
    for name in ("workflow_record", "workflow_transitionenvelope", "audit_entry"):
        assert client.get(f"/admin/{name.replace('_', '/', 1)}/{key}/change/").status_code == 404
