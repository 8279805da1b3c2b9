"""What is stored: records, envelopes, attempts, definition versions, clusters, backfill runs."""

from workflow.models.attempt import Attempt, Ending
from workflow.models.backfill import (
    ADOPTABLE,
    BackfillLeft,
    BackfillReject,
    BackfillRun,
    Fault,
)
from workflow.models.cluster import Cluster
from workflow.models.definition_version import DefinitionVersion
from workflow.models.envelope import (
    FINAL,
    IN_FLIGHT,
    Origin,
    Priority,
    State,
    TransitionEnvelope,
)
from workflow.models.identity import uuid7
from workflow.models.record import Record
from workflow.models.tracked import Tracked, TransitionHistory

__all__ = [
    "ADOPTABLE",
    "FINAL",
    "IN_FLIGHT",
    "Attempt",
    "BackfillLeft",
    "BackfillReject",
    "BackfillRun",
    "Cluster",
    "DefinitionVersion",
    "Ending",
    "Fault",
    "Origin",
    "Priority",
    "Record",
    "State",
    "Tracked",
    "TransitionEnvelope",
    "TransitionHistory",
    "uuid7",
]
