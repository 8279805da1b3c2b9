"""The workflow as an SVG: which way this record went, where it stands, where it can go."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from workflow.definition import Workflow
from workflow.definition.diagram import Edge, Node, diagram
from workflow.models import TransitionEnvelope

WIDTH, HEIGHT = 108, 44
"""Of a status, in units of the drawing."""

_ACROSS, _DOWN = 134, 66
_MARGIN = 22
_LEADING = 13
_LINE = 16
"""Letters of a label on one line."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """One status as drawn."""

    x: float
    y: float
    lines: tuple[tuple[float, str], ...]
    """Baseline and text."""

    css: str
    note: str
    """What a screen reader is told of it."""

    visits: int

    @property
    def middle(self) -> float:
        """Where its text is centred."""
        return self.x + WIDTH / 2

    @property
    def right(self) -> float:
        """Its right edge, where the number of visits hangs."""
        return self.x + WIDTH

    @property
    def under(self) -> float:
        """Baseline of the number of visits."""
        return self.y + 3.5


@dataclass(frozen=True, kw_only=True)
class Way:
    """One edge as drawn."""

    path: str
    css: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything that the template needs."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]
    walked: tuple[str, ...]
    """The way in words: the labels of the statuses, in order."""


def drawing(
    *,
    workflow: Workflow[Any, Any],
    status: str,
    fired: Sequence[TransitionEnvelope],
    in_flight: TransitionEnvelope | None = None,
) -> Drawing:
    """Return the drawing of a record.

    Args:
        fired: Its transitions that fired, the oldest first.
        in_flight: The one that is on its way, if there is one.
    """
    plan = diagram(workflow)
    nodes = {node.status: node for node in plan.nodes}
    steps = _steps(str(workflow.initial.value), fired)
    visits = Counter([str(workflow.initial.value), *(target for _, target in steps)])
    walked = set(steps)
    ahead = (status, in_flight.target) if in_flight is not None else None
    ways = [
        Way(path=_path(edge, nodes), css=_edge_css(edge, walked, status, ahead))
        for edge in plan.edges
    ]
    return Drawing(
        width=plan.columns * _ACROSS - (_ACROSS - WIDTH) + 2 * _MARGIN,
        height=plan.rows * _DOWN - (_DOWN - HEIGHT) + 2 * _MARGIN + 18,
        boxes=tuple(_box(node, status, visits, ahead) for node in plan.nodes),
        ways=tuple(sorted(ways, key=lambda way: _ORDER.index(way.css))),
        walked=tuple(
            nodes[each].label if each in nodes else each
            for each in [str(workflow.initial.value), *(target for _, target in steps)]
        ),
    )


_ORDER = ["idle", "idle back", "open", "open back", "walked", "walked back", "ahead", "ahead back"]
"""What is drawn later lies on top."""


def _steps(initial: str, fired: Sequence[TransitionEnvelope]) -> list[tuple[str, str]]:
    steps = []
    at = initial
    for envelope in fired:
        steps.append((at, envelope.target))
        at = envelope.target
    return steps


def _edge_css(
    edge: Edge, walked: Collection[tuple[str, str]], status: str, ahead: tuple[str, str] | None
) -> str:
    pair = (edge.source, edge.target)
    kind = "idle"
    if edge.source == status:
        kind = "open"
    if pair in walked:
        kind = "walked"
    if pair == ahead:
        kind = "ahead"
    return f"{kind} back" if edge.is_back else kind


def _box(node: Node, status: str, visits: Counter[str], ahead: tuple[str, str] | None) -> Box:
    css, note = "idle", ""
    if visits[node.status]:
        css, note = "been", _("passed")
    if ahead is not None and node.status == ahead[1]:
        css, note = "next", _("on its way there")
    if node.status == status:
        css, note = "here", _("stands here")
    x, y = _corner(node)
    lines = textwrap.wrap(node.label, _LINE)[:3] or [node.label]
    first = y + HEIGHT / 2 + 4 - _LEADING / 2 * (len(lines) - 1)
    return Box(
        x=x,
        y=y,
        lines=tuple((first + _LEADING * number, line) for number, line in enumerate(lines)),
        css=f"{css} final" if node.is_final else css,
        note=note,
        visits=visits[node.status],
    )


def _corner(node: Node) -> tuple[float, float]:
    return _MARGIN + node.column * _ACROSS, _MARGIN + node.row * _DOWN


def _path(edge: Edge, nodes: dict[str, Node]) -> str:
    (ax, ay), (bx, by) = _corner(nodes[edge.source]), _corner(nodes[edge.target])
    if edge.source == edge.target:
        x, y = ax + WIDTH / 2, ay
        return f"M{x - 12:g} {y:g} C{x - 16:g} {y - 18:g} {x + 16:g} {y - 18:g} {x + 12:g} {y:g}"
    if edge.is_back:
        x1, y1, x2, y2 = ax + WIDTH / 2, ay + HEIGHT, bx + WIDTH / 2, by + HEIGHT
        dip = max(y1, y2) + 16 + 0.012 * abs(x1 - x2)
        return f"M{x1:g} {y1:g} C{x1:g} {dip:g} {x2:g} {dip:g} {x2:g} {y2:g}"
    if ay == by and bx - ax > _ACROSS:
        # Over the statuses in between, which it does not pass.
        x1, x2 = ax + WIDTH * 0.7, bx + WIDTH * 0.3
        peak = ay - 24
        return f"M{x1:g} {ay:g} C{x1 + 20:g} {peak:g} {x2 - 20:g} {peak:g} {x2:g} {by:g}"
    x1, y1, x2, y2 = ax + WIDTH, ay + HEIGHT / 2, bx, by + HEIGHT / 2
    bend = max(14, (x2 - x1) * 0.4)
    return f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
