"""What is to be done about a record, given what is known of it. Writes nothing.

Three kinds of events:

- *The past.* They lie before the record came under the engine. They become reconstructed
  envelopes, which moved no record here: the record is born where they end, or was.
- *Moves.* They came to the source after the record was adopted, and nothing else has moved it
  since. They move it, each by an envelope fired for it, like any other.
- *Neither.* They are rejected: nothing is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from workflow.backfill.judge import Judge, Placed, Rejected, Standing, Step
from workflow.backfill.known import Earlier, Present
from workflow.backfill.mapping import AnyMapping, Case
from workflow.models import Fault


@dataclass(kw_only=True, slots=True)
class Plan:
    """What is to be done about one record."""

    case: Case
    record: UUID
    present: Present | None
    past: list[Step] = field(default_factory=list)
    moves: list[Step] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ids: dict[int, UUID] = field(default_factory=dict)
    """Ids of rejects whose transition id belongs to another row, by row."""

    resolved: list[UUID] = field(default_factory=list)
    """Rejects that are adopted now."""

    earlier: Counter[str] = field(default_factory=Counter)
    """Events of which this run has nothing new to say."""

    @property
    def is_news(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.past or self.moves or self.rejected)

    @property
    def news(self) -> int:
        """How many events there is something to write about."""
        return len(self.past) + len(self.moves) + len(self.rejected)

    def reject_id(self, rejected: Rejected) -> UUID:
        """Return the id under which a reject is kept."""
        return self.ids.get(rejected.placed.told.row, rejected.placed.id)


class Planner:
    """Plans records under one mapping, for one run."""

    def __init__(self, *, mapping: AnyMapping, judge: Judge, run: UUID | None) -> None:
        self._mapping = mapping
        self._judge = judge
        self._run = run

    def plan(self, *, case: Case, present: Present | None, rejects: Mapping[UUID, UUID]) -> Plan:
        """Return what is to be done.

        Args:
            rejects: Events that were rejected before: by whichever run, by their id.

        Raises:
            Exception: Whatever the mapping raises.
        """
        record = self._mapping.record_id(case.reference) if present is None else present.record.pk
        made = Plan(case=case, record=record, present=present)
        placed = self._placed(made)
        if case.is_cut:
            message = "There are more events of this record than fit into memory."
            made.rejected += [
                Rejected(placed=each, fault=Fault.TOO_LONG, message=message) for each in placed
            ]
        elif present is None:
            self._sort_out(made, placed, self._beginning(placed), made.past)
        else:
            self._continue(made, placed, present)
        if rejects:
            self._compare(made, rejects)
        return made

    def refuse(
        self,
        *,
        case: Case,
        present: Present | None,
        rejects: Mapping[UUID, UUID],
        why: tuple[Fault, str],
    ) -> Plan:
        """Return the plan to reject what is new about a record that cannot be done."""
        fault, message = why
        record = self._mapping.record_id(case.reference) if present is None else present.record.pk
        made = Plan(case=case, record=record, present=present)
        earlier = {} if present is None else present.earlier
        made.rejected += [
            Rejected(placed=each, fault=fault, message=message)
            for each in self._placed(made)
            if each.id not in earlier
        ]
        self._compare(made, rejects)
        return made

    def _compare(self, made: Plan, rejects: Mapping[UUID, UUID]) -> None:
        """Take out what was rejected before, and note what is mended."""
        rejected, made.rejected = made.rejected, []
        for each in rejected:
            run = rejects.get(made.reject_id(each))
            if run is None:
                made.rejected.append(each)
            elif run != self._run:
                made.earlier[f"rejected.{each.fault.value}"] += 1
        made.resolved = [
            step.placed.id for step in (*made.past, *made.moves) if step.placed.id in rejects
        ]

    def _placed(self, made: Plan) -> list[Placed]:
        """Give events their ids and places; a second row under one id is told apart."""
        first: dict[UUID, Placed] = {}
        placed = []
        for position, told in enumerate(made.case.events, start=1):
            pk = self._mapping.transition_id(told.event.reference, told.event.id)
            each = Placed(told=told, id=pk, position=position)
            twin = first.setdefault(pk, each)
            if twin is each:
                placed.append(each)
            elif twin.told.event == told.event and twin.told.text == told.text:
                made.earlier["repeated"] += 1
            else:
                message = f"Row {twin.told.row} has event {told.event.id!r} with other content."
                self._reject_row(made, each, Fault.DUPLICATE_ID, message)
        return placed

    def _reject_row(self, made: Plan, placed: Placed, fault: Fault, message: str) -> None:
        """Reject an event whose id is taken, under an id that follows from its content."""
        told = placed.told
        content = f"{told.event.reference}\n{told.text}"
        made.ids[told.row] = uuid5(self._mapping.namespace, f"row\n{content}")
        made.rejected.append(Rejected(placed=placed, fault=fault, message=message))

    def _beginning(self, placed: Sequence[Placed]) -> Standing:
        at = placed[0].told.event.happened_at
        return Standing(status=str(self._mapping.definition(at).initial.value))

    def _sort_out(
        self, made: Plan, placed: Sequence[Placed], standing: Standing, into: list[Step]
    ) -> None:
        for verdict in self._judge.chain(placed, record=made.record, standing=standing):
            if isinstance(verdict, Step):
                into.append(verdict)
            else:
                made.rejected.append(verdict)

    def _continue(self, made: Plan, placed: list[Placed], present: Present) -> None:
        if not present.earlier:
            self._sort_out(made, placed, self._beginning(placed), made.past)
            self._join(made, present)
            return
        new = self._news(made, placed, present)
        between, after = _around(placed, new, present)
        for each in between:
            standing = _before(each, placed, present) or self._beginning([each])
            self._sort_out(made, [each], standing, made.past)
        if present.has_moved_live:
            message = "The record has moved here since it was adopted; this would be a second way."
            made.rejected += [
                Rejected(placed=each, fault=Fault.MOVED_LIVE, message=message) for each in after
            ]
        elif after:
            last = max(each.happened_at for each in present.earlier.values())
            standing = Standing(status=present.record.status, since=last)
            self._sort_out(made, after, standing, made.moves)

    def _news(self, made: Plan, placed: list[Placed], present: Present) -> list[Placed]:
        """Return the events that were not adopted before; reject those that were, otherwise."""
        new = []
        for each in placed:
            before = present.earlier.get(each.id)
            if before is None:
                new.append(each)
            elif self._is_changed(each, before, present):
                message = "It was adopted before, with another time, actor, reason or transition."
                self._reject_row(made, each, Fault.CHANGED, message)
            elif before.run != self._run:
                made.earlier["known"] += 1
        return new

    def _is_changed(self, placed: Placed, before: Earlier, present: Present) -> bool:
        if placed.told.event.happened_at != before.happened_at:
            return True
        return self._judge.digest(placed, record=present.record.pk) != before.digest

    def _join(self, made: Plan, present: Present) -> None:
        """See that the past ends where the record was started here."""
        if not made.past or made.past[-1].target == present.started_in:
            return
        last = made.past[-1]
        message = (
            f"The history ends in {last.target!r}, but the record was started here in"
            f" {present.started_in!r}."
        )
        made.past, rejected = self._judge.unjoined(made.past, message)
        made.rejected += rejected


def _around(
    placed: list[Placed], new: list[Placed], present: Present
) -> tuple[list[Placed], list[Placed]]:
    """Return the new events that lie between adopted ones, and those that come after all."""
    overlap = [each.position for each in placed if each.id in present.earlier]
    if overlap:
        last = max(overlap)
        return [e for e in new if e.position < last], [e for e in new if e.position > last]
    # A source that tells nothing of what was adopted: only the times tell the order.
    until = max(each.happened_at for each in present.earlier.values())
    behind = max(each.position for each in present.earlier.values())
    moved = [
        Placed(told=each.told, id=each.id, position=each.position + behind)
        if each.told.event.happened_at >= until
        else each
        for each in new
    ]
    return (
        [each for each in moved if each.told.event.happened_at < until],
        [each for each in moved if each.told.event.happened_at >= until],
    )


def _before(each: Placed, placed: list[Placed], present: Present) -> Standing | None:
    """Return where the record stood before an event; None where nothing adopted is before it."""
    ahead = [other.id for other in placed if other.position < each.position]
    known = [present.earlier[pk] for pk in ahead if pk in present.earlier]
    if not known:
        at = each.told.event.happened_at
        known = sorted(
            (earlier for earlier in present.earlier.values() if earlier.happened_at <= at),
            key=lambda earlier: earlier.happened_at,
        )
    if not known:
        return None
    return Standing(status=known[-1].target, since=known[-1].happened_at)
