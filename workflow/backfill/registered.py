"""The mappings of this release, by name.

A command or a schedule names a mapping; it is never imported by that name. So whoever can write a
schedule's row chooses among what is registered, and no more.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from django.utils.module_loading import autodiscover_modules

from workflow.backfill.mapping import BackfillMapping
from workflow.definition import WorkflowError, registry

_registered: dict[str, type[BackfillMapping[Any]]] = {}


class UnknownMapping(WorkflowError):
    """No mapping of that name, or in that file, is registered."""

    code = "unknown_mapping"


def register(mapping: type[BackfillMapping[Any]]) -> type[BackfillMapping[Any]]:
    """Add a mapping class; usable as a decorator in an app's `mappings` module.

    Raises:
        ValueError: Another one has its name.
    """
    known = _registered.get(mapping.name)
    if known is not None and known is not mapping:
        raise ValueError(f"two mappings are called {mapping.name!r}: {known} and {mapping}")
    _registered[mapping.name] = mapping
    return mapping


def unregister(mapping: type[BackfillMapping[Any]]) -> None:
    """Forget it; for tests."""
    _registered.pop(mapping.name, None)


def find(name: str) -> type[BackfillMapping[Any]]:
    """Return the mapping of that name, or the only one that is registered by that file.

    Raises:
        UnknownMapping: There is none, or several; its workflow is not registered.
    """
    autodiscover_modules("mappings")
    found = [_registered[name]] if name in _registered else _of_file(name)
    if len(found) != 1:
        several = ", ".join(each.name for each in found)
        known = ", ".join(sorted(_registered)) or "none"
        problem = f"registers several ({several}); name one" if found else f"known: {known}"
        raise UnknownMapping(f"mapping {name!r}: {problem}")
    registry.latest(found[0].workflow)
    return found[0]


def _of_file(name: str) -> list[type[BackfillMapping[Any]]]:
    if not name.endswith(".py"):
        return []
    wanted = Path(name).resolve()
    return [
        mapping
        for mapping in _registered.values()
        if Path(inspect.getfile(mapping)).resolve() == wanted
    ]
