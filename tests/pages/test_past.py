"""E12 and E11 on pages: a record as it was, and the erasing of a personal value."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audit.models import Entry, PersonalValue
from audit.verify import verify_all
from tests.pages.conftest import Scene, Staff, browser, text
from workflow.models import Record
from workflow.queries.as_of import as_of
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

SAID = "Mrs Miller is ill."


@pytest.fixture
def moved(scene: Scene) -> Record:
    record = scene.make()
    scene.ask(record, reason=SAID)
    drain()
    scene.ask(record, "note", payload={"note": "x"})
    drain()
    record.refresh_from_db()
    return record


def shown(user: User, record: Record, at: str) -> Any:
    return browser(user).get(f"/admin/records/{record.pk}/as-of/", {"at": at})


def test_it_shows_what_the_query_of_the_api_says_and_nothing_later(
    moved: Record, support: User
) -> None:
    started = Entry.objects.get(chain=moved.pk, action="started").at
    was = as_of(record=moved, at=started)
    assert was is not None

    page = text(shown(support, moved, started.isoformat()))

    assert (was.status, was.version) == ("new", 0)
    assert '<span class="pill status">New</span>' in page
    assert "version 0" in page
    assert "Since then it became “Open” (version 2)." in page
    assert "Record started" in page
    assert SAID not in page, "what was said later"
    assert "•••••" in page, "the purpose is personal"
    assert "a journey" not in page


def test_the_timeline_leads_to_how_it_was_after_each_step(moved: Record, support: User) -> None:
    fired = Entry.objects.filter(chain=moved.pk, action="fired").order_by("sequence")[0].at
    at = timezone.localtime(fired).isoformat()
    record_page = text(browser(support).get(f"/admin/workflow/record/{moved.pk}/change/"))

    assert f"/admin/records/{moved.pk}/as-of/?at=" in record_page
    page = text(shown(support, moved, at))
    assert "version 1" in page
    assert SAID in page


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("yesterday", "“yesterday” is no time"),
        ("2026-13-45T00:00:00", "is no time"),
        ("0001-01-01T00:00:00+14:00", "is no time"),
        ("1999-01-01T00:00:00", "The record did not exist then; it was started"),
        ("<script>", "“&lt;script&gt;” is no time"),
    ],
)
def test_a_time_that_says_nothing_is_named(
    moved: Record, support: User, at: str, told: str
) -> None:
    answer = shown(support, moved, at)

    assert answer.status_code == 422
    assert told in text(answer)


def test_who_may_not_view_records_sees_no_past(moved: Record, staff: Staff) -> None:
    assert shown(staff("clerk"), moved, "").status_code == 403


class TestRedaction:
    @pytest.fixture(autouse=True)
    def _beside(self, settings: Any) -> None:
        settings.AUDIT = {**settings.AUDIT, "PERSONAL": ["reason"]}

    @pytest.fixture
    def record(self, _beside: None, moved: Record) -> Record:
        return moved

    @pytest.fixture
    def officer(self, staff: Staff) -> User:
        return staff("officer", "Workflow auditor", rights=("audit.redact_entry",))

    def path(self, record: Record) -> str:
        return f"/admin/records/{record.pk}/redact/"

    def test_the_consequence_is_stated_and_the_value_is_not(
        self, record: Record, officer: User
    ) -> None:
        page = text(browser(officer).get(self.path(record)))

        assert "erased for good" in page
        assert "The chain still verifies" in page
        assert "The reason given" in page
        assert SAID not in page

    def test_it_is_erased_with_a_reason_and_the_chain_verifies(
        self, record: Record, officer: User
    ) -> None:
        client = browser(officer)
        what = f"{Entry.objects.get(chain=record.pk, action='requested', sequence=2).sequence}"

        answer = client.post(self.path(record), {"what": f"{what} reason", "reason": "Art. 17"})

        assert answer.status_code == 302
        assert not PersonalValue.objects.filter(value=SAID).exists()
        entry = Entry.objects.get(action="redacted")
        assert entry.actor == "officer"
        assert verify_all().is_sound
        page = text(client.get(f"/admin/workflow/record/{record.pk}/change/"))
        assert "Personal value erased from the trail" in page

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            ({"what": "2 reason", "reason": " "}, "say why; it goes into the trail"),
            ({"what": "2 actor", "reason": "x"}, "holds no personal"),
            ({"what": "99 reason", "reason": "x"}, "has no entry 99"),
            ({"what": "nonsense", "reason": "x"}, "choose one of those listed"),
            ({"reason": "x"}, "choose one of those listed"),
        ],
    )
    def test_a_form_that_cannot_be_used_erases_nothing(
        self, record: Record, officer: User, data: dict[str, str], told: str
    ) -> None:
        answer = browser(officer).post(self.path(record), data)

        assert answer.status_code == 409
        assert told in text(answer)
        assert PersonalValue.objects.filter(value=SAID).exists()

    def test_who_may_not_is_refused_and_entered(self, record: Record, support: User) -> None:
        for act in (browser(support).get, browser(support).post):
            assert act(self.path(record)).status_code == 403
        denied = Entry.objects.filter(chain=record.pk, action="denied")
        assert denied.count() == 2
        assert "audit.redact_entry" in denied[0].evidence
        page = text(browser(support).get(f"/admin/workflow/record/{record.pk}/change/"))
        assert self.path(record) not in page
