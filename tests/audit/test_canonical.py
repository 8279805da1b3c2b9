"""The bytes that are digested: one way to write each value, and no two values alike."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit.canonical import canonical, digest, moment
from audit.chain import Note
from audit.models import Entry

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

TRICKY = st.text(alphabet='a",\\[]{}:\x00\x1f\u2028é\U0001f600\ud800', max_size=3)
"""Texts of what a sloppy encoding would take for its own punctuation."""

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**200), max_value=2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | TRICKY
)
VALUES = st.dictionaries(
    TRICKY,
    st.recursive(
        PLAIN,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def typed(value: Any) -> Any:
    """Return the value such that what Python takes for equal (1, 1.0, True) differs."""
    match value:
        case dict():
            return {key: typed(inner) for key, inner in value.items()}
        case list():
            return [typed(inner) for inner in value]
        case _:
            return type(value).__name__, repr(value)


@given(VALUES)
@example({"a": 2**63, "b": -(2**64) - 1})
@example({"a": 0.1 + 0.2, "b": 5e-324, "c": -0.0, "d": 1e22})
@example({"a": 1, "b": 1.0, "c": True, "d": "1"})
def test_what_was_written_is_read_back_whole(value: dict[str, Any]) -> None:
    """Whatever can be read back exactly has bytes of its own: no two values share them."""
    written = canonical(value)
    assert typed(json.loads(written)) == typed(value)
    assert canonical(json.loads(written)) == written


@given(VALUES, VALUES)
@example({"a": None}, {})
@example({"a": "1"}, {"a": 1})
@example({"a": [1, [2]]}, {"a": [[1], 2]})
def test_equal_bytes_mean_equal_values(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert (canonical(one) == canonical(two)) == (typed(one) == typed(two))


@given(VALUES, st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


@given(VALUES)
def test_it_is_printable_ascii_without_blanks_of_its_own(value: dict[str, Any]) -> None:
    written = canonical(value)
    assert written.isascii()
    assert written.isprintable()


def test_blanks_and_letters_of_values_are_kept() -> None:
    value = {"é b": "a\t\u00a0ß"}
    assert canonical(value) == '{"\\u00e9 b":"a\\t\\u00a0\\u00df"}'


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("1.0"), datetime(2026, 1, 1, tzinfo=UTC), uuid4(), {1}],
    ids=["nan", "inf", "decimal", "datetime", "uuid", "set"],
)
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical({"a": value})


ZONES = st.sampled_from(
    [
        UTC,
        ZoneInfo("Europe/Amsterdam"),
        ZoneInfo("Asia/Kathmandu"),
        timezone(timedelta(hours=-12)),
        timezone(timedelta(minutes=1)),
    ]
)
INSTANTS = st.datetimes(
    min_value=datetime(1970, 1, 3), max_value=datetime(2199, 12, 30), timezones=st.just(UTC)
)


@given(INSTANTS, ZONES, ZONES)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ZoneInfo("Europe/Amsterdam"), UTC)
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ZoneInfo("Europe/Amsterdam"), UTC)
def test_one_instant_reads_the_same_from_every_zone(at: datetime, one: Any, two: Any) -> None:
    assert moment(at.astimezone(one)) == moment(at.astimezone(two))
    assert datetime.fromisoformat(moment(at.astimezone(one))) == at


@given(INSTANTS, INSTANTS)
def test_times_sort_as_their_texts(one: datetime, two: datetime) -> None:
    assert (moment(one) < moment(two)) == (one < two)
    assert (moment(one) == moment(two)) == (one == two)


def test_a_time_has_all_its_decimals() -> None:
    assert moment(datetime(2026, 1, 31, 8, tzinfo=UTC)) == "2026-01-31T08:00:00.000000Z"


IDS = st.sampled_from([UUID(int=0), UUID(int=1), UUID(int=2**128 - 1)])
NOTES = st.builds(
    Note,
    chain=IDS,
    at=st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]),
    action=TRICKY,
    actor_id=TRICKY,
    actor=TRICKY,
    reason=TRICKY,
    old=TRICKY,
    new=TRICKY,
    transition_id=st.none() | IDS,
    correlation_id=TRICKY,
    evidence=st.just({}),
)
TEXTS = ["action", "actor_id", "actor", "reason", "old", "new", "correlation_id"]


def written(note: Note, **more: Any) -> str:
    """Return the digest of an entry that says what the note says."""
    said = {name: getattr(note, name) for name in (*TEXTS, "chain", "at", "transition_id")}
    return digest(Entry(**{"sequence": 1, "previous": "0", "evidence": "", **said, **more}))


@given(NOTES, NOTES)
def test_entries_that_differ_have_different_digests(one: Note, two: Note) -> None:
    assert (written(one) == written(two)) == (one == two)


@given(NOTES, st.sampled_from(list(itertools.pairwise(TEXTS))))
def test_text_cannot_be_pushed_into_the_next_column(note: Note, pair: tuple[str, str]) -> None:
    first, second = pair
    for between in ("", ",", '","', "\\"):
        all_in_first = replace(note, **{first: f"a{between}b", second: ""})
        split = replace(note, **{first: "a", second: f"{between}b"})
        assert written(all_in_first) != written(split)


@pytest.mark.parametrize(
    "more",
    [{"sequence": 2}, {"previous": "1"}, {"evidence": "{}"}, {"transition_id": UUID(int=7)}],
    ids=lambda more: next(iter(more)),
)
def test_place_predecessor_evidence_and_transition_are_digested(more: dict[str, Any]) -> None:
    note = Note(chain=UUID(int=1), at=datetime(2026, 1, 1, tzinfo=UTC), action="a", actor="b")
    assert written(note) != written(note, **more)


def test_the_digest_of_a_known_entry_does_not_change_with_the_release() -> None:
    """A trail is read back for decades: whatever is changed here makes old ones look forged."""
    note = Note(
        chain=UUID(int=1),
        at=datetime(2026, 1, 31, 8, tzinfo=UTC),
        action="fired",
        actor_id="7",
        actor="Ada é",
        reason="due",
        old="draft",
        new="sent",
        transition_id=UUID(int=2),
        correlation_id="c",
    )
    preimage = (
        r'[1,"00000000000000000000000000000001",1,"2026-01-31T08:00:00.000000Z","fired","7",'
        r'"Ada \u00e9","due","draft","sent","00000000000000000000000000000002","c",'
        r'"{\"a\":1}","0"]'
    )
    expected = hashlib.sha256(preimage.encode()).hexdigest()
    assert written(note, evidence='{"a":1}') == expected
    assert expected == "955e09f923f9a0d1dea78cd37065852869695f30c0efc22f72395a30ddf67f1b"


def test_a_year_has_all_its_digits() -> None:
    """As `strftime` writes it on some systems, and on others not."""
    assert moment(datetime(1, 2, 3, tzinfo=UTC)) == "0001-02-03T00:00:00.000000Z"
