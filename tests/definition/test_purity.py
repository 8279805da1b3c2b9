"""A definition is pure Python: it can be read, checked and drawn where no Django is."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from workflow import definition

MODULES = [
    f"workflow.definition.{found.name}" for found in pkgutil.iter_modules(definition.__path__)
]

LIST = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("module", ["workflow.definition", *MODULES])
def test_importing_it_imports_nothing_but_the_standard_library(module: str) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{LIST}",
            module,
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    bare = subprocess.run(
        [sys.executable, "-I", "-c", LIST, "json"], capture_output=True, text=True, check=True
    )
    added = set(json.loads(told.stdout)) - set(json.loads(bare.stdout))
    assert added - set(sys.stdlib_module_names) == {"workflow"}


def test_there_are_modules_to_import() -> None:
    assert {"workflow.definition.validation", "workflow.definition.registry"} <= set(MODULES)
