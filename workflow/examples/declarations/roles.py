"""Groups, named as the log names roles, and what each may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

ROLES: Mapping[str, tuple[str, ...]] = {
    "EMPLOYEE": ("submit_declaration",),
    "PRE_APPROVER": ("view_declaration", "pre_approve_declaration"),
    "ADMINISTRATION": ("view_declaration", "check_declaration", "lapse_declaration"),
    "BUDGET OWNER": ("view_declaration", "approve_budget_declaration"),
    "SUPERVISOR": ("view_declaration", "approve_declaration"),
    "PAYMENTS": ("view_declaration", "pay_declaration"),
    "CONTROL": ("view_declaration", "stop_declaration"),
}
"""Codenames of this app's permissions, by group."""


def after_migrate(*, sender: AppConfig, using: str, **_: Any) -> None:
    """Make the groups that are missing. One that exists is left as its administrators have it."""
    create_permissions(sender, using=using, verbosity=0)
    known = {
        permission.codename: permission
        for permission in Permission.objects.using(using).filter(
            content_type__app_label=sender.label
        )
    }
    for name, codenames in ROLES.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set([known[codename] for codename in codenames])
