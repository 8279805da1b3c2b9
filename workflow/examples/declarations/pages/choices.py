"""Which transitions a person may ask for, each with its form and an id for this one wish."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.forms import Form

from workflow.definition import Reason, Transition, registry
from workflow.engine.standing import denied
from workflow.examples.declarations.models import Declaration


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A transition as the page offers it."""

    transition: Transition[Any, Any]
    form: Form
    transition_id: uuid.UUID
    """Made with the page: sending the page's form twice is one wish."""

    reason: str = ""
    faults: tuple[str, ...] = ()

    @property
    def needs_reason(self) -> bool:
        """Whether it must be said why."""
        return self.transition.reason is Reason.REQUIRED


def choices(*, declaration: Declaration, user: User, sent: Choice | None) -> list[Choice]:
    """Return what leaves the present status and the user is permitted to ask for.

    Guards are asked when it is asked for: they may still refuse, with their reasons.
    """
    record = declaration.record
    if record is None:
        return []
    return [
        sent
        if sent is not None and sent.transition.name == transition.name
        else Choice(
            transition=transition,
            form=form_of(transition, None),
            transition_id=uuid.uuid4(),
        )
        for transition in registry.latest(record.workflow).leaving(record.status)
        if not denied(user=user, transition=transition)
    ]


def form_of(transition: Transition[Any, Any], data: Mapping[str, Any] | None) -> Form:
    """Return the transition's form, empty or filled, with ids that are unique on the page."""
    form = transition.form or Form
    filled: Form = form(data=data, auto_id=f"{transition.name}_%s")
    return filled
