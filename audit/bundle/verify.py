#!/usr/bin/env python3
"""Check a bundle of the audit trail: offline, with nothing but Python (3.8 or newer).

    python verify.py BUNDLE.zip --key PUBLIC_KEY --anchors FILE

It shares no code with the product that made the bundle. What it checks, and what that proves:

- Each entry gives its digest, and names the digest of the entry before it: nothing in a chain was
  edited, removed, inserted or swapped without recomputing everything behind it.
- Each seal is signed, follows on the one before it, and its tree contains the chain's end at that
  time: nothing up to that end was recomputed or cut off.
- The key is the one you were given (--key), or was vouched for by it.
- The record stands where the trail left it, its fields are those the trail saw, and what was
  signed by hand is what is stored.

Exit code: 0 sound, 1 not sound, 2 the bundle cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from bisect import bisect_left
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Collection, Dict, Iterator, List, Optional, Sequence, Tuple

Row = Dict[str, Any]
Point = Tuple[int, int, int, int]

GENESIS = "0" * 64
GRACE = timedelta(hours=1)
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
TOKEN = re.compile("personal:([0-9a-f]{64})")
SAID = (
    "chain sequence at action actor_id actor reason old new transition_id correlation_id"
    " evidence previous"
).split()

MEANING = {
    "edited": "Somebody changed what was written, after it had been written.",
    "missing": "Somebody removed what had been written.",
    "reordered": "Somebody changed the order in which things were written.",
    "inserted": "Somebody put in an entry that was not written at its time.",
    "cut off": "Somebody removed the end of this record's trail. A signed seal saw it.",
    "seal broken": "A seal is not what its key signed, or the row of seals has a gap. Nothing it"
    " covers is proved by it.",
    "unexplained": "The record was changed by a way that leaves no trace, or its trail was.",
    "signature void": "What the person signed is not what is stored now.",
    "bundle damaged": "This file was changed, or damaged on its way, after it was made. Ask for it"
    " again.",
}


class Unreadable(Exception):
    """The bundle cannot be read at all."""


class Fault:
    """One thing that is wrong; of each chain the first bad entry."""

    def __init__(
        self,
        kind: str,
        message: str,
        chain: str = "",
        sequence: Optional[int] = None,
        until: Optional[int] = None,
        seal: Optional[int] = None,
        unproved: Optional[int] = None,
    ) -> None:
        self.unproved = unproved
        self.kind, self.message, self.chain, self.seal = kind, message, chain, seal
        self.sequence, self.until = sequence, sequence if until is None else until


# --- Reading -------------------------------------------------------------------------------------


class Bundle:
    """The files of a bundle, packed or unpacked."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path) if path.is_file() else None
            self._folder = path
            self.manifest = json.loads(self._open("manifest.json").read())
            if self.manifest["format"] != 1:
                raise Unreadable("It is of a newer format; use the verify.py inside it.")
        except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise Unreadable("%s is no bundle: %s" % (path, error)) from error

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(name) if self._zip else (self._folder / name).open("rb")

    def lines(self, name: str) -> Iterator[Row]:
        """Yield the JSON objects of a file."""
        try:
            with self._open(name) as file:
                for line in file:
                    yield json.loads(line)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise Unreadable("%s cannot be read: %s" % (name, error)) from error

    def damaged(self) -> Iterator[Fault]:
        """Yield a fault for each file that is not the one that was packed."""
        for name, expected in sorted(self.manifest["files"].items()):
            found = hashlib.sha256()
            try:
                with self._open(name) as file:
                    for block in iter(lambda: file.read(1 << 20), b""):
                        found.update(block)
            except (OSError, KeyError, zipfile.BadZipFile) as error:
                yield Fault("bundle damaged", "the file %s cannot be read: %s" % (name, error))
                continue
            if found.hexdigest() != expected:
                yield Fault("bundle damaged", "the file %s is not the one that was packed" % name)


# --- Digests and signatures ----------------------------------------------------------------------


def encode(values: List[Any]) -> bytes:
    """Return values as the bytes that digests and signatures are made of."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def sha256(data: bytes) -> str:
    """Return the digest as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(entry: Row, sequence: Optional[int] = None) -> str:
    """Return the digest of what an entry says, at its place or at another."""
    said = [entry[name] for name in SAID]
    said[1] = entry["sequence"] if sequence is None else sequence
    return sha256(encode([1, *said]))


