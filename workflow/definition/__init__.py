"""What a workflow *is*: frozen values in pure Python, without Django and without a database."""

from workflow.definition.actor import SYSTEM, Actor
from workflow.definition.context import Context
from workflow.definition.effect import Ask, Effect, Lookup, Recovery, Resend
from workflow.definition.errors import (
    DefinitionFault,
    InvalidRequest,
    Permanent,
    Retryable,
    UnknownDefinition,
    WorkflowError,
)
from workflow.definition.finding import Allowed, Finding, Refusal, allow, refuse
from workflow.definition.retry import Retry
from workflow.definition.transition import Reason, Transition
from workflow.definition.workflow import Workflow

__all__ = [
    "SYSTEM",
    "Actor",
    "Allowed",
    "Ask",
    "Context",
    "DefinitionFault",
    "Effect",
    "Finding",
    "InvalidRequest",
    "Lookup",
    "Permanent",
    "Reason",
    "Recovery",
    "Refusal",
    "Resend",
    "Retry",
    "Retryable",
    "Transition",
    "UnknownDefinition",
    "Workflow",
    "WorkflowError",
    "allow",
    "refuse",
]
