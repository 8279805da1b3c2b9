"""The definitions that the database has seen, against those of the running release."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from workflow.definition import Workflow, registry
from workflow.definition.fingerprint import describe, fingerprint
from workflow.models import DefinitionVersion, EffectEntry, Record, TransitionEnvelope


def note(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Enter definitions that are new here; one that nothing has used yet may still change.

    Safe to repeat, and under concurrency: what another process entered first stands.
    """
    for workflow in registry.everything():
        with transaction.atomic(using=using):
            row, _ = DefinitionVersion.objects.using(using).get_or_create(
                workflow=workflow.name,
                version=workflow.version,
                defaults={
                    "fingerprint": fingerprint(workflow),
                    "meaning": describe(workflow),
                    "seen_at": datetime.now(UTC),
                },
            )
            if row.fingerprint != fingerprint(workflow) and not is_used(row, using=using):
                row.fingerprint = fingerprint(workflow)
                row.meaning = describe(workflow)
                row.save(using=using)


def is_used(row: DefinitionVersion, *, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Return whether any envelope is pinned to this version."""
    return (
        TransitionEnvelope.objects.using(using)
        .filter(workflow=row.workflow, definition_version=row.version)
        .exists()
    )


def changed(*, using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return the keys of versions whose meaning differs from what their envelopes relied on."""
    current = {(each.name, each.version): fingerprint(each) for each in registry.everything()}
    return [
        str(row)
        for row in DefinitionVersion.objects.using(using).order_by("workflow", "version")
        if current.get((row.workflow, row.version), row.fingerprint) != row.fingerprint
        and is_used(row, using=using)
    ]


def vanished(*, using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return, in words, what live rows need and this release no longer has."""
    found = []
    pinned = (
        TransitionEnvelope.objects.using(using)
        .filter(finished_at__isnull=True)
        .values_list("workflow", "definition_version", "transition")
        .distinct()
        .order_by("workflow", "definition_version", "transition")
    )
    known = {(each.name, each.version): each for each in registry.everything()}
    for name, version, transition in pinned:
        definition = known.get((name, version))
        if definition is None:
            found.append(f"workflow {name}/{version} (its envelopes are not finished)")
        elif transition not in definition.by_name:
            found.append(f"transition {transition!r} of {name}/{version}")
    found += _vanished_effects(known, using)
    latest = {each.name: each for each in registry.everything()}
    standing = (
        Record.objects.using(using)
        .values_list("workflow", "status")
        .distinct()
        .order_by("workflow", "status")
    )
    for name, status in standing:
        if name not in latest:
            found.append(f"workflow {name!r} (records stand in {status!r})")
        elif status not in latest[name].status_values:
            found.append(f"status {status!r} of workflow {name!r} (records stand in it)")
    return list(dict.fromkeys(found))


def _vanished_effects(
    known: Mapping[tuple[str, int], Workflow[Any, Any]], using: str
) -> list[str]:
    """Return the effects of envelopes that have ended, which are still to be delivered."""
    pending = (
        EffectEntry.objects.using(using)
        .unfinished()
        .values_list(
            "envelope__workflow", "envelope__definition_version", "envelope__transition", "name"
        )
        .distinct()
        .order_by("envelope__workflow", "envelope__definition_version", "name")
    )
    found = []
    for name, version, transition, effect in pending:
        workflow = known.get((name, version))
        declared = None if workflow is None else workflow.by_name.get(transition)
        if declared is None or effect not in {each.name for each in declared.effects}:
            found.append(f"effect {effect!r} of {transition!r} in {name}/{version}")
    return found
