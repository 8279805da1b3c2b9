"""What the engine and the guards said, in the language of the reader.

Stored and logged is the language of the source, with a stable code: what a trail says may not
depend on who happened to look. Beside the sentence stands its template with its facts, and that is
what a catalogue is asked for when the sentence is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop

from workflow.definition import InvalidRequest, WorkflowError

_DECLARED = ("label", "call")
"""Facts that are what a workflow calls something: put into the reader's language like it."""

_FIELDS = (
    gettext_noop("effect"),
    gettext_noop("fence"),
    gettext_noop("items"),
    gettext_noop("name"),
    gettext_noop("payload"),
    gettext_noop("reason"),
    gettext_noop("receipt"),
    gettext_noop("record"),
    gettext_noop("signature"),
    gettext_noop("transition"),
    gettext_noop("transition id"),
    gettext_noop("user"),
    gettext_noop("version"),
    gettext_noop("way"),
    gettext_noop("what"),
)
"""Fields that an unusable request names, for catalogues."""


def told(message: str, *, template: str = "", facts: Mapping[str, Any] | None = None) -> str:
    """Return a message of a refusal in the reader's language; as it was stored if none has it."""
    if not message:
        return ""  # gettext("") is the catalogue's header
    if not template or not facts:
        return gettext(message)
    try:
        return gettext(template) % {name: _fact(name, value) for name, value in facts.items()}
    except (KeyError, ValueError, TypeError):
        return message  # a catalogue, or a stored template, that does not fit its facts


def _fact(name: str, value: Any) -> Any:
    return gettext(value) if name in _DECLARED and isinstance(value, str) and value else value


def ended(text: str) -> str:
    """Return what another system or the code said as the end of a sentence: with a full stop."""
    return text if text.endswith((".", "!", "?", "…")) or not text else f"{text}."


def told_error(error: WorkflowError) -> str:
    """Return why something was not done in the reader's language, as far as it is known there."""
    if isinstance(error, InvalidRequest):
        template = error.template if error.facts else ""
        said = told(error.problem, template=template, facts=error.facts)
        value = "" if error.value in ("", None) else f" {error.shown}"
        return f"{told(error.field)}{value}: {said}"
    return told(str(error))
