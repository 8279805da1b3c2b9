"""The scene that the browser tests play in: declarations on their way, some of them in trouble.

Everything in it came about through the engine and over HTTP: calls that were dropped after they
were done, calls to an address that is not there, guards that said no.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from audit import keys
from workflow.engine import clock
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import BackfillRun, Cluster, Record, TransitionEnvelope
from workflow.testing.downstream.faults import Fault, Faults
from workflow.testing.downstream.simulators import Simulators
from workflow.testing.drain import drain
from workflow.worker.schedule import schedule_backfill
from workflow.worker.scheduled import TASK

PASSWORD = "stage-password-1"

PEOPLE = {
    "emma": ("Emma", "Visser", ["EMPLOYEE"], False),
    "anna": ("Anna", "de Boer", ["ADMINISTRATION"], False),
    "bram": ("Bram", "Bakker", ["BUDGET OWNER"], False),
    "sofie": ("Sofie", "Jansen", ["SUPERVISOR", "EMPLOYEE"], False),
    "petra": ("Petra", "Smit", ["PAYMENTS"], False),
    "carla": ("Carla", "Mulder", ["CONTROL"], False),
    "sue": ("Sue", "Peters", ["Workflow support"], True),
    "otto": ("Otto", "Hendriks", ["Workflow operator"], True),
    "audrey": ("Audrey", "Meijer", ["Workflow auditor"], True),
}
"""First and last name, groups, whether staff."""

PURPOSES = (
    "Conference in Utrecht",
    "Visit to the partner school",
    "Field work, day 2",
    "Examination board",
    "Train to the project meeting",
    "Guest lecture",
)


@dataclass(kw_only=True)
class Stage:
    """Who and what is there."""

    good: Simulators
    dropping: Simulators
    people: dict[str, User] = field(default_factory=dict)
    count: int = 0

    def draft(self, **fields: object) -> Record:
        """Start a declaration."""
        self.count += 1
        number = f"D-2026-{self.count:04}"
        today = timezone.localdate()
        values = {
            "claimant": self.people["emma"],
            "number": number,
            "purpose": PURPOSES[self.count % len(PURPOSES)],
            "amount": Decimal("38.40") + self.count * Decimal("7.35"),
            "expense_date": today - timedelta(days=9),
            "declared_on": today - timedelta(days=2),
            "receipts": 2,
            "budget_number": f"B-{110 + self.count % 7}",
            **fields,
        }
        return start(
            workflow=DECLARATION,
            subject=Declaration(**values),
            reference=number,
            user=values["claimant"],
            now=clock.now(),
        )

    def ask(self, record: Record, who: str, transition: str, **more: object) -> TransitionEnvelope:
        """Request a transition; nobody works on it yet."""
        wish = Request(record=record.pk, transition=transition, user=self.people[who], **more)
        return submit(request=wish, now=clock.now()).envelope

    def do(self, record: Record, *steps: tuple[str, str]) -> Record:
        """Bring a record along a way, with everything working."""
        with self.calling(self.good):
            for who, transition in steps:
                reason = "Receipt 2 is missing." if transition.startswith("reject") else ""
                self.ask(record, who, transition, reason=reason)
                drain()
        record.refresh_from_db()
        return record

    @contextmanager
    def calling(self, simulators: Simulators, path: str = "") -> Iterator[None]:
        """Let calls go to these simulators."""
        with override_settings(DECLARATIONS_DOWNSTREAM_URL=f"{simulators.url}{path}"):
            yield


SUBMITTED = (("emma", "submit"),)
CHECKED = (*SUBMITTED, ("anna", "check"))
APPROVED = (*CHECKED, ("sofie", "approve_final"))
PAID = (*APPROVED, ("petra", "request_payment"), ("petra", "confirm_payment"))


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start the downstreams and the people."""
    good = Simulators(journal=folder / "good.sqlite3")
    dropping = Simulators(
        journal=folder / "dropping.sqlite3", faults=Faults(rates={Fault.DROPS_AFTER: 1.0})
    )
    made = Stage(good=good, dropping=dropping)
    for name, (first, last, groups, is_staff) in PEOPLE.items():
        user = User.objects.create_user(
            name,
            password=PASSWORD,
            first_name=first,
            last_name=last,
            is_staff=is_staff,
            email=f"{name}@stage.invalid",
        )
        user.groups.set(Group.objects.filter(name__in=groups))
        made.people[name] = user
    made.people["sofie"].user_permissions.add(Permission.objects.get(codename="bulk_transition"))
    try:
        with override_settings(
            DECLARATIONS_DOWNSTREAM_URL=good.url,
            ESCAPEMENT={**settings.ESCAPEMENT, "TASKS": [TASK]},
            AUDIT={**settings.AUDIT, "SEAL_KEY_FILE": str(folder / "seal.pem")},
            EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        ):
            yield made
    finally:
        good.close()
        dropping.close()


