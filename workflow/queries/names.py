"""What statuses and transitions are called, for people."""

from __future__ import annotations

from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import gettext

from workflow.definition import SYSTEM, UnknownDefinition, registry


def status(workflow: str, value: str) -> str:
    """Return the status's label; the value itself where no release knows it."""
    if not value:
        return ""
    said = _statuses(workflow, registry.versions().get(workflow, ())).get(value, value)
    return str(said) if isinstance(said, Promise) else gettext(said)


def transition(workflow: str, name: str) -> str:
    """Return the transition's label in the newest version that has it; else its name."""
    for version in reversed(registry.versions().get(workflow, ())):
        found = registry.get(workflow, version).by_name.get(name)
        if found is not None:
            return gettext(str(found.label))
    return name


def actor(label: str) -> str:
    """Return who did something: a person's name as it was, the system in the reader's language."""
    return gettext(label) if label == SYSTEM.label else label


def call(name: str) -> str:
    """Return what a downstream call, or a guard, is called: its name in words."""
    return gettext(name.replace("_", " ")) if name else ""


def workflow(name: str) -> str:
    """Return what a workflow is called: its subject's name, else its own."""
    try:
        subject = registry.latest(name).subject
    except UnknownDefinition:
        return name
    return str(subject._meta.verbose_name).capitalize() if hasattr(subject, "_meta") else name


@lru_cache(maxsize=64)
def _statuses(workflow: str, versions: tuple[int, ...]) -> dict[str, str | Promise]:
    """Return labels as they are declared: a lazy one is put into words when it is shown."""
    labels: dict[str, str | Promise] = {}
    for version in versions:
        for member in registry.get(workflow, version).statuses:
            said = getattr(member, "label", None) or member.name.replace("_", " ").capitalize()
            labels[str(member.value)] = said
    return labels
