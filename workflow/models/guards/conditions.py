"""What SQLite and PostgreSQL say in the same words: conditions on a trigger's old and new row.

SQL Server's triggers see sets of rows instead; it has its own.
"""

# Every name in this SQL is a model's, and quoted.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence

from workflow.models.guards.guard import Names, text
from workflow.models.guards.rules import EnvelopeGuard, LedgerGuard, StatusGuard


def changed(columns: Sequence[str], names: Names) -> str:
    """Say that one of the columns changes."""
    old, new = names.columns(columns, "OLD"), names.columns(columns, "NEW")
    return f"({old}) {names.differs} ({new})"


def moved_by_envelope(rule: StatusGuard, names: Names) -> str:
    """Say that a record moves by one version, to where an envelope fired for just that leads.

    False without a transition, for no envelope has none as its key. Null where another column is
    null, so ask whether it `IS NOT TRUE`.
    """
    envelope, quote = rule.envelope, names.quote
    version, last, status = quote(rule.version), quote(rule.last_transition), quote(rule.status)
    envelopes = quote(envelope.table.name)
    if names.schema:
        envelopes = f"{quote(names.schema)}.{envelopes}"
    return f"""(
        NEW.{version} = OLD.{version} + 1
        AND NEW.{last} {names.differs} OLD.{last}
        AND EXISTS (
            SELECT 1 FROM {envelopes} AS e
            WHERE e.{quote(envelope.table.key)} = NEW.{last}
            AND e.{quote(envelope.record)} = NEW.{quote(rule.table.key)}
            AND e.{quote(envelope.state)} = {text(envelope.fired)}
            AND e.{quote(envelope.target)} = NEW.{status}
            AND e.{quote(envelope.resulting_version)} = NEW.{version}
        )
    )"""


def born_moved(rule: StatusGuard, names: Names) -> str:
    """Say that a new record has made transitions already."""
    version, last = names.quote(rule.version), names.quote(rule.last_transition)
    return f"NEW.{version} <> 0 OR NEW.{last} IS NOT NULL"


def resettled(rule: LedgerGuard, names: Names) -> str:
    """Say that a row had reached a final state, and its outcome changes."""
    final = ", ".join(text(state) for state in rule.final)
    return f"OLD.{names.quote(rule.state)} IN ({final}) AND {changed(rule.outcome, names)}"


def fence_falls(rule: LedgerGuard, names: Names) -> str:
    """Say that a row's fence is lowered."""
    fence = names.quote(rule.fence)
    return f"NEW.{fence} < OLD.{fence}"


def born_fired(rule: EnvelopeGuard, names: Names) -> str:
    """Say that a new envelope has been fired already."""
    state, made = names.quote(rule.state), names.quote(rule.resulting_version)
    return f"NEW.{state} = {text(rule.fired)} OR NEW.{made} IS NOT NULL"
