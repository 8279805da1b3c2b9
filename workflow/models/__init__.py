"""What is stored: records, envelopes, attempts, definition versions, clusters."""

from workflow.models.attempt import Attempt, Ending
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
from workflow.models.signature import Signature
from workflow.models.tracked import Tracked, TransitionHistory

__all__ = [
    "FINAL",
    "IN_FLIGHT",
    "Attempt",
    "Cluster",
    "DefinitionVersion",
    "Ending",
    "Origin",
    "Priority",
    "Record",
    "Signature",
    "State",
    "Tracked",
    "TransitionEnvelope",
    "TransitionHistory",
    "uuid7",
]
