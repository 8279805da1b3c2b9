"""What makes a definition unsound. Found at start-up, all of it at once, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from workflow.definition.effect_faults import effect_faults
from workflow.definition.names import NAME
from workflow.definition.transition import Transition
from workflow.definition.workflow import Workflow

STATUS_LENGTH = 64


def faults(workflow: Workflow[Any, Any]) -> list[str]:
    """Return every fault, each a sentence that names the part at fault; empty when sound."""
    return [
        *_names(workflow),
        *_statuses(workflow),
        *_paths(workflow),
        *(fault for each in workflow.transitions for fault in _transition(workflow, each)),
    ]


def _names(workflow: Workflow[Any, Any]) -> Iterator[str]:
    if not NAME.fullmatch(workflow.name):
        yield f"name {workflow.name!r}: use lower case letters, digits and underscores"
    if workflow.version < 1:
        yield f"version {workflow.version}: versions start at 1"
    counted = Counter(transition.name for transition in workflow.transitions)
    for name, count in counted.items():
        if count > 1:
            yield f"transition {name!r} is declared {count} times; names must differ"
        if not NAME.fullmatch(name):
            yield f"transition {name!r}: use lower case letters, digits and underscores"


def _statuses(workflow: Workflow[Any, Any]) -> Iterator[str]:
    if not isinstance(workflow.initial, workflow.statuses):
        yield f"initial status {workflow.initial!r} is not one of {workflow.statuses.__name__}"
    for status in workflow.final:
        if not isinstance(status, workflow.statuses):
            yield f"final status {status!r} is not one of {workflow.statuses.__name__}"
    for status in workflow.statuses:
        if not isinstance(status.value, str) or not 0 < len(status.value) <= STATUS_LENGTH:
            yield f"status {status!r}: its value must be a text of 1 to {STATUS_LENGTH} characters"


def _paths(workflow: Workflow[Any, Any]) -> Iterator[str]:
    reached = {workflow.initial}
    grown = True
    while grown:
        onward = {
            transition.target
            for transition in workflow.transitions
            if reached.intersection(transition.sources)
        }
        grown = not onward <= reached
        reached |= onward
    left = {source for transition in workflow.transitions for source in transition.sources}
    for status in workflow.statuses:
        if status not in reached:
            start = getattr(workflow.initial, "value", workflow.initial)
            yield f"status {status.value!r} is unreachable from {start!r}"
        elif status not in left and status not in workflow.final:
            yield f"status {status.value!r} is a dead end: nothing leaves it; declare it final"


def _transition(workflow: Workflow[Any, Any], transition: Transition[Any, Any]) -> Iterator[str]:
    found = [
        *_edge(workflow, transition),
        *_functions(transition),
        *_durations(transition),
        *transition.retry.faults(),
        *_effects(transition),
    ]
    yield from (f"transition {transition.name!r}: {fault}" for fault in found)


def _edge(workflow: Workflow[Any, Any], transition: Transition[Any, Any]) -> Iterator[str]:
    if not transition.sources:
        yield "has no source status"
    for status in (*transition.sources, transition.target):
        if not isinstance(status, workflow.statuses):
            yield f"{status!r} is not one of {workflow.statuses.__name__}"
    for name in transition.apart_from:
        if name not in workflow.by_name:
            yield f"apart_from names {name!r}, which is no transition of this workflow"
    if transition.settled_apart and not transition.effects:
        yield "settled_apart is set, but it has no effects that could be settled"
    if transition.permission and transition.permission.count(".") != 1:
        yield f"permission {transition.permission!r} is not app_label.codename"


def _functions(transition: Transition[Any, Any]) -> Iterator[str]:
    functions: tuple[object, ...] = (*transition.guards, transition.apply)
    for function in functions:
        if function is not None and not callable(function):
            yield f"{function!r} is not a function"
    if transition.automatic_after is not None and transition.form is not None:
        yield "fires by itself and so can have no form"
    if transition.automatic_after is not None and transition.signature:
        yield "fires by itself and so cannot be signed"


def _durations(transition: Transition[Any, Any]) -> Iterator[str]:
    for limit in ("timeout", "deadline", "automatic_after"):
        value = getattr(transition, limit)
        if value is not None and value <= timedelta(0):
            yield f"{limit} is {value}; it must be positive"


def _effects(transition: Transition[Any, Any]) -> Iterator[str]:
    counted = Counter(getattr(effect, "name", None) for effect in transition.effects)
    yield from (
        f"effect {name!r} is declared {count} times; its name is part of its key"
        for name, count in counted.items()
        if count > 1
    )
    for effect in transition.effects:
        yield from effect_faults(effect)
    for effect in transition.after:
        if getattr(effect, "undo", None) is not None:
            yield (
                f"effect {effect.name!r} has an undo, but runs after the transition has fired, so"
                " that nothing would undo it; declare it in `before`, or leave the undo out"
            )
