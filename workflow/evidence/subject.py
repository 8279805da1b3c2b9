"""What a bundle tells of a record: its entries, where it stands, what was asked, its fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from simple_history.utils import get_history_manager_for_model

from audit.canonical import moment
from audit.models import Entry
from workflow.definition import UnknownDefinition, registry
from workflow.engine.sign import as_evidence
from workflow.models import Record, Signature, TransitionEnvelope
from workflow.models.snapshot import snapshot
from workflow.queries.signed import asked

_LOOKS = 5


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that is written of one chain."""

    chain: UUID
    record: Record | None
    """None where it is gone, or never was."""

    entries: Sequence[Entry]
    envelopes: Sequence[TransitionEnvelope]
    signatures: dict[UUID, Signature]
    history: Sequence[dict[str, Any]]
    """The rows of the field history in their order; `snapshot` has the fields as JSON."""


def tell(chain: UUID) -> Told:
    """Return what is written of a chain, at one moment as far as the record's status goes."""
    record = Record.objects.filter(pk=chain).first()
    for _ in range(_LOOKS):
        told = _told(chain, record)
        again = Record.objects.filter(pk=chain).first()
        if (again and again.version) == (record and record.version):
            break
        record = again
    return told


def as_line(told: Told, record: Record) -> dict[str, Any]:
    """Return the record as a line of the bundle."""
    return {
        "record": told.chain.hex,
        "workflow": record.workflow,
        "reference": record.reference,
        "status": record.status,
        "version": record.version,
        "last_transition": record.last_transition_id.hex if record.last_transition_id else "",
        "envelopes": [_envelope(each, told.signatures.get(each.pk)) for each in told.envelopes],
        "history": list(told.history),
    }


def _told(chain: UUID, record: Record | None) -> Told:
    envelopes = list(
        TransitionEnvelope.objects.filter(record=chain).order_by("requested_at", "pk")
    )
    return Told(
        chain=chain,
        record=record,
        entries=list(Entry.objects.filter(chain=chain).order_by("sequence")),
        envelopes=envelopes,
        signatures={each.pk: each for each in Signature.objects.filter(envelope__record=chain)},
        history=[] if record is None else list(_history(record)),
    )


def _envelope(envelope: TransitionEnvelope, signature: Signature | None) -> dict[str, Any]:
    return {
        **asked(envelope),
        "transition_id": envelope.pk.hex,
        "target": envelope.target,
        "actor_label": envelope.actor_label,
        "origin": envelope.origin,
        "digest": envelope.digest,
        "requested_at": moment(envelope.requested_at),
        "state": envelope.state,
        "code": envelope.code,
        "message": envelope.message,
        "resulting_version": envelope.resulting_version,
        "finished_at": moment(envelope.finished_at) if envelope.finished_at else None,
        "signature": None
        if signature is None
        else {**as_evidence(signature), "content": signature.content},
    }


def _history(record: Record) -> Iterator[dict[str, Any]]:
    try:
        model = registry.latest(record.workflow).subject
    except UnknownDefinition:
        return
    rows = get_history_manager_for_model(model).model.objects.filter(record_id=record.pk)
    for row in rows.order_by("history_date", "history_id").iterator():
        yield {
            "at": moment(row.history_date),
            "type": row.history_type,
            "transition_id": row.transition_id.hex if row.transition_id else "",
            "by": "" if row.history_user_id is None else str(row.history_user_id),
            "snapshot": snapshot(row=row, model=model),
        }
