"""Settings loaded anew, in a process of their own, from a copy with a `var` folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import PROJECT

LOAD = """
import json, sys
import config.settings as settings
print(json.dumps({name: getattr(settings, name) for name in dir(settings) if name.isupper()},
                 default=str))
"""
CHECK = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "check"])
"""

CHOSEN = re.findall(
    r"""env\.\w+\(\s*"(\w+)\"""", (PROJECT / "config/settings.py").read_text(encoding="utf-8")
)
"""Whatever the test run itself has set of these is not passed on."""


def bare() -> dict[str, str]:
    """Return the environment without any setting."""
    return {name: value for name, value in os.environ.items() if name not in CHOSEN}


def copy(folder: Path) -> Path:
    """Copy what settings are made of, so that nothing is written below the project."""
    project = folder / "project"
    shutil.copytree(
        PROJECT / "config", project / "config", ignore=shutil.ignore_patterns("__pycache__")
    )
    (project / "workflow").symlink_to(PROJECT / "workflow")  # logs know its context
    return project


def run(
    folder: Path, code: str = LOAD, *, installed: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program with these settings; `installed` has all apps at hand."""
    project = PROJECT if installed else copy(folder)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=project,
        env={**bare(), "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def load(folder: Path, **environment: str) -> dict[str, Any]:
    """Return the settings as JSON."""
    done = run(folder, **environment)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
