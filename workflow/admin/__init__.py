"""Pages for support staff: what is stored, read-only; every act goes through the engine."""

from workflow.admin import attempts, backfill, entries, envelopes, records, runner

__all__ = ["attempts", "backfill", "entries", "envelopes", "records", "runner"]
