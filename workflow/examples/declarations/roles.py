"""Groups, named as the log names roles, and what each may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

_ASK = "request_transition"
"""The engine's permission to ask for transitions on its pages."""

ROLES: Mapping[str, tuple[str, ...]] = {
    "EMPLOYEE": (
        _ASK,
        "submit_declaration",
    ),
    "PRE_APPROVER": (_ASK, "view_declaration", "pre_approve_declaration"),
    "ADMINISTRATION": (_ASK, "view_declaration", "check_declaration", "lapse_declaration"),
    "BUDGET OWNER": (_ASK, "view_declaration", "approve_budget_declaration"),
    "SUPERVISOR": (_ASK, "view_declaration", "approve_declaration"),
    "PAYMENTS": (_ASK, "view_declaration", "pay_declaration"),
    "CONTROL": (_ASK, "view_declaration", "stop_declaration"),
}
"""Codenames of permissions, by group."""


def after_migrate(*, sender: AppConfig, using: str, **_: Any) -> None:
    """Make the groups that are missing. One that exists is left as its administrators have it."""
    create_permissions(sender, using=using, verbosity=0)
    known = {
        permission.codename: permission
        for permission in Permission.objects.using(using).filter(
            content_type__app_label__in=[sender.label, "workflow"]
        )
    }
    for name, codenames in ROLES.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set([known[codename] for codename in codenames])
