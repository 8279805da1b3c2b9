"""What is stored: records, envelopes, effects, attempts, channels, clusters, bulk acts."""

from workflow.models.api_key import ApiKey, KeyScope
from workflow.models.attempt import Attempt, Ending
from workflow.models.backfill import (
    ADOPTABLE,
    BackfillLeft,
    BackfillReject,
    BackfillRun,
    Fault,
)
from workflow.models.bulk import Act, BulkItem, BulkRun, BulkState, ItemState
from workflow.models.cause import Cause
from workflow.models.channel import Channel, Closed
from workflow.models.cluster import Cluster
from workflow.models.definition_version import DefinitionVersion
from workflow.models.effect_attempt import EffectAttempt, Kind, Outcome
from workflow.models.effect_entry import (
    EFFECT_FINAL,
    EFFECT_READY,
    EFFECT_STUCK,
    Doubt,
    EffectEntry,
    EffectState,
    Phase,
)
from workflow.models.envelope import (
    FINAL,
    IN_FLIGHT,
    Origin,
    Priority,
    State,
    TransitionEnvelope,
)
from workflow.models.identity import uuid7
from workflow.models.pause import Pause, Scope
from workflow.models.record import Record
from workflow.models.signature import Signature
from workflow.models.tracked import Tracked, TransitionHistory

__all__ = [
    "ADOPTABLE",
    "EFFECT_FINAL",
    "EFFECT_READY",
    "EFFECT_STUCK",
    "FINAL",
    "IN_FLIGHT",
    "Act",
    "ApiKey",
    "Attempt",
    "BackfillLeft",
    "BackfillReject",
    "BackfillRun",
    "BulkItem",
    "BulkRun",
    "BulkState",
    "Cause",
    "Channel",
    "Closed",
    "Cluster",
    "DefinitionVersion",
    "Doubt",
    "EffectAttempt",
    "EffectEntry",
    "EffectState",
    "Ending",
    "Fault",
    "ItemState",
    "KeyScope",
    "Kind",
    "Origin",
    "Outcome",
    "Pause",
    "Phase",
    "Priority",
    "Record",
    "Scope",
    "Signature",
    "State",
    "Tracked",
    "TransitionEnvelope",
    "TransitionHistory",
    "uuid7",
]
