"""Where to draw the statuses of a workflow: columns by distance, rows by neighbours.

A layered drawing in the manner of Sugiyama: edges that lead back are set aside, each status stands
one column right of the farthest status that leads to it, and the order within a column follows the
average place of its neighbours, which keeps crossings few. Small enough to be computed at each
request; still it is cached, since definitions do not change while a release runs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workflow.definition.workflow import Workflow

_SWEEPS = 8


@dataclass(frozen=True, kw_only=True)
class Node:
    """One status and its place."""

    status: str
    declared: object
    """Its label as declared. A lazy one stays so, since the plan outlives its first reader."""

    column: int
    row: float
    """Place within the drawing's height; halves occur, since columns are centred."""

    is_initial: bool
    is_final: bool

    @property
    def label(self) -> str:
        """What the status is called, in the language of who looks."""
        return str(self.declared)


@dataclass(frozen=True, kw_only=True)
class Edge:
    """All transitions from one status to another."""

    source: str
    target: str
    transitions: tuple[str, ...]
    is_back: bool
    """Whether it leads to the left, or to the status itself."""


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """A workflow's drawing, in units of columns and rows."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    columns: int
    rows: int


@lru_cache(maxsize=64)
def diagram(workflow: Workflow[Any, Any]) -> Diagram:
    """Return the drawing; the same for the same definition."""
    edges = _edges(workflow)
    initial = str(workflow.initial.value)
    back = _back(initial, edges)
    forward = [pair for pair in edges if pair not in back]
    columns = _columns(initial, forward, sorted(workflow.status_values))
    order = _order(columns, forward, [str(each.value) for each in workflow.statuses])
    height = max(len(column) for column in order.values())
    nodes = tuple(
        Node(
            status=status,
            declared=_label(workflow, status),
            column=number,
            row=row + (height - len(column)) / 2,
            is_initial=status == initial,
            is_final=status in {str(each.value) for each in workflow.final},
        )
        for number, column in sorted(order.items())
        for row, status in enumerate(column)
    )
    return Diagram(
        nodes=nodes,
        edges=tuple(
            Edge(source=source, target=target, transitions=tuple(names), is_back=pair in back)
            for pair, names in edges.items()
            for source, target in [pair]
        ),
        columns=max(order) + 1,
        rows=height,
    )


Pair = tuple[str, str]


def _edges(workflow: Workflow[Any, Any]) -> dict[Pair, list[str]]:
    edges: dict[Pair, list[str]] = defaultdict(list)
    for transition in workflow.transitions:
        for source in transition.sources:
            edges[str(source.value), str(transition.target.value)].append(transition.name)
    return dict(edges)


def _back(initial: str, edges: dict[Pair, list[str]]) -> set[Pair]:
    """Return the edges that close a circle, found by walking from the start."""
    onward: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        onward[source].append(target)
    back: set[Pair] = set()
    open_now: set[str] = set()
    done: set[str] = set()

    def walk(status: str) -> None:
        open_now.add(status)
        for target in onward[status]:
            if target in open_now:
                back.add((status, target))
            elif target not in done:
                walk(target)
        open_now.discard(status)
        done.add(status)

    walk(initial)
    return back


def _columns(initial: str, forward: list[Pair], statuses: list[str]) -> dict[str, int]:
    """Return the longest way from the start to each status; what is unreachable stands first."""
    columns = dict.fromkeys(statuses, 0)
    columns[initial] = 0
    for _ in statuses:
        for source, target in forward:
            columns[target] = max(columns[target], columns[source] + 1)
    return columns


def _order(
    columns: dict[str, int], forward: list[Pair], declared: list[str]
) -> dict[int, list[str]]:
    order: dict[int, list[str]] = defaultdict(list)
    for status in declared:
        order[columns[status]].append(status)
    neighbours: dict[str, list[str]] = defaultdict(list)
    for source, target in forward:
        neighbours[source].append(target)
        neighbours[target].append(source)
    for sweep in range(_SWEEPS):
        place = {
            status: row - (len(column) - 1) / 2
            for column in order.values()
            for row, status in enumerate(column)
        }
        for number in sorted(order, reverse=bool(sweep % 2)):
            column = order[number]
            weight = {
                status: _mean([place[each] for each in neighbours[status]], place[status])
                for status in column
            }
            column.sort(key=lambda status, weight=weight: weight[status])  # type: ignore[misc]
            for row, status in enumerate(column):
                place[status] = row - (len(column) - 1) / 2
    return order


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _label(workflow: Workflow[Any, Any], status: str) -> object:
    for member in workflow.statuses:
        if member.value == status:
            return getattr(member, "label", None) or member.name.replace("_", " ").capitalize()
    return status
