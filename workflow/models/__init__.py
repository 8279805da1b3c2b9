"""What is stored: records, envelopes, attempts, definitions, clusters, causes, bulk acts."""

from workflow.models.attempt import Attempt, Ending
from workflow.models.bulk import Act, BulkItem, BulkRun, BulkState, ItemState
from workflow.models.cause import Cause
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
    "FINAL",
    "IN_FLIGHT",
    "Act",
    "Attempt",
    "BulkItem",
    "BulkRun",
    "BulkState",
    "Cause",
    "Cluster",
    "DefinitionVersion",
    "Ending",
    "ItemState",
    "Origin",
    "Priority",
    "Record",
    "State",
    "Tracked",
    "TransitionEnvelope",
    "TransitionHistory",
    "uuid7",
]
