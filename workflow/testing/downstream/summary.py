"""What the simulators did, in the counts that matter."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workflow.testing.downstream.faults import Fault
from workflow.testing.downstream.journal import Call, Deed
from workflow.testing.downstream.reporting import OUT_OF_ORDER


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counted at the receiver."""

    calls: dict[str, int]
    """Requests that arrived, look-ups included, by downstream."""

    faults: dict[str, int]
    """Requests that went wrong, by fault."""

    landed_late: int
    """Calls that were done after their sender had given up."""

    deeds: dict[str, int]
    """Things done, by kind: payment, reservation, release, entry, letter, transfer."""

    repeated: dict[str, int]
    """Keys under which something of a kind was done more than once, by kind."""

    payments: dict[str, int]
    """Payments made, by record."""

    reserved: dict[str, int]
    """Reservations less releases, by record."""

    out_of_order: int
    """Reports that came after a later one of their record."""

    attempts: dict[int, int]
    """How many keys were sent once, twice, ... (look-ups not counted)."""

    @property
    def most_payments(self) -> int:
        """Payments of the record that has most."""
        return max(self.payments.values(), default=0)

    @property
    def most_reserved(self) -> int:
        """Reservations, less releases, of the record that has most."""
        return max(self.reserved.values(), default=0)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, without the counts of single records."""
        told = asdict(self)
        del told["payments"], told["reserved"]
        return told | {"most_payments": self.most_payments, "most_reserved": self.most_reserved}

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        wrong = sum(self.faults.values())
        yield _line("requests that arrived", sum(self.calls.values()))
        yield _line("  of which went wrong", wrong)
        for fault, count in self.faults.items():
            yield _line(f"    {fault}", count)
        yield _line("  done after the sender gave up", self.landed_late)
        for kind, count in self.deeds.items():
            yield _line(
                _PLURALS.get(kind, f"{kind}s"),
                count,
                self.repeated.get(kind, 0),
                "done twice under one key",
            )
        yield _line("most payments of one record", self.most_payments)
        yield _line("most reservations of one, net", self.most_reserved)
        yield _line("reports out of order", self.out_of_order)


def _line(what: str, count: int, more: int | None = None, about: str = "") -> str:
    line = f"{what:<40}{count:>12,}"
    return line if more is None else f"{line}   {more:,} {about}"


_PLURALS = {"entry": "entries"}


def summarise(*, calls: Sequence[Call], deeds: Sequence[Deed]) -> Summary:
    """Count."""
    done = Counter((deed.kind, deed.key) for deed in deeds)
    reserved: dict[str, int] = defaultdict(int)
    for deed in deeds:
        if deed.kind in ("reservation", "release"):
            reserved[deed.reference] += 1 if deed.kind == "reservation" else -1
    late = {call.id for call in calls if call.fault == Fault.LATE}
    sent = Counter((call.downstream, call.key) for call in calls if call.method == "POST")
    return Summary(
        calls=_sorted(Counter(call.downstream for call in calls)),
        faults=_sorted(Counter(call.fault for call in calls if call.fault)),
        landed_late=sum(deed.call in late for deed in deeds),
        deeds=_sorted(Counter(deed.kind for deed in deeds)),
        repeated=_sorted(Counter(kind for (kind, _), count in done.items() if count > 1)),
        payments=_sorted(Counter(deed.reference for deed in deeds if deed.kind == "payment")),
        reserved=_sorted(reserved),
        out_of_order=sum(deed.note == OUT_OF_ORDER for deed in deeds),
        attempts=dict(sorted(Counter(sent.values()).items())),
    )


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
