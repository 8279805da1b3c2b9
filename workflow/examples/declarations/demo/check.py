"""Whether a demo came out right."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from django.conf import settings

from workflow.examples.declarations.console.child import django
from workflow.examples.declarations.demo.people import ADMIN
from workflow.examples.declarations.demo.web import Visitor
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.replay.ledger import Ledger
from workflow.examples.declarations.replay.plan import Plan
from workflow.examples.declarations.replay.report import Report

_OK = 200


def faults(
    *, plan: Plan, report: Report, ledger: Ledger, visitor: Visitor, password: str
) -> Iterator[str]:
    """Yield everything that is wrong, each in a sentence; nothing if all is right."""
    yield from _outcome(report)
    yield from _effects(ledger)
    yield from _trail()
    yield from _pages(next(iter(plan.cases)), visitor, password)


def _outcome(report: Report) -> Iterator[str]:
    if report.unfinished:
        yield f"{report.unfinished} requested transitions have no outcome."
    for step in report.not_fired[:10]:
        yield f"A planned step did not fire: {step}"
    for each in report.differing[:10]:
        yield f"{each.case} stands in {each.actual}, not in {each.expected}."


def _effects(ledger: Ledger) -> Iterator[str]:
    if ledger.open:
        yield f"{ledger.open} effects are on their way."
    if "instruct_payment" not in ledger.effects:
        yield "Nothing was paid."
    for each in ledger.contradictions:
        yield f"Ledger and downstreams disagree: {each}"


def _trail() -> Iterator[str]:
    verified = subprocess.run(  # noqa: S603  (the command is a constant of this code)
        django("audit_verify"),
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if verified.returncode:
        told = (verified.stdout + verified.stderr).strip()[-2000:]
        yield f"The audit trail does not verify (exit code {verified.returncode}): {told}"


def _pages(number: str, visitor: Visitor, password: str) -> Iterator[str]:
    status, _ = visitor.open("/accounts/login/")
    if status != _OK:
        yield f"The log-in page answers {status}."
    status, page = visitor.sign_in(name=ADMIN, password=password)
    if status != _OK or number.rpartition("-")[0] not in page:
        yield f"After signing in, the list of declarations answers {status} or is empty."
    declaration = Declaration.objects.get(number=number)
    path = f"/declarations/{declaration.pk}/"
    status, page = visitor.open(path)
    if status != _OK or number not in page:
        yield f"The page {path} answers {status}."
    status, _ = visitor.open("/static/escapement/escapement.css")
    if status != _OK:
        yield f"The stylesheet answers {status}."
