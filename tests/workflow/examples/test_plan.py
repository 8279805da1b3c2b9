"""The log as a plan: ids, order, repeated and contradicting rows."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from tests.workflow.examples.logs import F, P, R, S, rows, write
from workflow.examples.declarations.replay.plan import Plan, plan, transition_id
from workflow.examples.declarations.replay.rows import read


def planned(path: Path, some: list[dict[str, str]], cases: int | None = None) -> Plan:
    return plan(read(write(path / "log.csv", some)), cases=cases)


def test_ids_are_derived_the_same_for_ever() -> None:
    assert transition_id(case="declaration 86791", event="st_step 86794_0") == UUID(
        "8442bcbe-1a3e-5ef1-bc71-0cdc35b4d1ac"
    )


def test_ids_differ_where_case_and_event_only_look_alike_together() -> None:
    assert transition_id(case="a", event="bc") != transition_id(case="ab", event="c")


def test_events_keep_the_order_of_the_log_within_their_case(tmp_path: Path) -> None:
    one, two = rows("c1", [S, F, R]), rows("c2", [S, F])
    mixed = [one[0], two[0], one[1], two[1], one[2]]

    made = planned(tmp_path, mixed)

    assert [step.event.activity for step in made.cases["c1"].steps] == [S, F, R]
    assert [step.event.activity for step in made.cases["c2"].steps] == [S, F]
    assert made.events == 5


def test_a_row_repeated_word_for_word_is_counted_and_left_out(tmp_path: Path) -> None:
    some = rows("c1", [S, F])

    made = planned(tmp_path, [*some, some[0]])

    assert (made.events, made.repeated_rows, made.broken) == (2, 1, [])


def test_an_event_id_with_other_values_is_broken(tmp_path: Path) -> None:
    some = rows("c1", [S, F])
    other = {**some[0], "resource": "SOMEBODY ELSE"}

    made = planned(tmp_path, [*some, other])

    assert made.events == 2
    assert [str(row) for row in made.broken] == [
        "row 4: event_id 'c1/0' is in row 2 already, with other values"
    ]


def test_a_case_that_contradicts_itself_is_broken_there(tmp_path: Path) -> None:
    some = rows("c1", [S, F])
    some[1]["amount"] = "1.00"

    made = planned(tmp_path, some)

    assert made.events == 1
    assert [str(row) for row in made.broken] == [
        "row 3: case_id 'c1' has another number, budget or amount in row 2"
    ]


def test_a_limit_takes_whole_cases_and_still_names_every_broken_row(tmp_path: Path) -> None:
    some = [*rows("c1", [S]), *rows("c2", [S]), *rows("c1", [S, F])[1:]]
    some += rows("c3", [P], role="EMPEROR")

    made = planned(tmp_path, some, cases=1)

    assert list(made.cases) == ["c1"]
    assert made.events == 2
    assert len(made.broken) == 1