def seal_statement(seal: Row) -> bytes:
    """Return what a seal states, as it was signed."""
    names = "number sealed_at previous root heads entries complete key".split()
    return encode([1, "seal", *(seal[name] for name in names)])


def root_of(proof: Row) -> Optional[str]:
    """Return the root that a proof leads to; None if its path has the wrong length."""
    head = [1, "head", proof["chain"], proof["sequence"], proof["digest"], proof["since"]]
    digest = hashlib.sha256(b"\0" + encode(head)).digest()
    position, leaves, path = proof["position"], proof["leaves"], list(proof["path"])
    while leaves > 1:
        if position % 2 or position + 1 < leaves:
            if not path:
                return None
            sibling = bytes.fromhex(path.pop(0))
            pair = sibling + digest if position % 2 else digest + sibling
            digest = hashlib.sha256(b"\1" + pair).digest()
        position, leaves = position // 2, (leaves + 1) // 2
    return None if path else digest.hex()


# Ed25519 as in RFC 8032, section 6. Verifying only; nothing here is secret.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def recover_x(y: int, sign: int) -> Optional[int]:
    """Return a point's other coordinate, if there is such a point."""
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X or 0, BASE_Y, 1, (BASE_X or 0) * BASE_Y % P)


def add(one: Point, two: Point) -> Point:
    """Add two points of the curve."""
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % P, (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, point: Point) -> Point:
    """Add a point to itself so many times."""
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def decompress(data: bytes) -> Optional[Point]:
    """Return the point that 32 bytes stand for, if they do."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def is_signed(statement: bytes, signature: str, public: str) -> bool:
    """Return whether this is that key's Ed25519 signature of the statement."""
    try:
        key, signed = bytes.fromhex(public), bytes.fromhex(signature)
    except ValueError:
        return False
    if len(key) != 32 or len(signed) != 64:
        return False
    point, start = decompress(key), decompress(signed[:32])
    scalar = int.from_bytes(signed[32:], "little")
    if point is None or start is None or scalar >= Q:
        return False
    hashed = hashlib.sha512(signed[:32] + key + statement).digest()
    left = times(scalar, BASE)
    right = add(start, times(int.from_bytes(hashed, "little") % Q, point))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- Keys and seals ------------------------------------------------------------------------------


def trusted_keys(bundle: Bundle, given: Collection[str]) -> Collection[str]:
    """Return the given keys, or the first of the bundle's, and whomever they vouch for."""
    listed = list(bundle.lines("keys.jsonl"))
    known = set(given) or {row["public"] for row in listed[:1]}
    grown = True
    while grown:
        grown = False
        for row in listed:
            new = row["public"] not in known and row["introduced_by"] in known
            said = [1, "key", row["public"], row["introduced_at"], row["introduced_by"]]
            if new and is_signed(encode(said), row["endorsement"], row["introduced_by"]):
                known.add(row["public"])
                grown = True
    return known


def check_seals(
    seals: Sequence[Row], covering: Collection[int], trusted: Collection[str]
) -> Iterator[Fault]:
    """Yield what is wrong with the seals.

    Signatures are verified of those that cover a record of the bundle, and of the newest; the
    others are bound to it, each by the digest that its follower names.
    """
    before: Row = {"number": 0, "digest": GENESIS}
    newest = seals[-1]["number"] if seals else 0
    for seal in seals:
        number, statement = seal["number"], seal_statement(seal)
        signing = number in covering or number == newest
        if number != before["number"] + 1:
            message = "seal %d before seal %d is gone" % (before["number"] + 1, number)
            yield Fault("seal broken", message, seal=before["number"] + 1)
        elif seal["previous"] != before["digest"]:
            message = "seal %d does not follow on the one before it" % number
            yield Fault("seal broken", message, seal=number)
        elif sha256(statement) != seal["digest"] or (
            signing and not is_signed(statement, seal["signature"], seal["key"])
        ):
            message = "seal %d is not what its key %s signed" % (number, seal["key"])
            yield Fault("seal broken", message, seal=number)
        elif signing and seal["key"] not in trusted:
            message = "seal %d is signed with key %s, for which no trusted key vouches" % (
                number,
                seal["key"],
            )
            yield Fault("seal broken", message, seal=number)
        before = seal


