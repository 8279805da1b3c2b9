"""What `run.py` installs, and what it takes for installed."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.foundation.conftest import Pip


class TestPreparing:
    def test_the_second_time_it_does_nothing(self, start: ModuleType, pip: Pip) -> None:
        start.prepare("base")
        start.prepare("base")
        assert pip.installed == ["base"]

    def test_an_interrupted_installation_is_done_again(self, start: ModuleType, pip: Pip) -> None:
        pip.is_interrupted = True
        for _ in range(2):
            with pytest.raises(SystemExit, match="This failed"):
                start.prepare("base")
        assert not start.stamp("base").exists()
        pip.is_interrupted = False
        start.prepare("base")
        start.prepare("base")
        assert pip.installed == ["base"] * 3

    def test_another_lock_is_installed_anew(self, start: ModuleType, pip: Pip) -> None:
        start.prepare("base")
        (start.LOCKS / "base.txt").write_text("base==2\n")
        start.prepare("base")
        start.prepare("base")
        assert pip.installed == ["base"] * 2

    def test_what_was_interrupted_does_not_count_as_what_was_before(
        self, start: ModuleType, pip: Pip
    ) -> None:
        start.prepare("base")
        (start.LOCKS / "base.txt").write_text("base==2\n")
        pip.is_interrupted = True
        with pytest.raises(SystemExit):
            start.prepare("base")
        pip.is_interrupted = False
        (start.LOCKS / "base.txt").write_text("base==1\n")
        start.prepare("base")
        assert pip.installed == ["base"] * 3

    def test_a_python_that_is_gone_is_made_anew(self, start: ModuleType, pip: Pip) -> None:
        start.prepare("base")
        start.PYTHON.unlink()
        start.prepare("base")
        assert pip.installed == ["base"] * 2

    def test_another_python_is_another_installation(
        self, start: ModuleType, pip: Pip, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start.prepare("base")
        with monkeypatch.context() as patch:
            patch.setattr(start.sys, "version", "3.99")
            start.prepare("base")
        assert pip.installed == ["base"] * 2

    def test_the_developers_packages_include_the_others(self, start: ModuleType, pip: Pip) -> None:
        start.prepare("dev")
        start.prepare("base")
        assert pip.installed == ["dev"]

    def test_the_others_do_not_include_the_developers(self, start: ModuleType, pip: Pip) -> None:
        start.prepare("base")
        start.prepare("dev")
        assert pip.installed == ["base", "dev"]

    def test_the_developers_of_an_older_lock_do_not_count(
        self, start: ModuleType, pip: Pip
    ) -> None:
        start.prepare("dev")
        (start.LOCKS / "dev.txt").write_text("dev==2\n")
        start.prepare("base")
        assert pip.installed == ["dev", "base"]
