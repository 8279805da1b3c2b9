"""The project's own files, as a clone has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import PROJECT

_NOT_OURS = {"var", "data", "__pycache__", "htmlcov", "node_modules"}
_HIDDEN_BUT_OURS = {".ci", ".gitignore", ".github"}
_BINARY = {".mo", ".png", ".jpg", ".gz", ".ico", ".woff2", ".pyc", ".sqlite3"}

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def files(folder: Path = PROJECT) -> Iterator[Path]:
    """Yield every text file that is the project's: not what is built, installed or kept."""
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS
        if hidden or path.name in _NOT_OURS or path.suffix in _BINARY:
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def documents() -> list[Path]:
    """Return the pages of documentation, the front page included."""
    return [path for path in files() if path.suffix == ".md"]


def code(language: str = "", *, paths: list[Path] | None = None) -> str:
    """Return all fenced blocks of a language, one after the other."""
    return "\n".join(
        block
        for path in paths or documents()
        for spoken, block in FENCED.findall(path.read_text(encoding="utf-8"))
        if spoken == language
    )
