"""H5: CSV, JSON Lines, XES, a table; each names what it cannot read and yields the rest."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from django.core.management import CommandError
from django.db import connection

from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import state
from tests.workflow.examples.logs import F, Row, S, rows, usual, write
from workflow.backfill.registered import register, unregister
from workflow.backfill.sources import Bad, UnreadableSource, choose
from workflow.backfill.sources import Row as Read
from workflow.examples.declarations.mappings import DeclarationLog
from workflow.models import BackfillReject, Record

pytestmark = pytest.mark.django_db


class Xes(DeclarationLog):
    """The same log in the keys of XES."""

    name = "declarations_xes"
    renamed = {
        "case:concept:name": "case_id",
        "id": "event_id",
        "concept:name": "activity",
        "org:role": "role",
        "org:resource": "resource",
        "time:timestamp": "occurred_at",
        "case:DeclarationNumber": "declaration_number",
        "case:BudgetNumber": "budget_number",
        "case:Amount": "amount",
    }


@pytest.fixture(autouse=True)
def _xes() -> Iterator[None]:
    register(Xes)
    yield
    unregister(Xes)


def xes(some: list[Row]) -> str:
    keys = {column: key for key, column in Xes.renamed.items()}
    cases: dict[str, list[Row]] = {}
    for row in some:
        cases.setdefault(row["case_id"], []).append(row)

    def attributes(row: Row, *, of_case: bool) -> str:
        named = {keys[column]: value for column, value in row.items()}
        return "".join(
            f"<string key={quoteattr(key.removeprefix('case:'))} value={quoteattr(value)}/>"
            for key, value in named.items()
            if key.startswith("case:") == of_case
        )

    traces = "".join(
        f"<trace>{attributes(events[0], of_case=True)}"
        + "".join(f"<event>{attributes(row, of_case=False)}</event>" for row in events)
        + "</trace>"
        for events in cases.values()
    )
    return f'<log xmlns="http://www.xes-standard.org/"><extension name="x"/>{traces}</log>'


@pytest.mark.parametrize("kind", ["csv.gz", "jsonl", "jsonl.gz", "xes", "xes.gz", "table"])
def test_every_source_tells_the_same(
    log: Log, backfill: Backfill, tmp_path: Path, kind: str
) -> None:
    some = usual(10)
    path = tmp_path / f"log.{kind}"
    match kind:
        case "csv.gz":
            path.write_bytes(gzip.compress(log(some).read_bytes()))
        case "jsonl" | "jsonl.gz":
            text = "".join(json.dumps(row) + "\n" for row in some).encode()
            path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
        case "xes" | "xes.gz":
            text = xes(some).encode()
            path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
        case _:
            legacy(some)
    source = "table:legacy_events" if kind == "table" else path
    table = backfill(source, mapping="declarations_xes" if "xes" in kind else "declarations")
    assert (table["adopted"], table["records"]) == (len(some), {"new": 10})

    again = backfill(log(some))
    assert (again["known"], again["adopted"]) == (len(some), 0)


def legacy(some: list[Row]) -> None:
    columns = ", ".join(f"{name} varchar(100)" for name in some[0])
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS legacy_events")
        cursor.execute(f"CREATE TABLE legacy_events (id integer PRIMARY KEY, {columns})")
        marks = ", ".join(["%s"] * (len(some[0]) + 1))
        cursor.executemany(
            f"INSERT INTO legacy_events VALUES ({marks})",
            [[number, *row.values()] for number, row in enumerate(some, start=1)],
        )


@pytest.fixture(autouse=True)
def _no_legacy() -> Iterator[None]:
    yield
    if not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS legacy_events")


def test_a_table_is_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.backfill.sources.table._AT_ONCE", 7)
    some = usual(20)
    legacy(some)
    read = list(choose("table:legacy_events").rows())
    assert [row.number for row in read] == list(range(1, len(some) + 1))
    assert [row.values["event_id"] for row in read if isinstance(row, Read)] == [
        row["event_id"] for row in some
    ]


@pytest.mark.parametrize("given", ["table:nowhere", "table:elsewhere/x", "x.pdf", "none.csv"])
def test_a_source_that_is_not_there_is_named(given: str) -> None:
    with pytest.raises(UnreadableSource, match=given.rpartition("/")[0] or given):
        choose(given)


def bad(path: Path) -> list[tuple[int, str]]:
    return [(row.number, row.problem) for row in choose(str(path)).rows() if isinstance(row, Bad)]


HEADER = ",".join(rows("c", [S])[0])
GOOD = ",".join(rows("c1", [S])[0].values())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"just,three,fields", "has 3 fields, the header has 9"),
        (b'"never closed,' + GOOD.encode(), "is no CSV: unexpected end of data"),
        (
            GOOD.replace("STAFF", "ST\xc4FF").encode("latin-1"),
            "holds bytes that are no characters",
        ),
        (b"x" * 300_000, "is longer than 262,144 characters"),
        (b'a"b"c,' + GOOD.encode(), "has 10 fields"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(
    tmp_path: Path, line: bytes, told: str
) -> None:
    path = tmp_path / "log.csv"
    last = GOOD.replace("c1", "c2").encode()
    path.write_bytes(b"\n".join([HEADER.encode(), GOOD.encode(), line, last, b""]))
    read = list(choose(str(path)).rows())
    good = [row for row in read if isinstance(row, Read)]
    assert [row.values["case_id"] for row in good] == ["c1", "c2"]
    assert bad(path)[0][0] == 3
    assert told in bad(path)[0][1]


def test_a_field_may_go_over_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text('a,b\n1,"two\nlines, ""quoted"""\n3,4\n')
    read = list(choose(str(path)).rows())
    assert [(row.number, row.values["b"]) for row in read if isinstance(row, Read)] == [
        (2, 'two\nlines, "quoted"'),
        (4, "4"),
    ]


