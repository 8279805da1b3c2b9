"""The drawing of the pages as a file of its own: the same boxes and ways, with colours in it.

Attributes rather than a stylesheet, so that it shows under a strict policy and in any viewer.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workflow.pages.drawing import HEIGHT, WIDTH, Box, Drawing, Way

_WAYS: Mapping[str, tuple[str, str, str]] = {
    "idle": ("#b9c3cc", "1.2", ""),
    "open": ("#76838f", "1.4", "4 4"),
    "walked": ("#0a6070", "2.6", ""),
    "ahead": ("#1c5aa6", "2.6", "7 5"),
}
"""Colour, width, dashes."""

_BOXES: Mapping[str, tuple[str, str, str]] = {
    "idle": ("#ffffff", "#b9c3cc", "#52606e"),
    "been": ("#e2f2f4", "#0a6070", "#16202b"),
    "next": ("#e6f0fb", "#1c5aa6", "#16202b"),
    "here": ("#0a6070", "#0a6070", "#ffffff"),
}
"""Ground, border, text."""


def svg(*, drawing: Drawing, title: str) -> str:
    """Return a whole SVG document; every text in it is escaped."""
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}"'
        ' role="img" font-family="system-ui, sans-serif" font-size="11">'
        '<title>{}</title><desc>{}</desc><rect width="100%" height="100%" fill="#ffffff"/>'
        "{}{}</svg>\n",
        *map(_number, (drawing.width, drawing.height, drawing.width, drawing.height)),
        title,
        " → ".join(drawing.walked),
        format_html_join("", "{}", ((_way(each),) for each in drawing.ways)),
        format_html_join("", "{}", ((_box(each),) for each in drawing.boxes)),
    )


def _way(way: Way) -> SafeString:
    colour, width, dashes = _WAYS[way.css.partition(" ")[0]]
    return format_html(
        '<path d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-dasharray="{}"/>',
        way.path,
        colour,
        width,
        dashes or "none",
    )


def _box(box: Box) -> SafeString:
    ground, border, ink = _BOXES[box.css.split(" ")[0]]
    texts = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle" fill="{}">{}</text>',
        ((_number(box.middle), _number(y), ink, line) for y, line in box.lines),
    )
    return format_html(
        '<g><rect x="{}" y="{}" width="{}" height="{}" rx="7" fill="{}" stroke="{}"/>{}</g>',
        *map(_number, (box.x, box.y, WIDTH, HEIGHT)),
        ground,
        border,
        texts,
    )


def _number(value: float) -> str:
    return f"{value:g}"
