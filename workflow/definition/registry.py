"""Where the running release keeps its workflows, old versions beside new ones."""

from __future__ import annotations

from typing import Any

from workflow.definition.channel import Channel
from workflow.definition.errors import DefinitionFault, UnknownDefinition
from workflow.definition.fingerprint import fingerprint
from workflow.definition.validation import faults
from workflow.definition.workflow import Workflow

_registered: dict[tuple[str, int], Workflow[Any, Any]] = {}


def register(workflow: Workflow[Any, Any]) -> None:
    """Add one version of a workflow.

    Registering the same version again is harmless while its fingerprint is the same.

    Raises:
        DefinitionFault: It is not sound, or another definition has its name and version.
    """
    found = faults(workflow)
    if found:
        raise DefinitionFault(workflow.key, found)
    mixed = _mixed_channels(workflow)
    if mixed:
        raise DefinitionFault(workflow.key, mixed)
    known = _registered.get((workflow.name, workflow.version))
    if known is not None and fingerprint(known) != fingerprint(workflow):
        raise DefinitionFault(
            workflow.key,
            ["another definition is registered under this version; raise the version"],
        )
    _registered[workflow.name, workflow.version] = workflow


def unregister(workflow: Workflow[Any, Any]) -> None:
    """Forget one version; for tests of what happens when a definition has vanished."""
    _registered.pop((workflow.name, workflow.version), None)


def get(name: str, version: int) -> Workflow[Any, Any]:
    """Return that very version.

    Raises:
        UnknownDefinition: This release does not have it.
    """
    try:
        return _registered[name, version]
    except KeyError:
        raise UnknownDefinition(name, version, _keys()) from None


def find(name: str, version: int) -> Workflow[Any, Any] | None:
    """Return that very version, or None if this release does not have it."""
    return _registered.get((name, version))


def latest(name: str) -> Workflow[Any, Any]:
    """Return the newest version, to which new requests are pinned.

    Raises:
        UnknownDefinition: This release has no workflow of that name.
    """
    versions = [version for known, version in _registered if known == name]
    if not versions:
        raise UnknownDefinition(name, None, _keys())
    return _registered[name, max(versions)]


def everything() -> tuple[Workflow[Any, Any], ...]:
    """Return all versions of all workflows, by name and version."""
    return tuple(_registered[key] for key in sorted(_registered))


def versions() -> dict[str, tuple[int, ...]]:
    """Return the versions that this release can run, by workflow name."""
    known: dict[str, tuple[int, ...]] = {}
    for name, version in sorted(_registered):
        known[name] = (*known.get(name, ()), version)
    return known


def fixed_versions() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return `versions` in a form that can be the key of a dictionary."""
    return tuple(versions().items())


def channels() -> dict[str, Channel]:
    """Return every channel that an effect of any version uses, by name."""
    return {
        effect.channel.name: effect.channel
        for workflow in everything()
        for transition in workflow.transitions
        for effect in transition.effects
    }


def _mixed_channels(workflow: Workflow[Any, Any]) -> list[str]:
    known = channels()
    return [
        f"channel {effect.channel.name!r} is declared in two ways; use one value for both"
        for transition in workflow.transitions
        for effect in transition.effects
        if known.setdefault(effect.channel.name, effect.channel) != effect.channel
    ]


def _keys() -> list[str]:
    return [workflow.key for workflow in everything()]
