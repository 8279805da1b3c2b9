"""What support copies into a ticket: everything that the next person asks for."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from workflow.models import Record, TransitionEnvelope
from workflow.queries import names
from workflow.queries.moments import clock_time
from workflow.queries.verdict import Verdict


def of_record(*, record: Record, verdict: Verdict, address: str, now: datetime) -> str:
    """Return the text about a record."""
    return "\n".join(
        [
            f"{names.workflow(record.workflow)} {record.reference}",
            verdict.sentence,
            *([verdict.next_act] if verdict.next_act else []),
            _("Status: %(status)s, version %(version)d")
            % {
                "status": names.status(record.workflow, record.status),
                "version": record.version,
            },
            _("Record: %(id)s") % {"id": record.pk},
            address,
            _("Looked up: %(at)s") % {"at": clock_time(now, now=now)},
        ]
    )


def of_envelope(
    *, envelope: TransitionEnvelope, verdict: Verdict, address: str, now: datetime
) -> str:
    """Return the text about one requested transition."""
    what = names.transition(envelope.workflow, envelope.transition)
    return "\n".join(
        [
            f"{names.workflow(envelope.workflow)} {envelope.record.reference}: {what}",
            verdict.sentence,
            *([verdict.next_act] if verdict.next_act else []),
            _("Transition id: %(id)s") % {"id": envelope.pk},
            _("Correlation id: %(id)s") % {"id": envelope.correlation_id},
            _("Attempts: %(n)d, code: %(code)s")
            % {"n": envelope.attempts, "code": envelope.code or "-"},
            address,
            _("Looked up: %(at)s") % {"at": clock_time(now, now=now)},
        ]
    )
