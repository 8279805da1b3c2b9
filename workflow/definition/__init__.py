"""What a workflow *is*: frozen values in pure Python, without Django and without a database."""

from workflow.definition.actor import SYSTEM, Actor
from workflow.definition.call import Call
from workflow.definition.channel import Breaker, Channel
from workflow.definition.context import Context
from workflow.definition.effect import Ask, Effect, Lookup, Recovery, Resend, Undo, Wait
from workflow.definition.errors import (
    DefinitionFault,
    InvalidRequest,
    Permanent,
    Retryable,
    UnknownDefinition,
    WorkflowError,
)
from workflow.definition.finding import Allowed, Finding, Refusal, allow, refuse
from workflow.definition.result import (
    Absent,
    Declined,
    Done,
    Found,
    Pending,
    Postponed,
    Rejected,
    Result,
    Unknown,
)
from workflow.definition.retry import Retry
from workflow.definition.transition import Reason, Transition
from workflow.definition.workflow import Workflow

__all__ = [
    "SYSTEM",
    "Absent",
    "Actor",
    "Allowed",
    "Ask",
    "Breaker",
    "Call",
    "Channel",
    "Context",
    "Declined",
    "DefinitionFault",
    "Done",
    "Effect",
    "Finding",
    "Found",
    "InvalidRequest",
    "Lookup",
    "Pending",
    "Permanent",
    "Postponed",
    "Reason",
    "Recovery",
    "Refusal",
    "Rejected",
    "Resend",
    "Result",
    "Retry",
    "Retryable",
    "Transition",
    "Undo",
    "Unknown",
    "UnknownDefinition",
    "Wait",
    "Workflow",
    "WorkflowError",
    "allow",
    "refuse",
]