def check_anchors(path: Path, seals: Sequence[Row], trusted: Collection[str]) -> Iterator[Fault]:
    """Yield what the seals in the bundle lack of those that were written outside."""
    known = {seal["number"]: seal["digest"] for seal in seals}
    first = min(known, default=1)
    for text in path.read_text(encoding="ascii").splitlines():
        seal = json.loads(text)
        number, statement = seal["number"], seal_statement(seal)
        if seal["key"] not in trusted or not is_signed(statement, seal["signature"], seal["key"]):
            raise Unreadable("%s: seal %s is not signed with a trusted key" % (path, number))
        if number >= first and known.get(number) != sha256(statement):
            what = "is not the one" if number in known else "is not in the bundle, though it"
            message = "seal %d %s that was anchored" % (number, what)
            yield Fault("seal broken", message.replace("it that was", "it was"), seal=number)


# --- Chains --------------------------------------------------------------------------------------


class Course:
    """One chain: its entries by place, and what seals saw of it."""

    def __init__(
        self, chain: str, entries: Sequence[Row], proofs: Sequence[Row], seals: Sequence[Row]
    ) -> None:
        self.chain, self.entries = chain, entries
        self.last, self.digest, self.proved = 0, GENESIS, 0
        self.complete = [seal["number"] for seal in seals if seal["complete"]]
        self.times = [seal["sealed_at"] for seal in seals if seal["complete"]]
        self.ahead = sorted(proofs, key=lambda proof: (proof["sequence"], proof["seal"]))
        self.floor = self.earliest()

    def fault(
        self,
        kind: str,
        message: str,
        sequence: int,
        until: Optional[int] = None,
        seal: Optional[int] = None,
    ) -> Fault:
        """Return a fault of this chain."""
        return Fault(kind, message, self.chain, sequence, until, seal)

    def walk(self) -> Optional[Fault]:
        """Return the first fault of the chain, or None."""
        for entry in self.entries:
            place = self.last + 1
            named = (entry["sequence"], entry["previous"]) == (place, self.digest)
            if not named or digest_of(entry) != entry["digest"]:
                return self.diagnose(entry, place)
            self.last, self.digest = place, entry["digest"]
            if datetime.strptime(entry["at"], TIME) < self.floor:
                message = (
                    "entry %d is dated %s, but a later seal, which took in all there was, did not"
                    " see it: it was put in afterwards, or kept from the sealer"
                )
                return self.fault("inserted", message % (place, entry["at"]), place)
            while self.ahead and self.ahead[0]["sequence"] == self.last:
                proof = self.ahead.pop(0)
                self.floor = self.earliest()
                if proof["digest"] != self.digest:
                    return self.rewritten(proof)
                self.proved = self.last
        return self.cut_off(self.ahead[0]) if self.ahead else None

    def earliest(self) -> datetime:
        """Return the earliest time of what comes next: a seal before would have seen it."""
        known = len(self.complete)
        at = bisect_left(self.complete, self.ahead[0]["seal"]) if self.ahead else known
        return datetime.strptime(self.times[at - 1], TIME) - GRACE if at else datetime.min

    def rewritten(self, proof: Row) -> Fault:
        """Return the fault of a chain that is in order, but not the one that a seal saw."""
        place, seal = self.last, proof["seal"]
        saw = "seal %d saw entry %d with another digest" % (seal, place)
        places = {entry["digest"]: entry for entry in self.entries}
        pushed = places.get(proof["digest"])
        if pushed and pushed["sequence"] > place:
            before = places.get(pushed["previous"])
            first = before["sequence"] + 1 if before else 1
            message = "entry %d was put in: %s" % (first, saw)
            return self.fault("inserted", message, first, place, seal)
        first = self.proved + 1
        which = "entry %d" % place if first == place else "an entry from %d to %d" % (first, place)
        message = "%s was altered and what follows recomputed: %s" % (which, saw)
        return self.fault("edited", message, first, place, seal)

    def cut_off(self, proof: Row) -> Fault:
        """Return the fault of a chain that ends before a seal saw it end."""
        until, seal = proof["sequence"], proof["seal"]
        first = self.last + 1
        message = "entries %d to %d, which seal %d covers, are cut off" % (first, until, seal)
        if not until:
            message = "seal %d found no entry here, though there had been one" % seal
        if self.last > self.proved:
            unproved = (self.proved + 1, self.last)
            message += "; nothing confirms entries %d to %d any more" % unproved
        return Fault("cut off", message, self.chain, first, None, seal, self.proved + 1)

    def diagnose(self, entry: Row, place: int) -> Fault:
        """Return what happened where this entry stands and another was expected."""
        stands = entry["sequence"]
        if stands < place:
            return self.fault("inserted", "two entries claim place %d" % stands, stands)
        rightful = self.rightful(place)
        if stands > place:
            if rightful:
                message = "entry %d stands at place %d" % (place, rightful["sequence"])
                return self.fault("reordered", message, place)
            message = "entry %d is missing before entry %d" % (place, stands)
            return self.fault("missing", message, place)
        if rightful:
            where = rightful["sequence"]
            if self.origin(entry):
                message = "entry %d is another; the one written there stands at %d"
                return self.fault("reordered", message % (place, where), place)
            message = "entry %d was put in; the one written there stands at %d"
            return self.fault("inserted", message % (place, where), place)
        return self.strange(entry, place)

    def strange(self, entry: Row, place: int) -> Fault:
        """Return what happened to an entry when nothing else in the chain belongs here."""
        if digest_of(entry) == entry["digest"]:
            message = "entry %d, or the one before it, was altered, digest included" % place
            alone = place == 1 or self.proved == place - 1
            return self.fault("edited", message, place if alone else place - 1, place)
        origin = self.origin(entry)
        if not origin or origin == place:
            message = "entry %d was altered: its content does not give its digest" % place
            return self.fault("edited", message, place)
        if origin > place:
            message = "entry %d was written as entry %d: what was entry %d has been removed"
            return self.fault("missing", message % (place, origin, place), place)
        message = "entry %d was written as entry %d: an entry has been put in before it"
        first = max(origin, self.proved + 1)
        return self.fault("inserted", message % (place, origin), first, place - 1)

    def rightful(self, place: int) -> Optional[Row]:
        """Return the entry that was written at this place, if it stands at another."""
        for entry in self.entries:
            follows = entry["previous"] == self.digest and entry["sequence"] != place
            if follows and digest_of(entry, place) == entry["digest"]:
                return entry
        return None

    def origin(self, entry: Row) -> Optional[int]:
        """Return the place at which an entry's content gives its digest, or None."""
        around = range(max(1, entry["sequence"] - 2000), entry["sequence"] + 2000)
        for place in sorted(around, key=lambda place: abs(place - entry["sequence"])):
            if digest_of(entry, place) == entry["digest"]:
                return place
        return None


