"""Health: is the process there, can it serve, and is work being done?

*live* asks nothing but the process: restart it if this fails. *ready* asks the database and its
migrations: send it no requests while this fails. *working* asks whether due work is begun; it is
about the workers, so do not restart the web process for it, wake somebody.
"""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflow.engine import clock
from workflow.models import guards
from workflow.queries.pending import pending
from workflow.queries.progress import progress

_seen_migrated: set[str] = set()
"""Databases whose migrations were found complete; they do not become less so."""


@require_safe
@never_cache
def live(_: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return _answer({})


@require_safe
@never_cache
def ready(_: HttpRequest) -> JsonResponse:
    """Say whether the database answers, is migrated, and has its guards."""
    try:
        return _answer(_readiness())
    except (DatabaseError, InterfaceError) as error:
        return _answer({"database": f"does not answer: {type(error).__name__}"})


@require_safe
@never_cache
def working(_: HttpRequest) -> JsonResponse:
    """Say whether due work is being begun; a wedged cluster fails this."""
    try:
        found = progress(now=clock.now())
    except (DatabaseError, InterfaceError) as error:
        return _answer({"database": f"does not answer: {type(error).__name__}"})
    oldest = found.oldest_due
    return _answer(
        {"work": found.problem} if found.problem else {},
        workers=found.workers,
        oldest_due_seconds=0.0 if oldest is None else round(oldest.total_seconds(), 1),
    )


def _readiness() -> dict[str, str]:
    problems = {}
    if connection.alias not in _seen_migrated:
        missing = pending(connection)
        if missing:
            problems["migrations"] = f"{len(missing)} are not applied: run `manage.py migrate`."
        else:
            _seen_migrated.add(connection.alias)
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    if not problems:
        gone = guards.missing(connection)
        if gone:
            problems["guards"] = f"{len(gone)} are missing: run `manage.py migrate`."
    return problems


def _answer(problems: dict[str, str], **figures: float) -> JsonResponse:
    status = "failing" if problems else "ok"
    body = {"status": status, **figures, "problems": problems}
    return JsonResponse(body, status=503 if problems else 200)
