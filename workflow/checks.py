"""System checks: definitions against what the database relies on, settings against each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.models import Model
from django.db.utils import DatabaseError

from workflow.definition import registry
from workflow.engine import definitions
from workflow.engine.limits import limits
from workflow.models import Tracked, guards


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Compare leases, time limits and the queue's settings."""
    found: list[CheckMessage] = []
    cluster = getattr(settings, "Q_CLUSTER", {})
    if cluster.get("orm") != "default":
        found.append(
            Error(
                f"Q_CLUSTER['orm'] is {cluster.get('orm')!r}, but the domain tables are in"
                " 'default': a queue in another database loses work inside atomic().",
                hint="Set it to 'default'.",
                id="workflow.E001",
            )
        )
    if cluster.get("retry", 0) <= (cluster.get("timeout") or 0):
        found.append(
            Error(
                f"Q_CLUSTER retry ({cluster.get('retry')}) must exceed timeout"
                f" ({cluster.get('timeout')}): tasks would run twice.",
                id="workflow.E002",
            )
        )
    lease = limits().lease
    found += [
        Error(
            f"{workflow.key}: transition {transition.name!r} may take"
            f" {transition.timeout.total_seconds():g} s, but a lease ends after"
            f" {lease.total_seconds():g} s.",
            hint="Shorten its timeout or raise ESCAPEMENT['LEASE_SECONDS'].",
            id="workflow.E003",
        )
        for workflow in registry.everything()
        for transition in workflow.transitions
        if transition.timeout >= lease
    ]
    found += [
        Error(
            f"{workflow.key}: effect {effect.name!r} may take {effect.timeout.total_seconds():g} s"
            f" and begin {limits().send_window.total_seconds():g} s after its intent, but a lease"
            f" ends after {lease.total_seconds():g} s.",
            hint="Shorten its timeout, raise ESCAPEMENT['LEASE_SECONDS'], or give it a heartbeat.",
            id="workflow.E006",
        )
        for workflow in registry.everything()
        for transition in workflow.transitions
        for effect in transition.effects
        if limits().send_window + (effect.heartbeat or effect.timeout) >= lease
    ]
    return found


@register(Tags.models)
def check_definitions(**_: Any) -> list[CheckMessage]:
    """Look at what pure definitions cannot know about themselves: their models."""
    found: list[CheckMessage] = []
    for workflow in registry.everything():
        subject = workflow.subject
        if not (isinstance(subject, type) and issubclass(subject, Tracked)):
            found.append(
                Error(
                    f"{workflow.key}: subject {subject!r} is no Tracked model.", id="workflow.E004"
                )
            )
    declared = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename in _codenames(model)
    }
    found += [
        checks.Warning(
            f"{workflow.key}: transition {transition.name!r} takes the permission"
            f" {transition.permission!r}, which no model declares: nobody can be given it.",
            hint="Name it in the model's Meta.permissions, then makemigrations and migrate.",
            id="workflow.W014",
        )
        for workflow in registry.everything()
        for transition in workflow.transitions
        if transition.permission and transition.permission not in declared
    ]
    return found


def _codenames(model: type[Model]) -> list[str]:
    options = model._meta
    usual = [f"{action}_{options.model_name}" for action in options.default_permissions]
    return [*usual, *(codename for codename, _label in options.permissions)]


@register(Tags.database)
def check_live(databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Compare the running release with what live rows need, and the guards with the rules."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        try:
            if "workflow_transitionenvelope" not in connection.introspection.table_names():
                continue
        except DatabaseError as error:
            found.append(Error(f"Database {alias!r} cannot be asked: {error}", id="workflow.E010"))
            continue
        found += [
            Error(
                f"The meaning of {key} has changed, and envelopes rely on what it was.",
                hint="Restore it, and declare the new meaning under the next version. A database"
                " that was only for trying out may as well be made anew.",
                id="workflow.E011",
            )
            for key in definitions.changed(using=alias)
        ]
        found += [
            Error(
                f"Live records need {what}, which this release no longer has.",
                hint="Bring it back until they are done.",
                id="workflow.E012",
            )
            for what in definitions.vanished(using=alias)
        ]
        missing = guards.missing(connection)
        if missing:
            found.append(
                checks.Warning(
                    "Guards of the database are missing, so that un-enveloped changes would pass:"
                    f" {', '.join(missing)}.",
                    hint="Run `manage.py migrate`, which installs them.",
                    id="workflow.W013",
                )
            )
    return found
