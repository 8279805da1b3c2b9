"""The trail as a whole, the newest entry first, and what is looked for in it."""

from __future__ import annotations

from django.db.models import QuerySet

from audit.models import Entry
from workflow.models import Record, TransitionEnvelope
from workflow.queries.search import as_uuid

NEWEST = 100_000
"""Actions and actors are looked for among so many of the newest entries: the trail has no index
over them, since each would be paid for with every entry that is written."""

_MOST = 200


def entries(*, text: str = "", action: str = "") -> tuple[QuerySet[Entry], bool]:
    """Return entries, and whether only the newest were looked at; at most three statements.

    Args:
        text: A record's id or the beginning of its reference, a transition id, a correlation id,
            or an actor's printed name.
    """
    found = Entry.objects.all()
    is_bounded = bool(action)
    if text:
        found, is_named = _named(text)
        if not is_named:
            found = Entry.objects.filter(actor__iexact=text)
        is_bounded = not is_named
    if action:
        found = found.filter(action=action)
    if is_bounded:
        newest = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
        found = found.filter(id__gt=newest - NEWEST)
    return found, is_bounded


def _named(text: str) -> tuple[QuerySet[Entry], bool]:
    key = as_uuid(text)
    if key is not None:
        by_chain = Entry.objects.filter(chain=key)
        return (
            (by_chain, True)
            if by_chain.exists()
            else (
                Entry.objects.filter(transition_id=key),
                True,
            )
        )
    records = list(
        Record.objects.filter(reference__startswith=text).values_list("pk", flat=True)[:_MOST]
    )
    if records:
        return Entry.objects.filter(chain__in=records), True
    envelopes = list(
        TransitionEnvelope.objects.filter(correlation_id=text).values_list("pk", flat=True)[:_MOST]
    )
    if envelopes:
        return Entry.objects.filter(transition_id__in=envelopes), True
    return Entry.objects.none(), False
