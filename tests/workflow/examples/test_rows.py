"""Bad input: each fault gets one clear message, and what is good is kept."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.workflow.examples.logs import F, S, rows, write
from workflow.examples.declarations.replay.rows import (
    COLUMNS,
    Broken,
    Event,
    UnreadableFile,
    read,
)

HEADER = ",".join(COLUMNS)
GOOD = f"c1,e1,{S},EMPLOYEE,STAFF MEMBER,2017-01-09T09:49:50.000+01:00,n1,b1,26.85"


def broken(path: Path) -> list[str]:
    return [str(row) for row in read(path) if isinstance(row, Broken)]


def test_a_plain_and_a_gzipped_file_read_alike(tmp_path: Path) -> None:
    plain = write(tmp_path / "log.csv", rows("c1", [S, F]))
    packed = tmp_path / "log.bin"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert list(read(plain)) == list(read(packed))
    assert [type(row) for row in read(plain)] == [Event, Event]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no CSV file with a header; it begins ''"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no CSV file with a header"),
        (b'{"case_id": 1}\n', "is no CSV file with a header"),
        (b'"case_id,event_id\n', "is no CSV file"),
        (b"\x1f\x8bnot gzip", "is no CSV file"),
        (b"case_id,event_id,role\n1,2,3\n", "lacks the columns activity, resource, occurred_at"),
    ],
)
def test_a_file_that_is_no_log_is_refused_as_a_whole(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)

    with pytest.raises(UnreadableFile) as raised:
        list(read(path))

    assert str(raised.value).startswith(f"{path}: ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"nowhere\.csv: cannot be opened: No such file"):
        list(read(tmp_path / "nowhere.csv"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("c1,", ",", "case_id '' is empty"),
        ("e1", " ", "event_id '' is empty"),
        ("STAFF MEMBER", "", "resource '' is empty"),
        (S, "Declaration EATEN", "activity 'Declaration EATEN' is not known"),
        (",EMPLOYEE,", ",EMPEROR,", "role 'EMPEROR' is not known"),
        ("2017-01-09T", "2017-13-09T", "occurred_at '2017-13-09T09:49:50.000+01:00' is no ISO"),
        ("+01:00", "", "occurred_at '2017-01-09T09:49:50.000' has no offset"),
        ("26.85", "much", "amount 'much' is no number"),
        ("26.85", "-1", "amount '-1' is not between 0 and"),
        ("26.85", "NaN", "amount 'NaN' is not between 0 and"),
        (",n1", "", "has 8 fields, the header has 9"),
        ("n1", '"n1', "unexpected end of data"),
        ("n1", "n" * 101, "declaration_number 'nnn"),
        ("c1", "c\x00", "case_id"),
    ],
)
def test_a_broken_row_is_named_and_spoils_no_other(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "log.csv"
    bad = GOOD.replace(old, new, 1)
    path.write_text(f"{HEADER}\n{GOOD}\n{bad}\n{GOOD}\n", encoding="utf-8")

    found = list(read(path))

    assert [type(row) for row in found] == [Event, Broken, Event]
    assert str(found[1]).startswith("row 3: ")
    assert told in str(found[1])


def test_a_row_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(f"{HEADER}\n{GOOD}\n".encode() + GOOD.encode().replace(b"n1", b"\xff"))

    assert broken(path) == [
        "row 3: declaration_number '\\udcff' is not 0 to 100 printable characters in UTF-8"
    ]


def test_an_endless_line_is_named_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{HEADER}\n{'x' * 200_000}\n{GOOD}\n")

    assert [type(row) for row in read(path)] == [Broken, Event]
    assert broken(path) == ["row 2: is longer than 65536 characters"]


def test_a_cut_off_archive_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    text = HEADER + "\n" + "".join(f"{GOOD.replace('e1', f'e{n}')}\n" for n in range(20_000))
    path.write_bytes(gzip.compress(text.encode())[:-2000])

    found = list(read(path))

    assert sum(isinstance(row, Event) for row in found) > 1000
    assert "the file cannot be read any further" in str(found[-1])


def test_a_byte_order_mark_and_empty_lines_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"\ufeff{HEADER}\r\n\r\n{GOOD}\r\n", encoding="utf-8")

    assert [type(row) for row in read(path)] == [Event]
