"""People with the ready-made groups, and records of the scripted workflow in every condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import translation

from tests.engine.probe import PROBE

# ruff: noqa: F401, F811  (fixtures of other packages)
from tests.queries.conftest import (
    Scene,
    ann,
    ask,
    boss,
    make,
    scene,
    script,
)

Staff = Callable[..., User]


@pytest.fixture(autouse=True)
def _no_language_left() -> Iterator[None]:
    """A request of a test leaves its language in this thread, as none does on a server."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _all_may_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted workflow shows its records to everybody."""
    monkeypatch.setitem(PROBE.__dict__, "visible", lambda rows, user: rows)
    monkeypatch.setitem(PROBE.__dict__, "personal", frozenset({"purpose", "note"}))


@pytest.fixture
def staff(db: None) -> Staff:
    """Make a member of staff with ready-made groups and single permissions."""

    def make(name: str, *groups: str, rights: tuple[str, ...] = (), **more: Any) -> User:
        user = User.objects.create_user(name, is_staff=True, **more)
        user.groups.set(Group.objects.filter(name__in=groups))
        for right in rights:
            label, _, codename = right.partition(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=label, codename=codename)
            )
        return user

    return make


@pytest.fixture
def support(staff: Staff) -> User:
    return staff("sue", "Workflow support")


@pytest.fixture
def operator(staff: Staff) -> User:
    return staff("otto", "Workflow operator")


@pytest.fixture
def auditor(staff: Staff) -> User:
    return staff("audrey", "Workflow auditor")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return response.content.decode()
