"""What the engine and the guards said, in the language of the reader.

Stored and logged is the language of the source, with a stable code: what a trail says may not
depend on who happened to look. Beside the sentence stands its template with its facts, and that is
what a catalogue is asked for when the sentence is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from workflow.definition import InvalidRequest, WorkflowError


def told(message: str, *, template: str = "", facts: Mapping[str, Any] | None = None) -> str:
    """Return a message of a refusal in the reader's language; as it was stored if none has it."""
    if not message:
        return ""  # gettext("") is the catalogue's header
    if not template or not facts:
        return gettext(message)
    try:
        return gettext(template) % dict(facts)
    except (KeyError, ValueError, TypeError):
        return message  # a catalogue, or a stored template, that does not fit its facts


def told_error(error: WorkflowError) -> str:
    """Return why something was not done in the reader's language, as far as it is known there."""
    if isinstance(error, InvalidRequest):
        return f"{told(error.field)} {error.shown}: {told(error.problem)}"
    return told(str(error))
