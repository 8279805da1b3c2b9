"""Who asks for a transition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person or a part of the system, as recorded for ever on what it asked for."""

    id: str | None
    """Primary key of the user as text; None for the system itself."""

    label: str
    """Printed name or user name, kept as it was at the time."""

    @property
    def is_system(self) -> bool:
        """Whether no person stands behind the request."""
        return self.id is None


SYSTEM = Actor(id=None, label="system")
