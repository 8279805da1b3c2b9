"""What waits, since when, and who is there to do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflow.models import Cluster, State, TransitionEnvelope
from workflow.queries.counting import Count, count
from workflow.queries.moments import duration
from workflow.queries.world import SILENT_AFTER


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """The queue at one moment."""

    due: Count
    """Waiting, and due."""

    oldest_due: timedelta | None
    """How long the oldest due one has waited; None if nothing is due."""

    later: Count
    """Waiting for a later time: backing off."""

    running: Count
    calling: Count
    """Waiting for a downstream call, or for one to be taken back."""

    parked: Count
    scheduled: Count
    """For later, timers included."""

    next_scheduled_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Clusters that have signed, the latest first."""

    clusters: tuple[Cluster, ...]
    alive: int
    """Worker processes of clusters that signed lately."""

    now: datetime

    def is_alive(self, cluster: Cluster) -> bool:
        """Return whether a cluster has signed lately and was not stopped."""
        return cluster.stopped_at is None and cluster.seen_at > self.now - SILENT_AFTER


def backlog(*, now: datetime) -> Backlog:
    """Return the queue in eight statements, none of which reads more than it needs."""
    envelopes = TransitionEnvelope.objects
    ready = envelopes.ready(now=now)
    scheduled = envelopes.filter(state=State.SCHEDULED)
    oldest = ready.aggregate(at=Min("due_at"))["at"]
    return Backlog(
        due=count(ready),
        oldest_due=None if oldest is None else now - oldest,
        later=count(envelopes.filter(state=State.WAITING, due_at__gt=now)),
        running=count(envelopes.filter(state=State.RUNNING, due_at__isnull=False)),
        calling=count(envelopes.in_flight().filter(state__in=[State.CALLING, State.UNDOING])),
        parked=count(envelopes.filter(state=State.PARKED)),
        scheduled=count(scheduled.filter(due_at__isnull=False)),
        next_scheduled_at=scheduled.filter(due_at__isnull=False).aggregate(at=Min("due_at"))["at"],
    )


def workers(*, now: datetime) -> Workers:
    """Return who is there to work, in one statement."""
    found = tuple(Cluster.objects.order_by("-seen_at")[:20])
    alive = sum(
        each.workers
        for each in found
        if each.stopped_at is None and each.seen_at > now - SILENT_AFTER
    )
    return Workers(clusters=found, alive=alive, now=now)


def sentence(
    *, backlog: Backlog, workers: Workers, needing: int, held: Sequence[str] = ()
) -> tuple[str, str]:
    """Return tone and words for the whole system.

    Args:
        needing: How many transitions and calls need a person.
        held: Names of the channels that hold calls back: failing, or paused.
    """
    if not workers.alive:
        waiting = backlog.due
        return (
            "bad",
            _("No worker is alive, and %(n)s due. Start one: manage.py work.") % {"n": waiting}
            if waiting
            else _("No worker is alive. Nothing waits yet. Start one: manage.py work."),
        )
    late = backlog.oldest_due
    if late is not None and late > timedelta(seconds=30):
        words = _("%(n)s due; the oldest has waited for %(time)s.") % {
            "n": backlog.due,
            "time": duration(late),
        }
        if not needing:
            return "warn", words
        also = ngettext("%(n)d case needs a person.", "%(n)d cases need a person.", needing)
        return "bad", f"{words} {also % {'n': needing}}"
    if needing:
        return "bad", ngettext(
            "Working; %(n)d case needs a person.", "Working; %(n)d cases need a person.", needing
        ) % {"n": needing}
    if held:
        return "warn", ngettext(
            "Working; the channel %(names)s holds its calls back.",
            "Working; %(n)d channels hold their calls back: %(names)s.",
            len(held),
        ) % {"n": len(held), "names": ", ".join(held)}
    return "good", _("All is well: whatever is due is being done.")
