"""Ready-made groups of rights, made after every migrate."""

from __future__ import annotations

from collections.abc import Mapping

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

_LOOK = (
    "workflow.view_record",
    "workflow.view_transitionenvelope",
    "workflow.view_attempt",
    "workflow.view_cluster",
    "workflow.view_cause",
    "workflow.view_bulkrun",
    "workflow.view_definitionversion",
    "audit.view_entry",
)

ROLES: Mapping[str, tuple[str, ...]] = {
    "Workflow user": ("workflow.request_transition",),
    "Workflow support": (
        *_LOOK,
        "workflow.request_transition",
        "workflow.retry_transition",
        "workflow.settle_effect",
        "workflow.reveal_personal",
        "workflow.change_cause",
    ),
    "Workflow operator": (
        *_LOOK,
        "workflow.retry_transition",
        "workflow.settle_effect",
        "workflow.bulk_transition",
        "workflow.pause_work",
        "workflow.configure_workflow",
        "workflow.change_cause",
    ),
    "Workflow auditor": (*_LOOK, "workflow.reveal_personal"),
}
"""Permissions by group. The auditor looks, and changes nothing. Erasing personal data is in none
of them: an administrator gives it to whom it concerns."""


def make_groups(*, using: str) -> None:
    """Make the groups that are missing. One that exists is left as its administrators have it."""
    for label in ("workflow", "audit"):
        create_permissions(apps.get_app_config(label), using=using, verbosity=0)
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using(using)
        .filter(content_type__app_label__in=["workflow", "audit"])
        .select_related("content_type")
    }
    for name, permissions in ROLES.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set([known[each] for each in permissions])
