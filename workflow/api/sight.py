"""Finding what an address names, if who calls may see it; for all others it is not there."""

from __future__ import annotations

from uuid import UUID

from workflow.api.caller import Caller
from workflow.api.problems import Problem
from workflow.models import EffectEntry, Record, TransitionEnvelope
from workflow.queries.subjects import visible


def record_for(caller: Caller, pk: UUID) -> Record:
    """Return a record.

    Raises:
        Problem: There is none, or it is not theirs to see.
    """
    found = Record.objects.filter(pk=pk).first()
    if found is None or found.pk not in visible(records=[found], user=caller.user):
        raise Problem("not_found", "There is no such record, or it is not yours to see.")
    return found


def transition_for(caller: Caller, pk: UUID) -> TransitionEnvelope:
    """Return a requested transition: one's own, or of a record that one may see.

    Raises:
        Problem: There is none, or it is not theirs to see.
    """
    found = TransitionEnvelope.objects.select_related("record").filter(pk=pk).first()
    if found is None or not (
        found.actor_id == caller.user.pk or visible(records=[found.record], user=caller.user)
    ):
        raise Problem("not_found", "There is no such transition, or it is not yours to see.")
    return found


def effect_for(caller: Caller, pk: int) -> EffectEntry:
    """Return a downstream call of a record that one may see.

    Raises:
        Problem: There is none, or it is not theirs to see.
    """
    rows = EffectEntry.objects.select_related("envelope__record")
    found = rows.filter(pk=pk).first()
    if found is None or not visible(records=[found.envelope.record], user=caller.user):
        raise Problem("not_found", "There is no such call, or it is not yours to see.")
    return found
