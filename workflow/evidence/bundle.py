"""The inspector's bundle: all that is written of some records, and the means to check it offline.

The same content gives the same bytes. Nothing is judged here: what has been tampered with is
packed as it is, for `verify.py` in the bundle to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO
from uuid import UUID

from audit.anchored import line
from audit.bundle.pack import Pack, as_text
from audit.bundle.proofs import proofs
from audit.canonical import SAID, moment
from audit.models import Entry, PersonalValue, Seal, SealKey
from audit.personal import digests_in
from workflow.evidence import report
from workflow.evidence.subject import Told, as_line, tell
from workflow.evidence.witness import Records

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What went into a bundle."""

    chains: int
    entries: int
    seals: int


def pack(*, chains: Sequence[UUID], to: Path, with_personal: bool = True) -> Packed:
    """Write the bundle of these records; one record is in memory at a time.

    Seals and proofs are read first: what they cover is then there.

    Args:
        chains: Ids of records, of such that are gone too.
        with_personal: Whether to put in personal values; else the entries have digests of them.

    Raises:
        OSError: The file cannot be written.
    """
    ordered = sorted(set(chains))
    entries = 0
    with Pack(to) as out, ExitStack() as stack:
        seals = _seals(out, ordered)
        records, personal, shown = (
            stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="\n"))
            for _ in range(3)
        )
        shown.write(report.HEAD)
        with out.sheet("entries.jsonl") as sheet:
            for told in map(tell, ordered):
                for entry in told.entries:
                    sheet.line(_entry(entry))
                entries += len(told.entries)
                if told.record is not None:
                    records.write(as_text(as_line(told, told.record)))
                if with_personal:
                    personal.writelines(map(as_text, _personal(told)))
                shown.write(report.section(told, with_personal=with_personal))
        shown.write(report.FOOT)
        for name, file in (
            ("records.jsonl", records),
            ("personal.jsonl", personal),
            ("report.html", shown),
        ):
            _copy(file, out, name)
        with out.sheet("verify.py") as sheet:
            sheet.text(files("audit.bundle").joinpath("verify.py").read_text(encoding="utf-8"))
        out.manifest(_facts(ordered, with_personal))
    return Packed(chains=len(ordered), entries=entries, seals=seals)


def _copy(file: TextIO, out: Pack, name: str) -> None:
    """Add what was set aside while the entries were written: one file of a zip at a time."""
    file.seek(0)
    with out.sheet(name) as sheet:
        for text in iter(partial(file.read, 1 << 16), ""):
            sheet.text(text)


def _facts(chains: Sequence[UUID], with_personal: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        "format": FORMAT,
        "chains": [chain.hex for chain in chains],
        "moves": sorted(Records.moves),
        "begins": sorted(Records.begins),
        "personal": "included" if with_personal else "left out",
    }


def _seals(out: Pack, chains: Sequence[UUID]) -> int:
    """Write the proofs, the seals and the keys; return how many seals.

    All seals go in, from the first on: only the whole row shows that none is missing.
    """
    with out.sheet("proofs.jsonl") as sheet:
        for proof in proofs(chains=chains):
            sheet.line(proof)
    count = 0
    with out.sheet("seals.jsonl") as sheet:
        for seal in Seal.objects.order_by("number").iterator():
            sheet.text(f"{line(seal)}\n")
            count += 1
    with out.sheet("keys.jsonl") as sheet:
        for key in SealKey.objects.order_by("introduced_at", "pk"):
            sheet.line(
                {
                    "public": key.public,
                    "introduced_at": moment(key.introduced_at),
                    "introduced_by": key.introduced_by,
                    "endorsement": key.endorsement,
                }
            )
    return count


def _entry(entry: Entry) -> dict[str, Any]:
    said = {name: getattr(entry, name) for name in SAID}
    transition = "" if entry.transition_id is None else entry.transition_id.hex
    return {
        **said,
        "chain": entry.chain.hex,
        "at": moment(entry.at),
        "transition_id": transition,
        "digest": entry.digest,
    }


def _personal(told: Told) -> Iterator[dict[str, str]]:
    named = {digest for entry in told.entries for digest in digests_in(entry).values()}
    for value in PersonalValue.objects.filter(chain=told.chain).order_by("pk"):
        if value.pk in named:
            yield {"digest": value.digest, "salt": value.salt, "value": value.value}
