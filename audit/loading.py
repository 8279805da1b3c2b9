"""Instances of a model, by the thousand: of rows that were read, and of rows to be written.

A model that has nothing of its own to do is filled directly. To pass each column through its
descriptor, as Django does, takes several times as long, and a batch makes thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init

from audit.fields import is_plain

M = TypeVar("M", bound=models.Model)


@cache
def columns(model: type[models.Model]) -> tuple[str, ...]:
    """Return the names of all columns of a model, for `values_list`."""
    return tuple(field.attname for field in model._meta.concrete_fields)


def loaded(model: type[M], rows: Iterable[Iterable[Any]]) -> list[M]:
    """Return the instances of rows that have all `columns` of their model."""
    names = columns(model)
    if not _can_be_filled(model):
        return [model.from_db(DEFAULT_DB_ALIAS, names, list(row)) for row in rows]
    instances = [_filled(model, zip(names, row, strict=True)) for row in rows]
    for instance in instances:
        instance._state.db = DEFAULT_DB_ALIAS
        instance._state.adding = False
    return instances


def made(model: type[M], **values: Any) -> M:
    """Return a new instance, as `model(**values)` does.

    Args:
        values: By the columns' names, `author_id` and not `author`.
    """
    if not _can_be_filled(model):
        return model(**values)
    unknown = values.keys() - columns(model)
    if unknown:
        raise TypeError(f"{model.__name__} has no column {min(unknown)!r}.")
    fixed, makers = _defaults(model)
    found = {name: make() for name, make in makers if name not in values}
    return _filled(model, {**fixed, **found, **values})


def twin(instance: M) -> M:
    """Return an instance of the same row, which may be changed without the other."""
    other = instance.__class__.__new__(instance.__class__)
    vars(other).update(vars(instance))
    other._state = copy(instance._state)
    other._state.fields_cache = dict(instance._state.fields_cache)
    return other


def _filled(model: type[M], values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> M:
    instance = model.__new__(model)
    vars(instance).update(values)
    instance._state = ModelState()
    return instance


@cache
def _defaults(
    model: type[models.Model],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return the columns' defaults: those that are always the same, and what makes the others."""
    fields = model._meta.concrete_fields
    made_anew = [field for field in fields if field.has_default() and callable(field.default)]
    return (
        {field.attname: field.get_default() for field in fields if field not in made_anew},
        [(field.attname, field.get_default) for field in made_anew],
    )


def _can_be_filled(model: type[models.Model]) -> bool:
    """Return whether nothing else happens when an instance is made."""
    if not _is_djangos(model):
        return False
    if not (pre_init.receivers or post_init.receivers):  # of whichever model
        return True
    return not (pre_init.has_listeners(model) or post_init.has_listeners(model))


@cache
def _is_djangos(model: type[models.Model]) -> bool:
    """Return whether Django's own way to make an instance, and to set its columns, is in force."""
    base = models.Model
    kinds = {type(getattr(model, name)) for name in columns(model)}
    return (
        is_plain(model)
        and model.__init__ is base.__init__
        and model.__new__ is base.__new__
        and model.__setattr__ is base.__setattr__
        and model.from_db.__func__ is base.from_db.__func__  # type: ignore[attr-defined]
        and kinds <= {DeferredAttribute, ForeignKeyDeferredAttribute}
    )
