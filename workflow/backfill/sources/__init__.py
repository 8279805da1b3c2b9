"""Where history comes from: CSV and JSON Lines (gzipped or not), XES, a table."""

from workflow.backfill.sources.choose import choose
from workflow.backfill.sources.row import Bad, Row, Source, UnreadableSource

__all__ = ["Bad", "Row", "Source", "UnreadableSource", "choose"]
