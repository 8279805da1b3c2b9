"""A digest of what a definition means, so that a silent change of a version is noticed.

It covers names, edges, permissions, the identity of guards, forms, `apply` and effects, and the
policies; not labels, order of declaration or the code inside the functions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
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
    apart = {"apart_from": sorted(transition.apart_from), "settled": transition.settled_apart}
    return {
        **({"duties": apart} if transition.apart_from or transition.settled_apart else {}),
        "sources": sorted(source.value for source in transition.sources),
        "target": transition.target.value,
        "permission": transition.permission,
        "guards": [_name(guard) for guard in transition.guards],
        "form": _name(transition.form),
        "reason": transition.reason.value,
        "signature": transition.signature,
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


def _name(function: object) -> str | None:
    """Return what tells a function from others, in any process.

    One that another function made is told by what that gave it, an object by its class and values.
    """
    if function is None:
        return None
    if isinstance(function, partial):
        given = [*function.args, *sorted(function.keywords.items())]
        return f"{_name(function.func)}({_values(given)})"
    name = _qualified(function)
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    values = cells or sorted(getattr(function, "__dict__", {}).items())
    return f"{name}({_values(values)})" if values and not isinstance(function, type) else name


def _values(values: Iterable[object]) -> str:
    return ", ".join(_value(value) for value in values)


def _value(value: object) -> str:
    """Return a value's text, if that is the same in any process; its class's name otherwise."""
    match value:
        case None | bool() | int() | float() | str() | bytes() | Decimal() | date() | timedelta():
            return repr(value)
        case Enum():
            return f"{type(value).__qualname__}.{value.name}"
        case tuple() | list():
            return f"({_values(value)})"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(_value, value)))}}}"
        case _:
            # Not by its values in turn: a function may refer to itself.
            return _qualified(value)


def _qualified(thing: object) -> str:
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{getattr(named, '__qualname__', '')}"
