"""The two sites that show the same pages: the desk of internal users, and support in the admin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Places:
    """Names of addresses, so that one template links within the site it is shown on."""

    name: str
    record: str
    envelope: str
    ask: str
    home: str
    records: str

    @property
    def is_support(self) -> bool:
        """Whether it is the support site, which shows more."""
        return self.name == "support"


DESK = Places(
    name="desk",
    record="desk:record",
    envelope="desk:envelope",
    ask="desk:ask",
    home="desk:inbox",
    records="desk:inbox",
)

SUPPORT = Places(
    name="support",
    record="admin:workflow_record_change",
    envelope="admin:workflow_transitionenvelope_change",
    ask="support:ask",
    home="admin:index",
    records="admin:workflow_record_changelist",
)
