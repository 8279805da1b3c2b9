"""Separation of duties: what somebody has done to a record bars them from some of the rest.

A transition names the others that its requester must have no part in. Who has made one of those,
in whichever round, may not ask for it. It is checked when the request is accepted, and again
under the record's lock when it is decided, because between the two another transition may have
fired. The system is no person, and is not barred.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from workflow.definition import Allowed, Finding, Refusal, Transition, allow, refuse
from workflow.models import TransitionEnvelope

CODE = "separation_of_duties"

_NAME = gettext_noop("separation of duties")
"""What the pages call it, for catalogues."""

Makers = Mapping[str, Collection[str]]
"""Ids of the people who have made a transition of one record, by the transition's name."""


def makers_of(wanted: Iterable[tuple[UUID, Transition[Any, Any]]]) -> dict[UUID, Makers]:
    """Return who has made what bars from these transitions, by record.

    One statement; none where no transition declares any.
    """
    named = [(record, each.apart_from) for record, each in wanted if each.apart_from]
    if not named:
        return {}
    fired = (
        TransitionEnvelope.objects.filter(
            record__in={record for record, _ in named},
            transition__in={name for _, names in named for name in names},
            resulting_version__isnull=False,
            actor__isnull=False,
        )
        .order_by()
        .values_list("record", "transition", "actor")
        .distinct()
    )
    found: dict[UUID, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record, name, actor in fired:
        found[record][name].add(str(actor))
    return dict(found)


def finding(
    *, transition: Transition[Any, Any], actor: str | None, makers: Makers
) -> list[Finding]:
    """Return what the separation of duties says of who asks; empty where none is declared."""
    if not transition.apart_from:
        return []
    made = [name for name in transition.apart_from if actor in makers.get(name, ())]
    barred = sorted({each for name in transition.apart_from for each in makers.get(name, ())})
    required = (
        f"none of users {', '.join(barred)}" if barred else gettext_noop("nobody is barred yet")
    )
    actual = "system" if actor is None else f"user {actor}"
    answer: Allowed | Refusal = allow(required=required, actual=actual)
    if made:
        answer = refuse(
            gettext_noop(
                "You have made “%(made)s” of this record; somebody else has to do this step."
            ),
            facts={"made": ", ".join(made)},
            required=required,
            actual=actual,
            code=CODE,
        )
    return [Finding(guard=CODE, answer=answer)]


def bars_from_settling(
    *, transition: Transition[Any, Any], requester: str | None, actor: str, makers: Makers
) -> Refusal | None:
    """Return why somebody may not settle a call of this transition by hand; None if they may."""
    if not transition.settled_apart:
        return None
    if requester == actor:
        return refuse(
            gettext_noop(
                "You asked for this step yourself; somebody else has to settle its calls."
            ),
            required=f"not user {requester}",
            actual=f"user {actor}",
            code=CODE,
        )
    (found,) = finding(transition=transition, actor=actor, makers=makers) or (None,)
    if found is None or isinstance(found.answer, Allowed):
        return None
    return found.answer
