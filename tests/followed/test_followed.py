"""J1, J2: one request, followed by its correlation id and its trace through everything.

Real processes: gunicorn takes it, a worker is killed by SIGKILL over it, another takes over, the
downstream turns the first call away and gets a second, and each of them has left its word.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User

from audit.models import Entry
from tests.crash.conftest import Start
from tests.crash.desk.dispatch import DISPATCH
from tests.crash.dispatching import WITHIN, died
from tests.crash.polling import until
from tests.followed.collector import Collector, collector
from tests.followed.conftest import Web
from workflow.acts.api_keys import make as make_key
from workflow.engine import clock
from workflow.engine.boundary import Boundary
from workflow.engine.start import start
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, EffectEntry, Record, TransitionEnvelope
from workflow.testing.downstream import Fault, Faults, simulators

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ID = "order-4711"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"
PURPOSE = "a journey to a place nobody shall know"
REASON = "because of an illness"


def busy_once(key: str) -> Faults:
    """Faults that turn away the first reservation under a key, and nothing else."""
    for seed in count():
        faults = Faults(rates={Fault.BUSY: 0.3}, seed=seed)

        def of(downstream: str, effect: str, attempt: int, faults: Faults = faults) -> Any:
            return faults.of(
                downstream=downstream, method="POST", key=f"{key}:{effect}", attempt=attempt
            )

        others = [
            of("budget", "reserve_budget", 2), of("budget", "reserve_budget", 3),
            of("payments", "instruct_payment", 1), of("payments", "instruct_payment", 2),
            of("reporting", "publish_report", 1), of("reporting", "publish_report", 2),
            of("letters", "registered_letter", 1),
        ]  # fmt: skip
        if of("budget", "reserve_budget", 1) and not any(others):
            return faults
    raise AssertionError("not reached")


def record_of(user: User) -> Record:
    subject = Declaration(
        claimant=user,
        number="F-1",
        purpose=PURPOSE,
        amount="12.50",
        expense_date=date(2026, 1, 2),
        declared_on=date(2026, 1, 3),
    )
    return start(workflow=DISPATCH, subject=subject, reference="F-1", user=None, now=clock.now())


def lines(*logs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for log in logs for line in log.read_text().splitlines()]


def ask(web: Web, record: Record, key: str, text: str) -> Any:
    request = urllib.request.Request(
        f"{web.url}/api/v1/records/{record.pk}/transitions",
        json.dumps({"transition": "send", "reason": REASON}).encode(),
        {
            "Authorization": f"Bearer {text}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Correlation-ID": ID,
            "traceparent": CALLER,
        },
    )
    return urllib.request.urlopen(request, timeout=20)


def test_one_request_through_everything(
    ann: User, work: Start, web: Callable[..., Web], tmp_path: Path
) -> None:
    ann.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_record", "request_transition"])
    )
    record = record_of(ann)
    key = str(uuid4())
    text = make_key(
        name="x", user=ann, scopes=["read", "request"], lasts=timedelta(days=1), by=None,
        now=clock.now(),
    ).text  # fmt: skip
    with collector() as traces, simulators(faults=busy_once(key)) as downstream:
        told = {
            "DOWNSTREAM_URL": downstream.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": traces.url,
            "LEASE_SECONDS": 3,
            "SEND_WINDOW_SECONDS": 0.5,
        }
        server = web(**told)
        (tmp_path / Boundary.BATCH_WRITTEN).write_text("")
        cluster = work(workers=2, ESCAPEMENT_DIE_IN=tmp_path, **told)

        with ask(server, record, key, text) as response:
            assert response.status == 202
            assert response.headers["X-Correlation-ID"] == ID
            assert response.headers["traceresponse"].split("-")[1] == TRACE
        died(tmp_path, Boundary.BATCH_WRITTEN)
        envelope = TransitionEnvelope.objects.filter(pk=key)
        unfinished = EffectEntry.objects.filter(envelope=key, finished_at__isnull=True)
        until(
            lambda: envelope.filter(state="fired").exists() and not unfinished.exists(),
            seconds=WITHIN,
            what="done",
        )
        calls = downstream.journal.calls()
        until(lambda: len(traces.named("effect", trace=TRACE)) >= 5, seconds=10, what="spans")

    # The envelope, and the trail.
    (found,) = envelope
    assert (found.correlation_id, found.traceparent[3:35]) == (ID, TRACE)
    endings = list(Attempt.objects.filter(envelope=key).values_list("ending", flat=True))
    assert endings[0] == "died"
    assert endings[-1] == "fired"
    entries = Entry.objects.filter(transition_id=key)
    assert {each.correlation_id for each in entries} == {ID}
    assert {"requested", "died", "calling", "effect_retried", "effect_done", "fired"} <= {
        each.action for each in entries
    }

    # What the downstream got: the same id and trace in every call, a span of its own in each.
    assert {call.correlation_id for call in calls} == {ID}
    assert {call.traceparent.split("-")[1] for call in calls} == {TRACE}
    assert len({call.traceparent for call in calls}) == len(calls) == 5
    assert [call.status for call in calls if call.downstream == "budget"] == [503, 201]

    # What the caller, and a person, see of it.
    said = get(server, f"records/{record.pk}/timeline", text)
    (step,) = [each for each in said["items"] if each["transition_id"] == key]
    assert (step["correlation_id"], step["state"]) == (ID, "fired")
    (listed,) = get(server, f"transitions?correlation_id={ID}", text)["items"]
    assert (listed["id"], listed["trace_id"]) == (key, TRACE)

    check_logs(lines(server.log), lines(cluster.log), key, record)
    check_spans(traces, found, {call.traceparent.split("-")[2] for call in calls})
    everything = server.log.read_text() + cluster.log.read_text()
    for personal in (PURPOSE, REASON, '"ann"', text):
        assert personal not in everything


def get(web: Web, path: str, text: str) -> Any:
    request = urllib.request.Request(
        f"{web.url}/api/v1/{path}", headers={"Authorization": f"Bearer {text}"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def check_logs(
    web: list[dict[str, Any]], worker: list[dict[str, Any]], key: str, record: Record
) -> None:
    """Each line about the request says so, on both sides."""
    served = [line for line in web if line.get("correlation_id") == ID]
    assert {"request.accepted", "web.served"} <= {line["event"] for line in served}
    assert {line["trace_id"] for line in served} == {TRACE}
    worked = [line for line in worker if line.get("transition_id") == key]
    events = {line["event"] for line in worked}
    assert {"attempt.ended", "transition.calling", "transition.fired", "effect.settled"} <= events
    for line in worked:
        assert (line["correlation_id"], line["trace_id"]) == (ID, TRACE), line
        assert (line["record"], bool(line["worker"])) == (str(record.pk), True), line
        assert isinstance(line["attempt"], int), line


def check_spans(traces: Collector, envelope: TransitionEnvelope, sent: set[str]) -> None:
    """Request, envelope, attempts and calls are one tree, under the ids that were sent."""
    (request,) = traces.named("request", trace=TRACE)
    (enclosed,) = traces.named("envelope", trace=TRACE)
    assert request.parent == CALLER.split("-")[2]
    assert enclosed.parent == request.own
    assert enclosed.own == envelope.traceparent.split("-")[2]
    attempts = traces.named("attempt", trace=TRACE)
    calls = traces.named("effect", trace=TRACE)
    assert len(attempts) >= 2
    assert {each.parent for each in attempts + calls} == {enclosed.own}
    assert {each.own for each in calls} == sent
    outcomes = [each.facts["escapement.outcome"] for each in calls]
    assert sorted(outcomes) == ["Done"] * 4 + ["Postponed"]