def furnish(made: Stage) -> dict[str, Record | TransitionEnvelope]:
    """Bring about everything that a page can show; return the showpieces by name."""
    found: dict[str, Record | TransitionEnvelope] = {}
    found["paid"] = made.do(
        made.draft(),
        *CHECKED,
        ("bram", "reject_as_budget_owner"),
        ("emma", "take_back"),
        *CHECKED,
        ("bram", "approve_budget"),
        *PAID[2:],
    )
    for _ in range(6):
        made.do(made.draft(), *PAID)
    found["draft"] = made.draft()
    found["submitted"] = made.do(made.draft(), *SUBMITTED)
    found["costly"] = made.do(made.draft(amount=Decimal(3200), receipts=0), *SUBMITTED)
    refused = made.do(made.draft(amount=Decimal(2900)), *SUBMITTED)
    made.do(refused, ("sofie", "approve_final"))
    found["refused"] = refused
    checked = [made.do(made.draft(), *CHECKED) for _ in range(18)]
    _lose_calls(made, checked[:14], found)
    _doubt(made, checked[14], found)
    found["checked"] = checked[15]
    with made.calling(made.good):
        found["running"] = made.ask(checked[16], "sofie", "approve_final")
    now = clock.now()
    Cluster.objects.create(
        name="app-1.4711", started_at=now - timedelta(hours=26), seen_at=now, workers=3
    )
    Cluster.objects.create(
        name="app-2.4698",
        started_at=now - timedelta(hours=50),
        seen_at=now - timedelta(minutes=40),
        stopped_at=now - timedelta(minutes=40),
        workers=3,
        restarts=1,
    )
    _watch(now)
    return found


def _lose_calls(
    made: Stage, records: list[Record], found: dict[str, Record | TransitionEnvelope]
) -> None:
    """Approve while the budget ledger's address is wrong: a failure that a person must mend."""
    with made.calling(made.good, "/moved"):
        for record in records[:13]:
            envelope = made.ask(record, "sofie", "approve_final", reason="As agreed.")
        drain()
    envelope.refresh_from_db()
    found["parked"] = envelope
    with made.calling(made.dropping):
        envelope = made.ask(records[13], "sofie", "approve_final")
        for minutes in range(0, 12, 2):
            drain(ahead=timedelta(minutes=minutes))  # so that the next try is some minutes away
    envelope.refresh_from_db()
    found["backing_off"] = envelope


def _doubt(made: Stage, record: Record, found: dict[str, Record | TransitionEnvelope]) -> None:
    """Stop an approved payment while the letter provider drops calls that it has done."""
    made.do(record, ("sofie", "approve_final"))
    with made.calling(made.dropping):
        envelope = made.ask(record, "carla", "stop_payment", reason="Paid twice by card.")
        drain()
    envelope.refresh_from_db()
    found["in_doubt"] = envelope
    assert made.good.url == settings.DECLARATIONS_DOWNSTREAM_URL


def _watch(now: datetime) -> None:
    """Seal the trail, read it back, and have history brought in every night."""
    keys.make(Path(settings.AUDIT["SEAL_KEY_FILE"]))
    for command in ("audit_seal", "audit_verify"):
        call_command(command, stdout=io.StringIO(), stderr=io.StringIO())
    night = now.replace(hour=3, minute=0, second=0, microsecond=0)
    source = {"source": "/srv/legacy/declarations.csv", "mapping": "declarations"}
    schedule_backfill(**source, every="day", first=night + timedelta(days=1))
    BackfillRun.objects.create(
        workflow="declaration",
        started_by="clock",
        state=BackfillRun.State.FINISHED,
        started_at=now - timedelta(hours=7),
        finished_at=now - timedelta(hours=6, minutes=58),
        **source,
    )