def check_proofs(proofs: Sequence[Row], seals: Sequence[Row]) -> Iterator[Fault]:
    """Yield what is wrong with one chain's proofs, in the order of seals."""
    roots = {seal["number"]: (seal["root"], seal["heads"]) for seal in seals}
    since = 0
    for proof in proofs:
        number = proof["seal"]
        if roots.get(number) != (root_of(proof), proof["leaves"]):
            message = "seal %d does not contain the end listed of %s" % (number, proof["chain"])
            yield Fault("seal broken", message, seal=number)
        elif proof["since"] != since:
            message = "a seal before seal %d, which saw entry %d of %s, is left out" % (
                number,
                proof["since"],
                proof["chain"],
            )
            yield Fault("seal broken", message, seal=number)
        since = proof["sequence"]


# --- What the entries are about ------------------------------------------------------------------


def evidence_of(entry: Row) -> Row:
    """Return the evidence of an entry, or nothing where it is unreadable."""
    try:
        return json.loads(entry["evidence"]) if entry["evidence"] else {}
    except ValueError:
        return {}


def left_by(entries: Sequence[Row], manifest: Row) -> Tuple[Optional[Row], str]:
    """Return the entry that says where the record stands, and what moved it last."""
    moved, cause = None, ""
    for entry in entries:
        if entry["action"] in manifest["moves"] and entry["new"]:
            moved = entry
            if entry["transition_id"] and "version" in evidence_of(entry):
                cause = entry["transition_id"]
    return moved, cause


