"""Making the value that a handler gets from its ledger row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflow.definition import Call
from workflow.effects.declared import Declared
from workflow.models import EffectEntry, Phase


def call_of(
    *,
    entry: EffectEntry,
    declared: Declared,
    traceparent: str,
    report: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> Call:
    """Return the call of a claimed row.

    Args:
        traceparent: Trace context of this attempt, a span of its own in the request's trace.
    """
    envelope = entry.envelope
    return Call(
        key=entry.key,
        effect=entry.name,
        channel=entry.channel,
        transition_id=envelope.transition_id,
        workflow=envelope.workflow,
        transition=envelope.transition,
        reference=envelope.record.reference,
        request=entry.request,
        receipt=_receipt(entry),
        attempt=entry.attempts + 1,
        first_sent_at=entry.first_sent_at,
        correlation_id=envelope.correlation_id,
        traceparent=traceparent,
        timeout=declared.timeout,
        report=report,
        cancelled=cancelled,
    )


def _receipt(entry: EffectEntry) -> Mapping[str, Any]:
    """Return the receipt of what is to be undone, or of the acceptance that is polled."""
    if entry.phase == Phase.UNDO and entry.undoes is not None:
        receipt: Mapping[str, Any] = entry.undoes.receipt
        return receipt
    return dict(entry.receipt)
