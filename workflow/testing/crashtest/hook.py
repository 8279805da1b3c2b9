"""What an app says about its workflow, so that it can be killed: subjects, wishes, the outside."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Permission
from django.utils.module_loading import autodiscover_modules

from workflow.definition import Workflow
from workflow.engine.request import Request
from workflow.models import Record, Tracked

S = TypeVar("S", bound=Tracked)


@dataclass(frozen=True, kw_only=True)
class Fresh(Generic[S]):
    """A domain object that is not saved yet."""

    subject: S
    reference: str
    by: AbstractBaseUser | None
    """Who starts it."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """The systems that the workflow calls, while the test lasts: simulated, or test systems."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the workers: where these systems are."""

    def times(self, key: str) -> int | None:
        """Return how often a call under this key was carried out; None if nobody can tell."""
        return None

    def receipt(self, key: str) -> Mapping[str, Any]:
        """Return what proves that it was carried out, as a person would find it."""
        return {"found": key}


class CrashTest(Generic[S]):
    """Derive one for each workflow, and `register` it. Only `fresh` has to be written."""

    workflow: ClassVar[Workflow[Any, Any]]

    def fresh(self, number: int) -> Fresh[S]:
        """Return a new subject that can make every transition; `number` is new each time."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a subject is made.")

    def person(self, transition: str, record: Record) -> AbstractBaseUser | None:
        """Return who asks; by default somebody with just the permission that is declared."""
        return somebody(self.workflow, transition)

    def payload(self, transition: str, record: Record) -> Mapping[str, Any]:
        """Return what the form is filled in with; by default nothing."""
        return {}

    def way(self, transition: str) -> tuple[str, ...]:
        """Return the transitions that lead a fresh record to this one; by default the fewest."""
        return shortest(self.workflow, transition)

    def wish(self, transition: str, record: Record) -> Request:
        """Return the request; override it where `person` and `payload` are not all of it."""
        return Request(
            record=record.pk,
            transition=transition,
            user=self.person(transition, record),
            payload=self.payload(transition, record),
            reason="A worker is going to be killed.",
        )

    @contextmanager
    def outside(self) -> Iterator[Outside]:
        """Have the called systems run; by default there are none."""
        yield Outside()


def somebody(workflow: Workflow[Any, Any], transition: str) -> AbstractBaseUser:
    """Return a user of their own for a transition, with the permission that it asks for."""
    name = f"crash-{transition}"
    user = get_user_model()._default_manager.filter(username=name).first()
    if user is None:
        user = get_user_model()._default_manager.create(username=name)
        label, _, codename = workflow.by_name[transition].permission.partition(".")
        if codename:
            permission = Permission.objects.get(content_type__app_label=label, codename=codename)
            user.user_permissions.add(permission)
    return user


class NoWay(LookupError):
    """No transitions lead to a source of this one."""


def shortest(workflow: Workflow[Any, Any], transition: str) -> tuple[str, ...]:
    """Return the fewest transitions that lead from the initial status to where this one starts.

    Raises:
        NoWay: There are none.
    """
    wanted = {source.value for source in workflow.by_name[transition].sources}
    ahead: deque[tuple[Any, tuple[str, ...]]] = deque([(workflow.initial.value, ())])
    seen = {workflow.initial.value}
    while ahead:
        status, way = ahead.popleft()
        if status in wanted:
            return way
        for step in workflow.leaving(status):
            if step.target.value not in seen:
                seen.add(step.target.value)
                ahead.append((step.target.value, (*way, step.name)))
    raise NoWay(f"Nothing leads to {', '.join(sorted(map(str, wanted)))}; say it in `way`.")


_registered: dict[str, CrashTest[Any]] = {}


def register(test: CrashTest[Any]) -> None:
    """Have `manage.py crashtest` find it, under the name of its workflow."""
    _registered[test.workflow.name] = test


def find(name: str) -> CrashTest[Any] | None:
    """Return the crash test of a workflow, looking for `crashtest.py` in every app."""
    autodiscover_modules("crashtest")
    return _registered.get(name)


def names() -> list[str]:
    """Return the workflows that have one."""
    autodiscover_modules("crashtest")
    return sorted(_registered)
