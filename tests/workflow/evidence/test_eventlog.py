"""E13: exports that process-mining tools open, and that say what the source said."""

from __future__ import annotations

import csv
import gzip
import json
import warnings
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from tests.engine.conftest import Make
from tests.workflow.examples.conftest import downstream
from tests.workflow.examples.logs import rows, usual, write
from tests.workflow.examples.test_replay import replay
from tests.workflow.examples.test_whole_log import LOG
from workflow.examples.declarations.replay.activities import STEPS
from workflow.examples.declarations.replay.rows import Event, read

__all__ = ["downstream"]

pytestmark = pytest.mark.django_db

XES = "{http://www.xes-standard.org/}"
Pairs = Counter[tuple[str, str]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A log in which every event fires; replayed through the engine."""
    path = write(tmp_path / "log.csv", usual(40))
    done = replay(path)
    assert done.states == {"fired": done.requested}
    return path


def export(path: Path, *options: str) -> Path:
    call_command("evidence_log", str(path), "--workflow", "declaration", *options)
    return path


def follows(traces: Iterable[Sequence[str]]) -> Pairs:
    return Counter(pair for trace in traces for pair in pairwise(trace))


def of_source(path: Path) -> Pairs:
    traces: dict[str, list[str]] = {}
    for row in read(path):
        assert isinstance(row, Event)
        traces.setdefault(row.case, []).append(STEPS[row.activity].transition)
    return follows(traces.values())


def traces_of_xes(path: Path) -> list[list[str]]:
    """Read it by hand: the standard's structure, and no more."""
    root = ET.parse(path).getroot()
    assert root.tag == f"{XES}log"
    return [
        [
            event.find(f"{XES}string[@key='concept:name']").attrib["value"]  # type: ignore[union-attr]
            for event in trace.findall(f"{XES}event")
        ]
        for trace in root.findall(f"{XES}trace")
    ]


def traces_of_ocel(path: Path) -> list[list[str]]:
    log = json.loads(path.read_text())
    assert set(log) == {"events", "objects", "objectTypes", "eventTypes"}
    objects = {each["id"]: each["type"] for each in log["objects"]}
    types = {each["name"] for each in log["eventTypes"]}
    traces: dict[str, list[str]] = {}
    for event in log["events"]:
        assert event["type"] in types
        for each in event["relationships"]:
            if objects[each["objectId"]] == "declaration":
                traces.setdefault(each["objectId"], []).append(event["type"])
    return list(traces.values())


def test_directly_follows_counts_are_the_sources(source: Path, tmp_path: Path) -> None:
    expected = of_source(source)
    assert sum(expected.values()) > 100
    assert follows(traces_of_xes(export(tmp_path / "log.xes"))) == expected
    assert follows(traces_of_ocel(export(tmp_path / "log.json"))) == expected


@pytest.mark.slow
@pytest.mark.skipif(not LOG.exists(), reason="the public log is not beside the project")
def test_the_public_logs_counts_come_back(tmp_path: Path) -> None:
    """Its first 300 declarations: what follows on what, in the source, XES and OCEL."""
    with gzip.open(LOG, "rt", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    first = set(list(dict.fromkeys(line["case_id"] for line in lines))[:300])
    source = write(tmp_path / "part.csv", [line for line in lines if line["case_id"] in first])
    done = replay(source)
    assert done.states == {"fired": done.requested}
    expected = of_source(source)
    assert sum(expected.values()) == done.requested - 300
    assert follows(traces_of_xes(export(tmp_path / "log.xes"))) == expected
    assert follows(traces_of_ocel(export(tmp_path / "log.json"))) == expected


class TestPm4py:
    """With the tool itself."""

    @pytest.fixture
    def pm4py(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pytest.importorskip("pm4py")

    def test_it_loads_the_xes(self, source: Path, tmp_path: Path, pm4py: Any) -> None:
        path = export(tmp_path / "log.xes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            log = pm4py.read_xes(str(path))
            found, _starts, _ends = pm4py.discover_dfg(log)
        assert Counter(found) == of_source(source)
        assert set(log["org:resource"]) == set(
            Entry.objects.filter(action="fired").values_list("actor", flat=True)
        )

    def test_it_loads_the_ocel(self, source: Path, tmp_path: Path, pm4py: Any) -> None:
        path = export(tmp_path / "log.json")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            log = pm4py.read_ocel2_json(str(path))
            flat = pm4py.ocel_flattening(log, "declaration")
            found, _starts, _ends = pm4py.discover_dfg(flat)
        assert Counter(found) == of_source(source)
        assert set(pm4py.ocel_get_object_types(log)) == {"declaration", "person"}


def test_a_period_is_cut_out(source: Path, tmp_path: Path) -> None:
    times = sorted(Entry.objects.filter(action="fired").values_list("at", flat=True))
    since, until = times[10], times[-10]
    expected = sum(since <= at < until for at in times)
    assert 0 < expected < len(times)
    options = ("--since", since.isoformat(), "--until", until.isoformat())
    for name, traces in (("part.xes", traces_of_xes), ("part.json", traces_of_ocel)):
        assert sum(map(len, traces(export(tmp_path / name, *options)))) == expected
    late = (times[-1] + timedelta(days=1)).isoformat()
    assert traces_of_xes(export(tmp_path / "none.xes", "--since", late)) == []


def test_words_that_xml_has_no_way_for_do_not_spoil_it(
    make: Make, ask: Any, tmp_path: Path
) -> None:
    from workflow.testing.drain import drain

    record = make()
    ask(
        record,
        "open",
        reason='<&"\n\x0b\ud83d\ude00'.encode("utf-16", "surrogatepass").decode("utf-16"),
    )
    drain()
    call_command("evidence_log", str(tmp_path / "log.xes"), "--workflow", "probe")
    (event,) = ET.parse(tmp_path / "log.xes").getroot().iter(f"{XES}event")
    said = {each.attrib["key"]: each.attrib["value"] for each in event}
    assert said["reason"] == '<&"\n\ufffd\U0001f600'
    assert said["concept:name"] == "open"


def test_memory_does_not_grow_with_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    from workflow.evidence.eventlog import events

    write(tmp_path / "log.csv", [row for index in range(12) for row in rows(f"c{index}", V)])
    replay(tmp_path / "log.csv")
    monkeypatch.setattr(events, "_PAGE", 5)
    with django_assert_max_num_queries(7):
        assert len(traces_of_xes(export(tmp_path / "log.xes"))) == 12


V = ["Declaration SUBMITTED by EMPLOYEE", "Declaration APPROVED by ADMINISTRATION"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["log.xes", "--workflow", "nothing"], "No workflow 'nothing'; there are: .*declaration"),
        (["log.txt", "--workflow", "declaration"], "end it in .xes or .json"),
        (["log.xes", "--workflow", "declaration", "--since", "soon"], "--since 'soon' is no day"),
        (["no/such/log.xes", "--workflow", "declaration"], "cannot be written"),
    ],
)
def test_bad_input_is_told(options: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call_command("evidence_log", *options)
