"""Pages for support staff: what is stored, read-only; every act goes through the engine."""

from workflow.admin import attempts, entries, envelopes, records, runner, seals

__all__ = ["attempts", "entries", "envelopes", "records", "runner", "seals"]
