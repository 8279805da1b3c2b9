"""What a planted bug is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Act = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Bug:
    """One defect, and the test that is there to catch it."""

    what: str
    caught_by: str
    """Node id of a test. One that waits for workers or clusters would be too slow here."""

    says: str
    """Pattern of its complaint: a test that fails for another reason has caught nothing."""

    code: Act | None = None
    """Puts it in before the database is made."""

    database: Act | None = None
    """Puts it into the finished database."""

    vendors: tuple[str, ...] = ("sqlite", "postgresql")
