"""Cancelling, retrying, settling, call-backs and pauses over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from tests.api.conftest import Api, Caller, allow, problem, written
from tests.effects.conftest import Make
from tests.effects.errand import Script
from workflow.definition import Pending, Permanent, Unknown
from workflow.engine import clock
from workflow.models import EffectEntry, Record, TransitionEnvelope
from workflow.testing.drain import drain


def parked(api: Api, make: Make, script: Script) -> str:
    """A transition that waits for a person, as its reservation failed for good."""
    script.answers["reserve"] = [Permanent("closed")]
    asked = api.ask(make(), "reserve").json()
    drain()
    told = api.get(f"transitions/{asked['id']}").json()
    assert told["state"] == "parked"
    assert told["standing"]["needs_person"] is True
    key: str = asked["id"]
    return key


def in_doubt(api: Api, make: Make, script: Script) -> dict[str, Any]:
    script.answers["letter"] = [Unknown(reason="line cut")]
    api.ask(make(), "send_letter")
    drain()
    (found,) = api.get("effects", {"state": "in_doubt"}).json()["items"]
    told: dict[str, Any] = found
    return told


class TestCancel:
    def test_it_is_taken_back_in_the_callers_name(self, api: Api, probe_record: Record) -> None:
        asked = api.ask(probe_record).json()
        told = api.post(f"transitions/{asked['id']}/cancel", {"reason": "a mistake"})
        assert (told.status_code, told.json()["state"]) == (200, "cancelled")
        entry = Entry.objects.get(chain=probe_record.pk, action="cancelled")
        assert (entry.actor, entry.reason) == ("Ann Lee", "a mistake")

    def test_one_that_is_done_stays(self, api: Api, probe_record: Record) -> None:
        asked = api.ask(probe_record).json()
        drain()
        before = written()
        answer = api.post(f"transitions/{asked['id']}/cancel", {"reason": "too late"})
        assert "fired" in problem(answer, 409, "wrong_state")["detail"]
        assert written() == before

    @pytest.mark.parametrize(
        "body",
        [{}, {"reason": ""}, {"reason": "  "}, {"reason": 7}, {"reason": "x", "fence": "1"},
         {"reason": "x", "force": True}, {"reason": "x" * 10_001}, {"reason": "a\x00"}],
    )  # fmt: skip
    def test_without_a_reason_nothing_is_done(
        self, api: Api, probe_record: Record, body: dict[str, Any]
    ) -> None:
        asked = api.ask(probe_record).json()
        before = written()
        problem(api.post(f"transitions/{asked['id']}/cancel", body), 422, "invalid_request")
        assert written() == before

    def test_it_takes_the_right_to_it_and_the_attempt_is_entered(
        self, api: Api, keyed: Caller, probe_record: Record
    ) -> None:
        asked = api.ask(probe_record).json()
        bob = allow(User.objects.create_user("bob"), "view_record")
        answer = keyed(bob).post(f"transitions/{asked['id']}/cancel", {"reason": "x"})
        problem(answer, 403, "permission_denied")
        assert TransitionEnvelope.objects.get(pk=asked["id"]).state == "waiting"
        assert Entry.objects.filter(chain=probe_record.pk, action="denied").count() == 1


class TestRetry:
    def test_it_goes_on_under_its_own_id(self, api: Api, make: Make, script: Script) -> None:
        key = parked(api, make, script)
        told = api.post(f"transitions/{key}/retry", {"reason": "it is open again"})
        assert told.status_code == 200, told.content
        drain()
        assert api.get(f"transitions/{key}").json()["state"] == "fired"

    def test_twice_runs_once(self, api: Api, make: Make, script: Script) -> None:
        key = parked(api, make, script)
        api.post(f"transitions/{key}/retry", {"reason": "go on"})
        again = api.post(f"transitions/{key}/retry", {"reason": "go on"})
        problem(again, 409, "wrong_state")

    def test_what_has_changed_since_is_left_alone(
        self, api: Api, make: Make, script: Script
    ) -> None:
        key = parked(api, make, script)
        answer = api.post(f"transitions/{key}/retry", {"reason": "go on", "fence": 99})
        problem(answer, 409, "wrong_state")
        assert api.get(f"transitions/{key}").json()["state"] == "parked"


class TestSettle:
    @pytest.mark.parametrize(
        ("verdict", "more", "state", "sent"),
        [
            ("happened", {"receipt": {"number": 7}}, "done", 1),
            ("did_not_happen", {}, "done", 2),
            ("give_up", {}, "abandoned", 1),
        ],
    )
    def test_each_verdict(
        self,
        api: Api,
        make: Make,
        script: Script,
        verdict: str,
        more: dict[str, Any],
        state: str,
        sent: int,
    ) -> None:
        found = in_doubt(api, make, script)
        body = {"verdict": verdict, "fence": found["fence"], "reason": "asked them", **more}
        told = api.post(f"effects/{found['id']}/settle", body)
        assert told.status_code == 200, told.content
        drain()
        assert api.get(f"effects/{found['id']}").json()["state"] == state
        assert script.names.count("letter") == sent

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"fence": 99}, 409, "wrong_state"),
            ({"verdict": "retry"}, 409, "wrong_state"),  # its downstream would do it twice
            ({"verdict": "happened", "receipt": {}}, 422, "invalid_request"),
            ({"verdict": "happened", "receipt": []}, 422, "invalid_request"),
            ({"verdict": "happened", "receipt": {"n": "\x00"}}, 422, "invalid_request"),
            ({"verdict": "happened", "receipt": {"n": "x" * 70_000}}, 422, "invalid_request"),
            ({"verdict": "give_up", "receipt": {"number": 7}}, 422, "invalid_request"),
            ({"verdict": "maybe"}, 422, "invalid_request"),
            ({"fence": None}, 422, "invalid_request"),
            ({"fence": "1"}, 422, "invalid_request"),
            ({"reason": ""}, 422, "invalid_request"),
        ],
    )
    def test_what_cannot_be_done_is_not(
        self,
        api: Api,
        make: Make,
        script: Script,
        change: dict[str, Any],
        status: int,
        code: str,
    ) -> None:
        found = in_doubt(api, make, script)
        body = {"verdict": "did_not_happen", "fence": found["fence"], "reason": "x", **change}
        before = written()
        problem(api.post(f"effects/{found['id']}/settle", body), status, code)
        assert written() == before
        assert api.get(f"effects/{found['id']}").json()["state"] == "in_doubt"

    def test_it_takes_the_right_to_it(
        self, api: Api, keyed: Caller, make: Make, script: Script
    ) -> None:
        found = in_doubt(api, make, script)
        bob = allow(User.objects.create_user("bob"), "view_record", "retry_transition")
        body = {"verdict": "give_up", "fence": found["fence"], "reason": "x"}
        answer = keyed(bob).post(f"effects/{found['id']}/settle", body)
        problem(answer, 403, "permission_denied")


class TestCallBack:
    @pytest.fixture
    def key(self, api: Api, make: Make, script: Script) -> str:
        script.answers["notify"] = [Pending()]
        asked = api.ask(make(), "notify").json()
        drain()
        return f"{asked['id']}:notify"

    def test_it_ends_the_wait_and_repeats_are_harmless(
        self, api: Api, keyed: Caller, ann: User, key: str
    ) -> None:
        bank = keyed(ann, "call_back")
        told = bank.post(f"call-backs/{key}", {"number": 7})
        assert told.json() == {"key": key, "state": "done", "is_repeat": False}
        again = bank.post(f"call-backs/{key}", {"number": 7})
        assert again.json()["is_repeat"] is True
        drain()
        assert api.get(f"transitions/{key.partition(':')[0]}").json()["state"] == "fired"
        problem(bank.post(f"call-backs/{key}", {"number": 8}), 409, "wrong_state")

    @pytest.mark.parametrize(
        "body",
        [
            b"[]", b"7", b"null", b"{", b"",
            b'{"number": "\\u0000"}', b'{"\\u0000": 1}',
            b'{"number": "' + b"x" * 70_000 + b'"}',
        ],
    )  # fmt: skip
    def test_what_is_no_object_changes_nothing(self, api: Api, key: str, body: bytes) -> None:
        before = EffectEntry.objects.values().get()
        assert api.post(f"call-backs/{key}", body).status_code in (400, 422)
        assert EffectEntry.objects.values().get() == before

    @pytest.mark.parametrize(
        ("key", "status"),
        [("x", 422), ("x:y", 422), (f"{UUID(int=9)}:pay", 404), ("0" * 33 + ":pay", 404)],
    )
    def test_a_key_that_nobody_got(self, api: Api, key: str, status: int) -> None:
        answer = api.post(f"call-backs/{key}", {"number": 7})
        problem(answer, status, "not_found" if status == 404 else "invalid_request")


class TestPauses:
    def test_they_hold_up_and_let_go(self, api: Api, probe_record: Record) -> None:
        until = (clock.now() + timedelta(hours=1)).isoformat()
        stop = {"scope": "workflow", "name": "probe", "reason": "an audit", "until": until}
        assert api.post("pauses", stop).status_code == 201
        (row,) = api.get("pauses").json()["items"]
        assert (row["name"], row["reason"], row["paused_by"]) == ("probe", "an audit", "ann")
        asked = api.ask(probe_record).json()
        drain()
        told = api.get(f"transitions/{asked['id']}").json()
        assert (told["state"], told["standing"]["cause"]) == ("waiting", "paused")
        problem(api.post("pauses", stop), 409, "wrong_state")
        lift = {"scope": "workflow", "name": "probe", "reason": "it is over"}
        assert api.post("pauses/lift", lift).status_code == 200
        assert api.get("pauses").json()["items"] == []
        problem(api.post("pauses/lift", lift), 409, "wrong_state")
        drain()
        assert api.get(f"transitions/{asked['id']}").json()["state"] == "fired"

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"scope": "world"}, 422, "invalid_request"),
            ({"name": "nowhere"}, 422, "invalid_request"),
            ({"name": "A B"}, 422, "invalid_request"),
            ({"reason": " "}, 422, "invalid_request"),
            ({"until": "2000-01-01T00:00:00Z"}, 422, "invalid_request"),
            ({"until": 5}, 422, "invalid_request"),
            ({"until": "9999-12-31T23:59:59Z"}, 422, "invalid_request"),
        ],
    )
    def test_what_cannot_be_done_is_not(
        self,
        api: Api,
        nothing_written: None,
        change: dict[str, Any],
        status: int,
        code: str,
    ) -> None:
        stop = {"scope": "workflow", "name": "probe", "reason": "x", **change}
        problem(api.post("pauses", stop), status, code)


def test_who_had_a_part_in_it_may_not_settle_it(api: Api, make: Make, script: Script) -> None:
    script.answers["letter"] = [Unknown(reason="line cut")]
    api.ask(make(), "witness")
    drain()
    (effect,) = api.get("effects", {"state": "in_doubt"}).json()["items"]

    answer = api.post(
        f"effects/{effect['id']}/settle",
        {"verdict": "did_not_happen", "fence": effect["fence"], "reason": "I know"},
    )

    told = problem(answer, 403, "separation_of_duties")
    assert told["refusals"][0]["code"] == "separation_of_duties"
    assert EffectEntry.objects.get(pk=effect["id"]).state == "in_doubt"
    assert Entry.objects.filter(action="denied").count() == 1