def check_record(record: Row, entries: Sequence[Row], manifest: Row) -> Iterator[Fault]:
    """Yield what the record, its fields and its signatures have that the trail has otherwise."""
    chain = record["record"]
    moved, cause = left_by(entries, manifest)
    stands, by = record["status"], record["last_transition"]
    if moved is None:
        message = "it stands in %r, and no entry tells how it came there" % stands
        yield Fault("unexplained", message, chain)
    elif (stands, by) != (moved["new"], cause):
        place = moved["sequence"]
        left = (stands, by or "none", place, moved["new"], cause or "none")
        message = "it stands in %r by transition %s, but entry %d left it in %r by %s" % left
        yield Fault("unexplained", message, chain, place)
    yield from check_fields(chain, record["history"], entries)
    for envelope in record["envelopes"]:
        if envelope["signature"]:
            for problem in check_signature(envelope, entries):
                which = (envelope["transition"], envelope["transition_id"], problem)
                yield Fault("signature void", "%s (%s): %s" % which, chain)


def check_fields(chain: str, history: Sequence[Row], entries: Sequence[Row]) -> Iterator[Fault]:
    """Yield where the fields after a transition are not those that its entry saw."""
    rows: Dict[str, List[str]] = {}
    for row in history:
        if row["transition_id"] or row["type"] == "+":
            rows.setdefault(row["transition_id"], []).append(row["snapshot"])
    for entry in entries:
        expected = evidence_of(entry).get("snapshot")
        if not expected:
            continue
        found = rows.get(entry["transition_id"], [])
        place = entry["sequence"]
        if not found:
            message = "the fields that entry %d left are gone from the history" % place
            yield Fault("missing", message, chain, place)
        elif any(sha256(each.encode()) != expected for each in found):
            message = "the fields in the history are not those that entry %d left" % place
            yield Fault("edited", message, chain, place)


def check_signature(envelope: Row, entries: Sequence[Row]) -> Iterator[str]:
    """Yield why a signature is void."""
    signature = envelope["signature"]
    if sha256(signature["content"].encode()) != signature["digest"]:
        yield "what was signed does not give the digest that was signed"
        return
    content = json.loads(signature["content"])
    for name in ("transition", "payload", "reason", "actor", "expected_version"):
        if content[name] != envelope[name]:
            yield "%s is %r, but %r was signed" % (name, envelope[name], content[name])
    told = [evidence_of(e) for e in entries if e["transition_id"] == envelope["transition_id"]]
    told = [evidence["signature"] for evidence in told if "signature" in evidence]
    names = ("signer", "printed_name", "meaning", "method", "at", "digest")
    if {name: signature[name] for name in names} not in told:
        yield "the trail does not tell of it, or tells otherwise"


def check_personal(
    chain: str, entries: Sequence[Row], values: Dict[str, Tuple[str, str]], included: bool
) -> Iterator[Fault]:
    """Yield where personal values are not those whose digests the entries hold."""
    erasing = [evidence_of(entry) for entry in entries if entry["action"] == "redacted"]
    redacted = {digest for evidence in erasing for digest in evidence.get("digests", ())}
    for entry in entries:
        place = entry["sequence"]
        for digest in TOKEN.findall("%(actor)s %(reason)s %(evidence)s" % entry):
            if digest in values:
                salted = "%s:%s" % values[digest]
                if sha256(salted.encode()) != digest:
                    message = "a personal value of entry %d was altered" % place
                    yield Fault("edited", message, chain, place)
            elif included and digest not in redacted:
                message = "a personal value of entry %d is gone, and nobody redacted it" % place
                yield Fault("missing", message, chain, place)


# --- The whole -----------------------------------------------------------------------------------


