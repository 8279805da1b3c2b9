"""Who can sign in to the demo: one user for each role, and one who may do everything."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractUser, Group, User
from django.core.management.base import CommandError

from workflow.examples.declarations.replay.activities import GROUPS

_SIGN_INS: Mapping[str, tuple[str, str, str]] = {
    "EMPLOYEE": ("employee", "Emma", "Employee"),
    "PRE_APPROVER": ("preapprover", "Piet", "Pre-Approver"),
    "ADMINISTRATION": ("administration", "Anna", "Administration"),
    "BUDGET OWNER": ("budgetowner", "Bram", "Budget-Owner"),
    "SUPERVISOR": ("supervisor", "Sofie", "Supervisor"),
    "PAYMENTS": ("payments", "Payment", "System"),
    "CONTROL": ("control", "Carla", "Control"),
}
"""User name, first and last name, by group."""

_STAFF: Mapping[str, tuple[str, str, str]] = {
    "Workflow support": ("support", "Sue", "Support"),
    "Workflow operator": ("operator", "Otto", "Operator"),
    "Workflow auditor": ("auditor", "Audrey", "Auditor"),
}
"""The same, for those who work in the admin."""

ADMIN = "admin"
_MARK = "demo.invalid"
"""Domain of the demo users' addresses: what tells them from a real installation's users."""


class DemoPeople:
    """The demo's users, under the roles that the log speaks of."""

    def __init__(self, users: Mapping[str, AbstractUser], password: str) -> None:
        self._users = users
        self.password = password

    def get(self, role: str, resource: str) -> AbstractUser:
        """Return the one user of a role of the log."""
        return self._users[GROUPS[role]]

    @property
    def sign_ins(self) -> dict[str, str]:
        """Group by user name."""
        named = {user.get_username(): group for group, user in self._users.items()}
        staff = {name: group for group, (name, _, _) in _STAFF.items()}
        return {ADMIN: "superuser", **staff, **named}


def make_people() -> DemoPeople:
    """Make the users, with a password that is new for each demo.

    Raises:
        CommandError: The database has a user of such a name who is not the demo's.
    """
    password = secrets.token_urlsafe(9)
    # Hashed once: it is the same for all, and a hash takes a third of a second.
    encoded = make_password(password)
    users: dict[str, AbstractUser] = {}
    for group, (name, first, last) in _SIGN_INS.items():
        user = _user(name, encoded, first_name=first, last_name=last)
        user.groups.set([Group.objects.get(name=group)])
        users[group] = user
    for group, (name, first, last) in _STAFF.items():
        user = _user(name, encoded, first_name=first, last_name=last, is_staff=True)
        user.groups.set([Group.objects.get(name=group)])
    _user(ADMIN, encoded, is_staff=True, is_superuser=True)
    return DemoPeople(users, password)


def _user(name: str, encoded: str, **fields: str | bool) -> User:
    address = f"{name}@{_MARK}"
    user = User.objects.filter(username=name).first() or User(username=name, email=address)
    if user.email != address:
        raise CommandError(
            f"User {name!r} exists and is not the demo's. Let DATABASE_URL name a database for"
            " the demo alone, or leave it out."
        )
    for field, value in fields.items():
        setattr(user, field, value)
    user.password = encoded
    user.save()
    return user
