"""Packing files so that the same content gives the same bytes, on any machine and day."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can tell: no file in a bundle has one."""


class Sheet:
    """One file that is being written, line by line; memory stays flat."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._digest = hashlib.sha256()

    def text(self, text: str) -> None:
        """Append text as UTF-8."""
        data = text.encode()
        self._digest.update(data)
        self._out.write(data)

    def line(self, value: Mapping[str, Any]) -> None:
        """Append a JSON object on a line of its own, its keys sorted."""
        self.text(as_text(value))

    def digest(self) -> str:
        """Return the SHA-256 of what has been written."""
        return self._digest.hexdigest()


def as_text(value: Mapping[str, Any]) -> str:
    """Return a JSON object as a line, its keys sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"


class Pack:
    """A zip file of uncompressed files, since compressed bytes differ between libraries."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._files: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._zip.close()

    @contextmanager
    def sheet(self, name: str) -> Iterator[Sheet]:
        """Open one file of the pack for writing."""
        with self._zip.open(_info(name), "w", force_zip64=True) as out:
            sheet = Sheet(out)
            yield sheet
        self._files[name] = sheet.digest()

    def manifest(self, facts: Mapping[str, Any]) -> None:
        """Write the list of files with their digests, and facts beside it. The last file."""
        said = {**facts, "files": self._files}
        text = json.dumps(said, sort_keys=True, indent=1) + "\n"
        self._zip.writestr(_info("manifest.json"), text)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info
