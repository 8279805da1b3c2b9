"""Field values as people read them, and as they are hidden from those who may not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from workflow.definition import UnknownDefinition, registry
from workflow.models import Tracked

HIDDEN = "•••••"
_SHOWN = 500


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One field as it is shown."""

    name: str
    label: str
    value: str
    is_hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field before and after."""

    label: str
    old: str
    new: str


def personal(workflow: str) -> frozenset[str]:
    """Return the names of fields that hold personal data."""
    try:
        return registry.latest(workflow).personal
    except UnknownDefinition:
        return frozenset()


def fields_of(subject: Tracked, *, hidden: Collection[str] = ()) -> list[Shown]:
    """Return the subject's own fields, in their order, without keys of the engine.

    One statement at most: for the names of the people that fields point to.
    """
    fields = shown_fields(type(subject))
    values = {field.name: getattr(subject, field.attname) for field in fields}
    return shown_of(type(subject), values, hidden=hidden)


def shown_of(
    model: type[models.Model], values: Mapping[str, Any], *, hidden: Collection[str] = ()
) -> list[Shown]:
    """Return a model's fields with these values, by name; those that have none are left out."""
    fields = [field for field in shown_fields(model) if field.name in values]
    people = names_of(_people(fields, [values]))
    return [
        Shown(
            name=field.name,
            label=label_of(field),
            value=HIDDEN if field.name in hidden else text_of(field, values[field.name], people),
            is_hidden=field.name in hidden,
        )
        for field in fields
        if values[field.name] not in (None, "")
    ]


def shown_fields(model: type[models.Model]) -> list[Any]:
    """Return a model's columns that people care for."""
    return [
        field
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name != "record"
    ]


def label_of(field: Any) -> str:
    """Return what a field is called."""
    return str(field.verbose_name).capitalize()


def names_of(keys: Iterable[Any]) -> dict[Any, str]:
    """Return the names of users by primary key, in one statement; none for none."""
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    people = get_user_model()._default_manager.filter(pk__in=wanted)
    return {
        person.pk: getattr(person, "get_full_name", str)() or person.get_username()
        for person in people
    }


def _people(fields: Iterable[Any], rows: Iterable[Mapping[str, Any]]) -> set[Any]:
    names = [field.name for field in fields if points_to_person(field)]
    return {row[name] for row in rows for name in names}


def points_to_person(field: Any) -> bool:
    """Return whether a field is a foreign key to users."""
    return field.is_relation and field.related_model is get_user_model()


def text_of(field: Any, value: Any, people: Mapping[Any, str]) -> str:
    """Return a value as text: choices by label, people by name, times with their zone."""
    if value is None or value == "":
        return "-"
    if points_to_person(field):
        return people.get(value, f"{value}")
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return plain(value)


def plain(value: object) -> str:
    """Return any value as text of a bounded length."""
    match value:
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S %Z")
        case date():
            return value.isoformat()
        case _:
            text = str(value)
            return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