def check(
    bundle: Bundle, given: Collection[str], anchors: Sequence[Path]
) -> Tuple[List[Fault], Dict[str, int], Collection[str]]:
    """Return all faults, and the figures to tell."""
    manifest = bundle.manifest
    faults = list(bundle.damaged())
    trusted = trusted_keys(bundle, given)
    seals = list(bundle.lines("seals.jsonl"))
    proofs: Dict[str, List[Row]] = {}
    for proof in bundle.lines("proofs.jsonl"):
        proofs.setdefault(proof["chain"], []).append(proof)
    covering = {proof["seal"] for some in proofs.values() for proof in some}
    faults += check_seals(seals, covering, trusted)
    for path in anchors:
        faults += check_anchors(path, seals, trusted)
    values = {row["digest"]: (row["salt"], row["value"]) for row in bundle.lines("personal.jsonl")}
    records = {row["record"]: row for row in bundle.lines("records.jsonl")}
    chains = dict.fromkeys(manifest["chains"])
    figures = {"records": len(chains), "entries": 0, "proved": 0, "seals": len(seals)}
    included = manifest["personal"] == "included"
    grouped = groupby(bundle.lines("entries.jsonl"), key=lambda entry: entry["chain"])
    for chain, some in grouped:
        entries = list(some)
        chains.pop(chain, None)
        figures["entries"] += len(entries)
        figures["proved"] += max((p["sequence"] for p in proofs.get(chain, ())), default=0)
        faults += check_chain(chain, entries, proofs.get(chain, []), seals, records, manifest)
        faults += check_personal(chain, entries, values, included)
    for chain in chains:
        faults += check_chain(chain, [], proofs.get(chain, []), seals, records, manifest)
    return faults, figures, trusted


def check_chain(
    chain: str,
    entries: Sequence[Row],
    proofs: Sequence[Row],
    seals: Sequence[Row],
    records: Dict[str, Row],
    manifest: Row,
) -> List[Fault]:
    """Return what is wrong with one chain and its record, or with its chain alone."""
    faults = list(check_proofs(proofs, seals))
    fault = Course(chain, entries, proofs, seals).walk()
    if fault:
        return [*faults, fault]
    if chain in records:
        return [*faults, *check_record(records[chain], entries, manifest)]
    if entries and entries[0]["action"] in manifest["begins"]:
        faults.append(Fault("unexplained", "the trail tells of a record that is gone", chain))
    return faults


def tell(
    bundle: Bundle,
    faults: Sequence[Fault],
    figures: Dict[str, int],
    trusted: Collection[str],
    given: Collection[str],
) -> None:
    """Print the verdict in plain words."""
    names = {row["record"]: row["reference"] for row in bundle.lines("records.jsonl")}
    counted = ("records", "entries", "seals")
    print("Read: %s." % ", ".join("%s %d" % (name, figures[name]) for name in counted))
    if given:
        print("Key: the one you gave.")
    else:
        print("Key: the bundle's own. Compare it with the one you know, or give --key:")
        for public in sorted(trusted):
            print("  " + public)
    print()
    for number, fault in enumerate(faults, start=1):
        where = "record %s" % names.get(fault.chain, fault.chain)
        if not fault.chain:
            where = "the bundle" if fault.seal is None else "seal %d" % fault.seal
        at = "" if fault.sequence is None else ", entry %d" % fault.sequence
        if fault.until != fault.sequence:
            at = ", between entry %s and entry %s" % (fault.sequence, fault.until)
        print("%d. %s%s: %s" % (number, where, at, fault.kind.upper()))
        print("   %s." % (fault.message[0].upper() + fault.message[1:]))
        print("   %s" % MEANING[fault.kind])
    if faults:
        print("\nNOT SOUND: %d problem%s." % (len(faults), "s" * (len(faults) > 1)))
        return
    print(
        "SOUND. Every entry is as it was written, in its place, and none up to a seal is missing."
    )
    open_ones = figures["entries"] - figures["proved"]
    if open_ones > 0:
        print(
            "%d entries came after the last seal of their record: they fit, but a later"
            % open_ones
        )
        print("seal has to prove that none is missing behind them.")


def main() -> int:
    """Check a bundle and tell the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    here = Path(__file__).resolve().parent
    parser.add_argument("bundle", nargs="?", type=Path, default=here, help="zip file, or folder")
    parser.add_argument("--key", action="append", default=[], help="public key that you trust")
    parser.add_argument("--anchors", action="append", default=[], type=Path, help="anchored seals")
    parser.add_argument("--json", action="store_true", help="tell the faults as JSON")
    given = parser.parse_args()
    try:
        bundle = Bundle(given.bundle)
        keys = [key.strip().lower() for key in given.key]
        faults, figures, trusted = check(bundle, keys, given.anchors)
    except (Unreadable, OSError, KeyError, TypeError, ValueError) as error:
        print("The bundle cannot be read: %s" % error, file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps([vars(fault) for fault in faults]))
    else:
        tell(bundle, faults, figures, trusted, given.key)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
