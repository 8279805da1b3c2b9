"""The people of a source, asked of the mapping once each."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser

from workflow.backfill.mapping import AnyMapping
from workflow.definition import SYSTEM, Actor
from workflow.engine.request import actor_of

_REMEMBERED = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who did something, as it is recorded."""

    user: AbstractBaseUser | None
    actor: Actor
    problem: str = ""
    """Why nobody is known by the name; empty when somebody is."""


_NOBODY = Person(user=None, actor=SYSTEM)


class Actors:
    """Remembers answers; forgets all of them when they become too many."""

    def __init__(self, mapping: AnyMapping) -> None:
        self._mapping = mapping
        self._known: dict[str, Person] = {}

    def get(self, name: str) -> Person:
        """Return whom the source calls so; without a name, the system itself."""
        if not name:
            return _NOBODY
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[name] = self._ask(name)
        return found

    def _ask(self, name: str) -> Person:
        user = self._mapping.actor(name)
        if user is None:
            problem = f"Nobody here is known as {name!r}."
            return Person(user=None, actor=Actor(id=None, label=name), problem=problem)
        return Person(user=user, actor=actor_of(user))
