"""What an act would do, said before anybody does it; and why not, where it would not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflow.acts.cancel import CANCELLABLE
from workflow.effects.compensate import not_undone
from workflow.engine.backoff import policy
from workflow.models import (
    EffectEntry,
    EffectState,
    Phase,
    State,
    TransitionEnvelope,
)
from workflow.queries import names
from workflow.queries.effect_stall import label


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What an act does."""

    title: str
    button: str
    says: tuple[str, ...]
    obstacle: str = ""
    """Why it cannot be done now; empty: it can."""

    is_grave: bool = False


def of_retry(*, envelope: TransitionEnvelope, effects: Sequence[EffectEntry]) -> Consequence:
    """Return what a retry would do."""
    before = [each for each in effects if each.phase == Phase.BEFORE]
    done = [each for each in before if each.state == EffectState.DONE]
    stuck = [each for each in before if each.is_stuck]
    doubt = next((each for each in stuck if each.state == EffectState.IN_DOUBT), None)
    says = [_("It is tried again under the same transition id, so nothing can happen twice.")]
    if stuck:
        says.append(
            _("It sends 1 call again under the same key: %(name)s.") % {"name": label(stuck[0])}
        )
    else:
        most = policy(envelope).attempts
        says.append(
            ngettext("It gets %(n)d new attempt.", "It gets %(n)d new attempts.", most)
            % {"n": most}
        )
        says.append(_("Its guards are asked again, on the record as it is then."))
    if done:
        says.append(
            ngettext(
                "%(n)d call is done and is not repeated: %(names)s.",
                "%(n)d calls are done and are not repeated: %(names)s.",
                len(done),
            )
            % {"n": len(done), "names": ", ".join(map(label, done))}
        )
    obstacle = ""
    if envelope.state != State.PARKED:
        obstacle = _("Only a parked one can be retried; it is %(state)s.") % _state(envelope)
    elif doubt is not None:
        obstacle = _("Its call %(name)s is in doubt; settle that first.") % {"name": label(doubt)}
    return Consequence(
        title=_("Retry “%(label)s”") % _label(envelope),
        button=_("Retry now"),
        says=tuple(says),
        obstacle=obstacle,
    )


def of_cancel(*, envelope: TransitionEnvelope, effects: Sequence[EffectEntry]) -> Consequence:
    """Return what cancelling would do."""
    before = [each for each in effects if each.phase == Phase.BEFORE]
    done = [each for each in before if each.state == EffectState.DONE]
    doubt = next((each for each in before if each.state == EffectState.IN_DOUBT), None)
    says = [_("It will never fire. The record stays in its status, free for other requests.")]
    if done:
        says.append(
            ngettext(
                "%(n)d call was done; it is taken back first, where that is declared: %(names)s.",
                "%(n)d calls were done; they are taken back first, where that is declared:"
                " %(names)s.",
                len(done),
            )
            % {"n": len(done), "names": ", ".join(map(label, reversed(done)))}
        )
    elif not before:
        says.append(_("Nothing was sent to other systems."))
    if envelope.state == State.RUNNING:
        says.append(_("The worker that has it comes late and writes nothing."))
    says.append(_("Its transition id stays used: the same request sent again gets this answer."))
    obstacle = ""
    if envelope.state not in CANCELLABLE:
        obstacle = _("This cannot be cancelled any more; it is %(state)s.") % _state(envelope)
    elif doubt is not None:
        obstacle = _("Its call %(name)s is in doubt; settle that first.") % {"name": label(doubt)}
    return Consequence(
        title=_("Cancel “%(label)s”") % _label(envelope),
        button=_("Cancel it for good"),
        says=tuple(says),
        obstacle=obstacle,
        is_grave=True,
    )


def of_force(*, envelope: TransitionEnvelope, effects: Sequence[EffectEntry]) -> Consequence:
    """Return what closing by force would do."""
    rows = [each for each in effects if each.phase != Phase.AFTER]
    stuck = [each for each in rows if each.phase == Phase.UNDO and each.is_stuck]
    left = not_undone(rows)
    return Consequence(
        title=_("Close “%(label)s” by force") % _label(envelope),
        button=_("Close it by force"),
        says=(
            _("It ends without what was done downstream being taken back."),
            _("This stays as it is in the other systems, and is listed in the trail: %(names)s.")
            % {"names": ", ".join(map(names.call, left)) or "-"},
            _("Somebody has to put it right there by hand."),
        ),
        obstacle=""
        if envelope.state == State.UNDOING and stuck
        else _("Only one whose taking back is stuck can be closed by force; it is %(state)s.")
        % _state(envelope),
        is_grave=True,
    )


def _label(envelope: TransitionEnvelope) -> dict[str, str]:
    return {"label": names.transition(envelope.workflow, envelope.transition)}


def _state(envelope: TransitionEnvelope) -> dict[str, str]:
    return {"state": State(envelope.state).label.lower()}
