"""Pages for support staff: what is stored, read-only; every act goes through the engine."""

from workflow.admin import api_keys, backfill, entries, envelopes, records, runner, seals, site

__all__ = [
    "api_keys",
    "backfill",
    "entries",
    "envelopes",
    "records",
    "runner",
    "seals",
    "site",
]
