"""Small things that templates of the pages say: times, labels, symbols."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflow.definition import Allowed, Finding, Refusal
from workflow.engine import clock
from workflow.queries import moments, names, wording
from workflow.queries.lines import Held

register = template.Library()


@register.simple_tag(takes_context=True)
def moment(context: Any, at: datetime | None) -> SafeString | str:
    """Show a time with its zone, and in relation to now."""
    if at is None:
        return "-"
    now = context.get("now") or clock.now()
    return format_html(
        '<time datetime="{}">{} <span class="ago">{}</span></time>',
        timezone.localtime(at).isoformat(),
        moments.clock_time(at, now=now),
        moments.relative(at, now=now),
    )


@register.simple_tag(takes_context=True)
def ago(context: Any, at: datetime | None) -> SafeString | str:
    """Show a time in relation to now; the exact one on pointing at it, and for machines."""
    if at is None:
        return "-"
    now = context.get("now") or clock.now()
    exact = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html(
        '<time class="short" datetime="{}" title="{}">{}</time>',
        timezone.localtime(at).isoformat(),
        exact,
        moments.relative(at, now=now),
    )


@register.filter
def status_label(value: str, workflow: str) -> str:
    """Return what a status is called."""
    return names.status(workflow, value)


@register.filter
def transition_label(value: str, workflow: str) -> str:
    """Return what a transition is called."""
    return names.transition(workflow, value)


@register.filter
def actor_name(label: str) -> str:
    """Return who did something, in the reader's language."""
    return names.actor(label)


@register.filter
def workflow_label(value: str) -> str:
    """Return what a workflow is called."""
    return names.workflow(value)


@register.filter
def span(seconds: float | None) -> str:
    """Return a number of seconds as a length of time."""
    return "-" if seconds is None else moments.duration(timedelta(seconds=seconds))


@register.filter
def between(start: datetime, end: datetime) -> str:
    """Return the length of time from one moment to another."""
    return moments.duration(end - start)


_STATES = {
    "fired": "good",
    "refused": "warn",
    "failed": "bad",
    "cancelled": "calm",
    "parked": "bad",
    "running": "busy",
    "waiting": "busy",
    "scheduled": "calm",
    "calling": "busy",
    "undoing": "warn",
}


@register.filter
def state_tone(state: str) -> str:
    """Return the tone of an envelope's state."""
    return _STATES.get(state, "calm")


@register.simple_tag(takes_context=True)
def with_query(context: Any, **changes: Any) -> str:
    """Return this page's query string with some parameters changed; empty ones are left out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = value
    return f"?{query.urlencode()}"


@register.filter
def as_json(value: Any) -> str:
    """Return a value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def as_line(value: Any) -> str:
    """Return a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


@register.filter
def spaced(name: str) -> str:
    """Return a name of code as words."""
    return names.call(name)


@register.filter
def refusal_told(refusal: Refusal) -> str:
    """Return what a refusal says, in the reader's language."""
    return wording.told(refusal.message, template=refusal.template, facts=refusal.facts)


@register.filter
def told(message: str) -> str:
    """Return a stored message in the reader's language, if a catalogue has it."""
    return wording.told(message)


@register.filter
def guard_name(finding: Finding | Held) -> str:
    """Return what a guard is called, of a fresh finding or of a stored one."""
    return names.call(finding.guard)


@register.filter
def guard_held(finding: Finding | Held) -> bool:
    """Return whether a guard consented."""
    return isinstance(finding.answer, Allowed) if isinstance(finding, Finding) else finding.held


@register.filter
def guard_required(finding: Finding | Held) -> str:
    """Return what a guard required."""
    return finding.answer.required if isinstance(finding, Finding) else finding.required


@register.filter
def guard_actual(finding: Finding | Held) -> str:
    """Return what a guard found."""
    return finding.answer.actual if isinstance(finding, Finding) else finding.actual
