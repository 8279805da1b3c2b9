"""XES, the standard form of event logs (IEEE 1849), read as a stream.

XML from elsewhere is not to be trusted: entities could fetch files or fill the memory. The parser
refuses every document type, which XES does not use, before it expands anything.

A row is an event: its attributes by their keys, those of its trace with `case:` before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from workflow.backfill.sources import file
from workflow.backfill.sources.row import Bad, Row, UnreadableSource
from workflow.models import Fault


class XesFile:
    """An XES file, plain or gzipped."""

    def __init__(self, path: Path, *, encoding: str) -> None:
        """Take the path; the encoding is the document's own to declare."""
        self._path = path

    def digest(self) -> str:
        """Return the SHA-256 of the file."""
        return file.digest(self._path)

    def columns(self) -> None:
        """Return None: each event has its own keys."""

    def rows(self) -> Iterator[Row | Bad]:
        """Yield the events, numbered from 1.

        Raises:
            UnreadableSource: It is no XES, or has a document type.
        """
        number = 0
        with file.opened(self._path) as raw:
            try:
                for values in _events(self._path, raw):
                    number += 1
                    yield Row(number, values)
            except DefusedXmlException as error:
                problem = f"declares a document type or entities, which is refused: {error!r}"
                raise UnreadableSource(self._path, problem) from None
            except (*file.BROKEN_OFF, ParseError) as error:
                if not number:
                    raise UnreadableSource(self._path, f"is no XES: {error}") from None
                problem = f"after event {number} it cannot be read any further: {error}"
                yield Bad(number + 1, problem, "", Fault.UNREADABLE)


def _events(path: Path, raw: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield each event's attributes, and forget elements as soon as they are done with."""
    place = _Place()
    for what, element in iterparse(raw, events=("start", "end"), forbid_dtd=True):
        tag = element.tag.rpartition("}")[2]
        if place.root is None:
            if tag != "log":
                raise UnreadableSource(path, f"is no XES: its root is <{tag}>, not <log>")
            place.root = element
        elif what == "start":
            place.enter(tag, element)
        elif tag == "event":
            yield place.case | dict(_attributes(element))
            place.leave_event()
        elif tag == "trace":
            place.root.clear()


class _Place:
    """Where in the document the parser is."""

    root: Element | None = None

    def __init__(self) -> None:
        self._trace: Element | None = None
        self._is_first = True
        self.case: dict[str, str] = {}

    def enter(self, tag: str, element: Element) -> None:
        """Take note of an element that begins."""
        if tag == "trace":
            self._trace, self._is_first, self.case = element, True, {}
        elif tag == "event" and self._is_first and self._trace is not None:
            # A trace's own attributes come before its events, as the standard has it.
            self.case = {f"case:{key}": value for key, value in _attributes(self._trace)}
            self._is_first = False

    def leave_event(self) -> None:
        """Forget the event that has ended."""
        if self._trace is not None:
            self._trace.clear()


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    for child in element:
        key = child.get("key")
        value = child.get("value")
        if key is not None and value is not None:
            yield key, value
