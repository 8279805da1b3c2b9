"""What statuses and transitions are called, for people."""

from __future__ import annotations

from functools import lru_cache

from workflow.definition import UnknownDefinition, registry


def status(workflow: str, value: str) -> str:
    """Return the status's label; the value itself where no release knows it."""
    if not value:
        return ""
    return _statuses(workflow, registry.versions().get(workflow, ())).get(value, value)


def transition(workflow: str, name: str) -> str:
    """Return the transition's label in the newest version that has it; else its name."""
    for version in reversed(registry.versions().get(workflow, ())):
        found = registry.get(workflow, version).by_name.get(name)
        if found is not None:
            return str(found.label)
    return name


def workflow(name: str) -> str:
    """Return what a workflow is called: its subject's name, else its own."""
    try:
        subject = registry.latest(name).subject
    except UnknownDefinition:
        return name
    return str(subject._meta.verbose_name).capitalize() if hasattr(subject, "_meta") else name


@lru_cache(maxsize=64)
def _statuses(workflow: str, versions: tuple[int, ...]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for version in versions:
        for member in registry.get(workflow, version).statuses:
            said = getattr(member, "label", None) or member.name.replace("_", " ").capitalize()
            labels[str(member.value)] = str(said)
    return labels
