"""L6, L1: who may call, with what, until when."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Entry
from audit.verify import verify_all
from tests.api.conftest import Api, Caller, allow, problem, written
from workflow.acts.api_keys import chain_of, make, revoke
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.models import ApiKey, Record

pytestmark = pytest.mark.django_db


def last_key() -> ApiKey:
    return ApiKey.objects.latest("created_at")


class TestKey:
    def test_the_secret_is_kept_nowhere(self, ann: User) -> None:
        made = make(
            name="x", user=ann, scopes=["read"], lasts=timedelta(days=1), by=None, now=clock.now()
        )
        secret = made.text.split("_", 2)[2]
        assert len(secret) >= 43
        row = str(ApiKey.objects.values().get())
        entry = str(Entry.objects.filter(chain=chain_of(made.key.id)).values())
        assert secret not in row + entry
        assert Entry.objects.filter(chain=chain_of(made.key.id)).count() == 1
        assert verify_all().is_sound

    @pytest.mark.parametrize(
        "text",
        ["", "esc", "esc_0123456789abcdef_" + "x" * 43, "esc_ä", "x" * 5000, "esc_" + "0" * 60],
    )
    def test_one_that_nobody_made(self, db: None, text: str) -> None:
        told = Api(Client(), Authorization=f"Bearer {text}").get("records")
        if text:
            problem(told, 401, "key_unknown")
        assert told.status_code == 401
        assert told.headers["WWW-Authenticate"].startswith("Bearer")

    def test_one_letter_off(self, keyed: Caller) -> None:
        api = keyed()
        api.headers["Authorization"] = api.headers["Authorization"][:-1] + "~"
        problem(api.get("records"), 401, "key_unknown")

    def test_an_expired_one(self, keyed: Caller, probe_record: Record) -> None:
        api = keyed(lasts=timedelta(milliseconds=1))
        before = written()
        problem(api.ask(probe_record), 401, "key_expired")
        assert written() == before

    def test_a_revoked_one_and_revoking_twice(self, keyed: Caller, probe_record: Record) -> None:
        api = keyed()
        assert api.get("records").status_code == 200
        for _ in range(2):
            revoke(key_id=last_key().pk, by=None, reason="leaked", now=clock.now())
        before = written()
        problem(api.ask(probe_record), 401, "key_revoked")
        assert written() == before
        actions = Entry.objects.filter(chain=chain_of(last_key().pk)).values_list("action")
        assert [each for (each,) in actions] == ["key_made", "key_revoked"]

    def test_that_of_somebody_who_has_left(self, keyed: Caller, ann: User) -> None:
        api = keyed()
        User.objects.filter(pk=ann.pk).update(is_active=False)
        problem(api.get("records"), 401, "key_user_inactive")

    def test_its_use_is_noted_to_the_minute(self, api: Api) -> None:
        assert last_key().last_used_at is None
        api.get("records")
        first = last_key().last_used_at
        api.get("records")
        assert first is not None
        assert last_key().last_used_at == first

    def test_it_needs_no_csrf_token(self, api: Api, probe_record: Record) -> None:
        assert api.ask(probe_record).status_code == 202


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "path"),
        [
            ("request", "transitions/bulk"),
            ("act", "transitions/{record}/cancel"),
            ("act", "transitions/{record}/retry"),
            ("act", "effects/1/settle"),
            ("pause", "pauses"),
            ("pause", "pauses/lift"),
            ("call_back", "call-backs/{record}:pay"),
            ("read", "records/{record}/dry-run"),
            ("read", "records/{record}/reveal"),
        ],
    )
    def test_another_scope_does_not_open_it(
        self, keyed: Caller, ann: User, probe_record: Record, scope: str, path: str
    ) -> None:
        others = {"read", "request", "act", "pause", "call_back"} - {scope}
        api = keyed(ann, *others)
        bodies: dict[str, Any] = {
            "bulk": {"requests": [
                {"id": str(probe_record.pk), "record": str(probe_record.pk), "transition": "open"}
            ]},
            "settle": {"verdict": "retry", "fence": 1, "reason": "x"},
            "pauses": {"scope": "workflow", "name": "probe", "reason": "x"},
            "lift": {"scope": "workflow", "name": "probe", "reason": "x"},
            "dry-run": {"transition": "open"},
        }  # fmt: skip
        body = bodies.get(path.rsplit("/", 1)[-1], {"reason": "x"})
        before = written()
        problem(api.post(path.format(record=probe_record.pk), body), 403, "scope_missing")
        assert written() == before

    def test_reading_takes_a_scope_too(self, keyed: Caller, ann: User) -> None:
        api = keyed(ann, "request")
        for path in ("records", "transitions", "effects", "pauses", "workflows"):
            problem(api.get(path), 403, "scope_missing")

    def test_a_scope_gives_no_more_than_its_user_has(
        self, keyed: Caller, probe_record: Record
    ) -> None:
        bob = allow(User.objects.create_user("bob"), "view_record")
        api = keyed(bob)
        problem(api.ask(probe_record), 403, "permission_denied")
        answer = api.post("pauses", {"scope": "workflow", "name": "probe", "reason": "x"})
        problem(answer, 403, "permission_denied")


class TestSession:
    def test_a_person_may_read(self, ann: User, probe_record: Record) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(ann)
        assert Api(client).get("records").status_code == 200

    def test_a_change_takes_the_token(self, ann: User, probe_record: Record) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(ann)
        before = written()
        problem(Api(client).ask(probe_record), 403, "csrf")
        assert written() == before
        token = "a" * 32
        client.cookies["csrftoken"] = token
        told = Api(client, **{"X-CSRFToken": token}).ask(probe_record)
        assert told.status_code == 202

    def test_nobody_is_nobody(self, probe_record: Record) -> None:
        nobody = Api(Client(enforce_csrf_checks=True))
        problem(nobody.get("records"), 401, "not_authenticated")
        problem(nobody.ask(probe_record), 401, "not_authenticated")


class TestCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("api_key", *arguments, stdout=out)
        return out.getvalue()

    def test_it_makes_lists_and_revokes(self, ann: User) -> None:
        told = self.run("make", "--user", "ann", "--name", "Ledger", "--scope", "read")
        text = next(line for line in told.splitlines() if line.startswith("esc_"))
        api = Api(Client(), Authorization=f"Bearer {text}")
        assert api.get("records").status_code == 200
        assert last_key().expires_at - last_key().created_at == timedelta(days=90)
        listed = self.run("list")
        assert "Ledger" in listed
        assert last_key().pk in listed
        assert text not in listed
        self.run("revoke", last_key().pk, "--reason", "gone")
        problem(api.get("records"), 401, "key_revoked")
        assert "revoked" in self.run("list")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["make", "--user", "zoe", "--name", "x", "--scope", "read"], "zoe"),
            (["make", "--user", "ann", "--name", " ", "--scope", "read"], "name"),
            (["make", "--user", "ann", "--name", "x"], "scope"),
            (["make", "--user", "ann", "--name", "x", "--scope", "all"], "all"),
            (["make", "--user", "ann", "--name", "x", "--scope", "read", "--days", "0"], "days"),
            (["make", "--user", "ann", "--name", "x", "--scope", "read", "--days", "9999"],
             "366"),
            (["revoke", "nope"], "nope"),
        ],
    )  # fmt: skip
    def test_bad_arguments_are_named(self, ann: User, arguments: list[str], says: str) -> None:
        with pytest.raises(CommandError, match=says):
            self.run(*arguments)
        assert not ApiKey.objects.exists()


class TestAdminPage:
    @pytest.fixture
    def staff(self, admin_user: User) -> Client:
        client = Client()
        client.force_login(admin_user)
        return client

    def test_a_key_is_made_shown_once_and_revoked(self, staff: Client, ann: User) -> None:
        sent = {"name": "Ledger", "user": ann.pk, "scopes": ["read"], "days": "30"}
        made = staff.post("/admin/workflow/apikey/add/", sent, follow=True)
        text = f"esc_{last_key().pk}_"
        assert text in made.content.decode()
        assert text not in staff.get("/admin/workflow/apikey/").content.decode()
        page = f"/admin/workflow/apikey/{last_key().pk}/change/"
        assert last_key().digest not in staff.get(page).content.decode()
        act = {"action": "revoke", "_selected_action": [last_key().pk]}
        staff.post("/admin/workflow/apikey/", act)
        assert last_key().revoked_at is not None

    def test_nobody_changes_or_deletes_one(self, staff: Client, keyed: Caller) -> None:
        keyed()
        page = f"/admin/workflow/apikey/{last_key().pk}"
        assert staff.post(f"{page}/change/", {"name": "y"}).status_code == 403
        assert staff.post(f"{page}/delete/", {"post": "yes"}).status_code == 403

    def test_who_is_no_superuser_makes_none_that_acts_for_another(
        self, ann: User, admin_user: User
    ) -> None:
        clerk = allow(
            User.objects.create_user("clerk", is_staff=True), "add_apikey", "view_apikey"
        )
        client = Client()
        client.force_login(clerk)
        sent = {"name": "Mine", "user": admin_user.pk, "scopes": ["read"], "days": "30"}
        client.post("/admin/workflow/apikey/add/", sent)
        assert not ApiKey.objects.exists()
        client.post("/admin/workflow/apikey/add/", {**sent, "user": clerk.pk})
        assert last_key().user == clerk

    def test_an_impossible_one_is_told(self, staff: Client, ann: User) -> None:
        sent = {"name": "Ledger", "user": ann.pk, "scopes": ["read"], "days": "9999"}
        assert "366" in staff.post("/admin/workflow/apikey/add/", sent).content.decode()
        assert not ApiKey.objects.exists()


def test_a_key_for_nothing_is_not_made(ann: User) -> None:
    with pytest.raises(InvalidRequest, match="scope"):
        make(name="x", user=ann, scopes=[], lasts=timedelta(days=1), by=None, now=clock.now())
