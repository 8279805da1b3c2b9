"""A run's own chain in the audit trail: who began it, from what, and what came of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit import chain
from workflow.models import BackfillRun


class Act(enum.StrEnum):
    """What is entered on a run's chain, whose id is the run's."""

    BEGUN = "backfill_begun"
    RESUMED = "backfill_resumed"
    PAUSED = "backfill_paused"
    WENT_ON = "backfill_went_on"
    FINISHED = "backfill_finished"
    ABANDONED = "backfill_abandoned"


def enter(
    *,
    run: BackfillRun,
    act: Act,
    actor: str,
    now: datetime,
    evidence: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Enter an act. Call in the transaction that does it."""
    told = {
        "source": run.source,
        "source_digest": run.source_digest,
        "mapping": run.mapping,
        "workflow": run.workflow,
        **(evidence or {}),
    }
    note = chain.Note(
        chain=run.pk, at=now, action=act.value, actor=actor, reason=reason, evidence=told
    )
    chain.append([note])
