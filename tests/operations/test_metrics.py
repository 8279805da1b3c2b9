"""J3: figures that say what is there, and files that ask for figures that exist."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Api, start_probe
from tests.conftest import PROJECT
from tests.effects.conftest import Make
from tests.effects.errand import Script
from workflow.acts.pause import pause
from workflow.definition import Permanent, Unknown
from workflow.engine import clock
from workflow.models import Cluster, Scope, TransitionEnvelope
from workflow.queries import measures as measuring
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def scraped(**headers: str) -> dict[tuple[str, ...], float]:
    """Every sample, under its name and its labels' values in the order of their names."""
    response = Client().get("/metrics", headers=headers)
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            name = sample.name.removeprefix("escapement_")
            found[name, *(sample.labels[each] for each in sorted(sample.labels))] = sample.value
    return found


def test_what_waits_and_what_is_stuck(
    api: Api,
    make: Make,
    script: Script,
    ann: Any,
) -> None:
    script.answers["reserve"] = [Permanent("closed")]
    script.answers["letter"] = [Unknown(reason="line cut")]
    api.ask(make(), "reserve")
    api.ask(make(), "send_letter")
    drain()
    api.ask(start_probe(ann))
    TransitionEnvelope.objects.filter(state="waiting").update(
        due_at=clock.now() - timedelta(seconds=90)
    )
    found = scraped()
    assert found["up",] == 1
    assert found["envelopes", "parked", "errand"] == 1
    assert found["envelopes", "waiting", "probe"] == 1
    assert 90 <= found["oldest_due_seconds", "probe"] < 100
    assert found["effects", "post", "in_doubt"] == 1
    assert found["effects", "ledger", "parked"] == 1
    assert found["finished_recent", "fired", "send_letter", "errand"] == 1
    assert found["first_try_ratio", "errand"] == 1
    assert found["attempts_recent", "errand"] == 1
    assert found["latency_seconds", "0.95", "errand"] > 0
    assert found["workers",] == 0
    assert found["trail_entries_total",] > 5
    assert any(name[0] == "process_cpu_seconds_total" for name in found)


def test_workers_channels_and_pauses(api: Api, make: Make, ann: Any) -> None:
    now = clock.now()
    for name, at, restarts in (("a", now, 2), ("b", now - timedelta(minutes=5), 3)):
        Cluster.objects.create(name=name, started_at=at, seen_at=at, workers=4, restarts=restarts)
    api.ask(make(), "tell")
    drain()
    stop = {"user": ann, "reason": "x", "until": None, "now": now}
    pause(scope=Scope.CHANNEL, name="feed", **stop)
    pause(scope=Scope.WORKFLOW, name="probe", **stop)
    found = scraped()
    assert (found["workers",], found["clusters",], found["cluster_restarts",]) == (4, 1, 5)
    assert found["channel_open", "feed"] == 0
    assert found["channel_failures", "feed"] == 0
    assert found["pauses", "feed", "channel"] == 1
    assert found["pauses", "probe", "workflow"] == 1
    assert found["effect_latency_seconds", "feed", "0.5"] > 0
    assert found["effect_first_try_ratio", "feed"] == 1


def test_what_is_paused_is_not_late(api: Api, probe_record: Any, ann: Any) -> None:
    api.ask(probe_record)
    now = clock.now()
    pause(scope=Scope.WORKFLOW, name="probe", user=ann, reason="x", until=None, now=now)
    TransitionEnvelope.objects.filter(state="waiting").update(due_at=now - timedelta(hours=1))
    assert ("oldest_due_seconds", "probe") not in scraped()


def test_the_number_of_statements_does_not_grow(
    api: Api,
    make: Make,
    django_assert_num_queries: Any,
) -> None:
    list(measuring.measures(now=clock.now()))
    with django_assert_num_queries(14):
        list(measuring.measures(now=clock.now()))
    for _ in range(5):
        api.ask(make(), "all")
    drain()
    with django_assert_num_queries(14):
        list(measuring.measures(now=clock.now()))


class TestWhoMayAsk:
    def test_without_a_token_this_machine_alone(self) -> None:
        assert Client(REMOTE_ADDR="203.0.113.7").get("/metrics").status_code == 401
        behind = Client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
        assert behind.status_code == 401
        assert Client().get("/metrics").status_code == 200

    def test_with_a_token_whoever_has_it(self, settings: Any) -> None:
        settings.ESCAPEMENT = {**settings.ESCAPEMENT, "METRICS_TOKEN": "s3cret"}
        away = Client(REMOTE_ADDR="203.0.113.7")
        assert away.get("/metrics").status_code == 401
        for sent in ("Bearer wrong", "Bearer ", "s3cret2", "Bearer ä"):
            assert away.get("/metrics", headers={"Authorization": sent}).status_code == 401
        known = {"Authorization": "Bearer s3cret"}
        assert away.get("/metrics", headers=known).status_code == 200


def test_a_database_that_is_away_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr("workflow.operations.metrics.measures", away)
    found = scraped()
    assert found["up",] == 0
    assert ("workers",) not in found


def asked_for() -> set[str]:
    alerts = (PROJECT / "deploy/alerts.yaml").read_text()
    board = json.loads((PROJECT / "deploy/grafana/escapement.json").read_text())
    asked = [each["expr"] for panel in board["panels"] for each in panel["targets"]]
    asked += re.findall(r"expr: (.*)", alerts)
    return set(re.findall(r"escapement_(\w+)", " ".join(asked)))


def test_alerts_and_dashboard_ask_for_figures_that_exist() -> None:
    served = {each.name for each in measuring.measures(now=clock.now())} | {
        "up", "trail_entries_total", "seal_age_seconds", "verification_problems",
    }  # fmt: skip
    assert asked_for() <= served
    assert len(asked_for()) > 15


def test_every_alert_leads_to_a_section_of_the_runbook() -> None:
    alerts = (PROJECT / "deploy/alerts.yaml").read_text()
    pages = re.findall(r"runbook: (\S+)#(\S+)", alerts)
    assert len(pages) == alerts.count("- alert:")
    for file, anchor in pages:
        titles = re.findall(r"^#+ (.*)$", (PROJECT / file).read_text(), re.M)
        assert anchor in {re.sub(r"[^\w-]", "", t.lower().replace(" ", "-")) for t in titles}


def test_the_reference_lists_every_figure() -> None:
    text = (PROJECT / "docs/reference/metrics.md").read_text()
    listed = set(re.findall(r"^\| `escapement_(\w+?)(?:_total)?` \|", text, re.M))
    served = {each.name for each in measuring.measures(now=clock.now())} | {
        "up", "seal_age_seconds", "verification_age_seconds", "verification_problems",
    }  # fmt: skip
    assert listed == served
