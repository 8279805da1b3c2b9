"""The people of a source, asked of the mapping once each."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser

from workflow.backfill.mapping import AnyMapping

_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody here is known by the name."""

    message: str


class Actors:
    """Remembers answers; forgets all of them when they become too many."""

    def __init__(self, mapping: AnyMapping) -> None:
        self._mapping = mapping
        self._known: dict[str, AbstractBaseUser | Unknown] = {}

    def get(self, name: str) -> AbstractBaseUser | Unknown:
        """Return the user whom the source calls so."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            user = self._mapping.actor(name)
            found = Unknown(f"Nobody here is known as {name!r}.") if user is None else user
            self._known[name] = found
        return found