def test_a_truncated_gzip_gives_what_came_before(log: Log, backfill: Backfill) -> None:
    plain = log(usual(400)).read_bytes()
    path = log([]).with_name("cut.csv.gz")
    packed = gzip.compress(plain)
    path.write_bytes(packed[: len(packed) * 2 // 3])
    table = backfill(path)
    assert table["adopted"] > 200
    reject = BackfillReject.objects.get(code="unreadable")
    assert f"after row {reject.source_row - 1} the file cannot be read any further" in str(reject)

    path.write_bytes(packed)
    table = backfill(path)
    assert table["rejected"] == {}
    assert Record.objects.count() == 400
    assert not BackfillReject.objects.filter(resolved_at=None).exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no CSV file with a header"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no CSV file with a header"),
        (HEADER.encode("utf-16"), "is in UTF-16; say --encoding utf-16"),
        (b"case_id,event_id\n1,2\n", "lacks the columns activity, role, resource"),
        (b"case_id,case_id\n1,2\n", "names a column twice"),
        (b"\x1f\x8b\x08\x00garbage", "cannot be read|is no CSV"),
    ],
)
def test_what_is_no_log_is_refused_before_anything_is_written(
    tmp_path: Path, backfill: Backfill, content: bytes, told: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    before = state()
    with pytest.raises(CommandError, match=told):
        backfill(path)
    assert state() == before


def test_another_encoding_can_be_named(log: Log, backfill: Backfill) -> None:
    path = log(rows("case 1", [S, F], declaration_number="Nº 1"))
    path.write_text(path.read_text("utf-8"), "utf-16")
    assert backfill(path, "--encoding", "utf-16")["adopted"] == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object but list"),
        ('{"case_id": "c"}', "lacks event_id"),
        ("[" * 100_000, "is no JSON"),
        (json.dumps({**rows("c", [S])[0], "case_id": None}), "mapping 'declarations' raised"),
        (json.dumps({**rows("c", [S])[0], "case_id": "\ud800"}), "reference '\\ud800' is not"),
    ],
)
def test_a_bad_object_is_named(tmp_path: Path, backfill: Backfill, line: str, told: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{json.dumps(rows('c1', [S])[0])}\n{line}\n")
    table = backfill(path)
    assert table["adopted"] == 1
    reject = BackfillReject.objects.get()
    assert reject.source_row == 2
    assert told in reject.message


BOMB = """<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<log><trace><string key="concept:name" value="&b;"/></trace></log>"""
THIEF = """<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<log><trace><string key="concept:name" value="&x;"/></trace></log>"""


@pytest.mark.parametrize("document", [BOMB, THIEF])
def test_xes_with_a_document_type_is_refused(
    tmp_path: Path, backfill: Backfill, document: str
) -> None:
    path = tmp_path / "log.xes"
    path.write_text(document)
    with pytest.raises(CommandError, match="declares a document type or entities"):
        backfill(path, mapping="declarations_xes")


def test_xes_that_breaks_off_gives_what_came_before(tmp_path: Path, backfill: Backfill) -> None:
    path = tmp_path / "log.xes"
    text = xes(usual(400))
    path.write_text(text[: len(text) * 2 // 3])
    table = backfill(path, mapping="declarations_xes")
    assert table["adopted"] > 200
    assert table["rejected"] == {"unreadable": 1}


def test_what_is_no_xes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    for text in ("", "<html/>", "nonsense"):
        path.write_text(text)
        with pytest.raises(UnreadableSource, match="is no XES"):
            list(choose(str(path)).rows())


@pytest.mark.parametrize("kind", ["csv", "xes"])
def test_reading_takes_no_more_memory_for_more_rows(tmp_path: Path, kind: str) -> None:
    def peak(cases: int) -> int:
        path = tmp_path / f"log.{kind}"
        some = usual(cases)
        if kind == "xes":
            path.write_text(xes(some))
        else:
            write(path, some)
        del some
        tracemalloc.start()
        for _ in choose(str(path)).rows():
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(2000) < peak(100) + 300_000


def test_a_semicolon_file_is_told_by_its_columns(tmp_path: Path, backfill: Backfill) -> None:
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerow(rows("c", [S])[0])
    with pytest.raises(CommandError, match="lacks the columns"):
        backfill(path)
