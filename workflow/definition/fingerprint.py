"""A digest of what a definition means, so that a silent change of a version is noticed.

It covers names, edges, permissions, the identity of guards, forms, `apply` and effects, and the
policies; not labels, order of declaration or the code inside the functions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from workflow.definition.effect import Effect, Lookup, Recovery
from workflow.definition.transition import Transition
from workflow.definition.workflow import Workflow


def fingerprint(workflow: Workflow[Any, Any]) -> str:
    """Return 64 hexadecimal digits; the same for the same meaning on any machine."""
    text = json.dumps(describe(workflow), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def describe(workflow: Workflow[Any, Any]) -> dict[str, Any]:
    """Return the definition's meaning as a JSON object."""
    return {
        "name": workflow.name,
        "version": workflow.version,
        "statuses": sorted(workflow.status_values),
        "initial": workflow.initial.value,
        "final": sorted(status.value for status in workflow.final),
        "transitions": {
            transition.name: _transition(transition) for transition in workflow.transitions
        },
    }


def _transition(transition: Transition[Any, Any]) -> dict[str, Any]:
    automatic = transition.automatic_after
    return {
        "sources": sorted(source.value for source in transition.sources),
        "target": transition.target.value,
        "permission": transition.permission,
        "guards": [_name(guard) for guard in transition.guards],
        "form": _name(transition.form),
        "reason": transition.reason.value,
        "apply": _name(transition.apply),
        "before": [_effect(effect) for effect in transition.before],
        "after": [_effect(effect) for effect in transition.after],
        "automatic_after": None if automatic is None else automatic.total_seconds(),
    }


def _effect(effect: Effect[Any]) -> dict[str, Any]:
    return {
        "name": effect.name,
        "channel": effect.channel.name,
        "request": _name(effect.request),
        "send": _name(effect.send),
        "recovery": _recovery(effect.recovery),
        "undo": None
        if effect.undo is None
        else {"send": _name(effect.undo.send), "recovery": _recovery(effect.undo.recovery)},
    }


def _recovery(recovery: Recovery) -> str:
    if isinstance(recovery, Lookup):
        return f"Lookup {_name(recovery.ask)} {recovery.settles_after.total_seconds():g}"
    return type(recovery).__name__


def _name(function: Callable[..., Any] | None) -> str | None:
    if function is None:
        return None
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"
