"""The people of the log, as users of this system."""

from __future__ import annotations

import hashlib
from typing import Protocol

from django.contrib.auth.models import AbstractUser, Group, User
from django.utils.text import slugify

from workflow.examples.declarations.replay.activities import GROUPS


class Roster(Protocol):
    """Whoever knows which user acts for a role."""

    def get(self, role: str, resource: str) -> AbstractUser:
        """Return the user."""


class People:
    """One user for each role and resource, in the role's group; nobody can sign in as one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], AbstractUser] = {}

    def get(self, role: str, resource: str) -> AbstractUser:
        """Return the user, made if need be. The same object each time: it remembers permissions.

        Raises:
            Group.DoesNotExist: The role's group is gone; `manage.py migrate` makes it.
        """
        person = self._known.get((role, resource))
        if person is None:
            person = self._known[role, resource] = _find_or_make(role, resource)
        return person


def _find_or_make(role: str, resource: str) -> AbstractUser:
    group = Group.objects.get(name=GROUPS[role])
    user, is_new = User.objects.get_or_create(
        username=_name(role, resource),
        defaults={"first_name": resource[:150], "last_name": f"({role.lower()})", "password": "!"},
    )
    if is_new:
        user.groups.add(group)
    return user


def _name(role: str, resource: str) -> str:
    """Return a user name; where its plain form says less than the log, a digest tells it apart."""
    plain = slugify(resource)
    if plain.replace("-", " ") != resource.lower():
        plain = f"{plain[:40]}-{hashlib.sha256(resource.encode()).hexdigest()[:8]}"
    return f"log-{slugify(role)}-{plain}"
