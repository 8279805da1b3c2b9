"""The bootstrap, in a folder where it can do no harm."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import PROJECT


@pytest.fixture
def start() -> ModuleType:
    """The bootstrap as a module of its own, so that patches do not outlast a test."""
    spec = spec_from_file_location("run_under_test", PROJECT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Pip:
    """Takes the place of `run`: notes what is installed, and may be interrupted."""

    def __init__(self) -> None:
        self.installed: list[str] = []
        self.is_interrupted = False

    def __call__(self, *command: str | Path) -> None:
        self.installed.append(Path(command[-1]).stem)
        if self.is_interrupted:
            raise SystemExit("This failed")


@pytest.fixture
def pip(start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    """Have the bootstrap work in an empty folder, with locks and without a network."""
    locks, folder = tmp_path / "requirements", tmp_path / ".venv"
    python = folder / "bin" / "python"
    locks.mkdir()
    for kind in ("base", "dev"):
        (locks / f"{kind}.txt").write_text(f"{kind}==1\n")

    def make_venv() -> None:
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    pip = Pip()
    monkeypatch.setattr(start, "LOCKS", locks)
    monkeypatch.setattr(start, "VENV", folder)
    monkeypatch.setattr(start, "PYTHON", python)
    monkeypatch.setattr(start, "make_venv", make_venv)
    monkeypatch.setattr(start, "run", pip)
    return pip
