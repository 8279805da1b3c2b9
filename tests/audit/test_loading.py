"""Instances that are filled directly are those that Django makes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import models
from django.db.models.signals import post_init

from audit import chain
from audit.compiled import Compiled
from audit.fields import values_of
from audit.loading import columns, loaded, made, twin
from audit.models import Entry
from workflow.models import Attempt, EffectEntry, Record, TransitionEnvelope

AT = datetime(2026, 1, 31, 8, tzinfo=UTC)

MODELS = (Attempt, EffectEntry, Record, TransitionEnvelope)


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Listen to records that are made."""
    found: list[Any] = []

    def hear(instance: models.Model, **_: Any) -> None:
        found.append(instance)

    post_init.connect(hear, sender=Record)
    yield found
    post_init.disconnect(hear, sender=Record)


@pytest.mark.django_db
def test_a_row_is_loaded_as_django_loads_it() -> None:
    chain.append([chain.Note(chain=uuid4(), at=AT, action="started", actor="w")])
    rows = Compiled(lambda: Entry.objects.values_list(*columns(Entry)).query).rows()
    (ours,) = loaded(Entry, rows)
    theirs = Entry.objects.get()
    assert ours == theirs
    assert {**vars(ours), "_state": None} == {**vars(theirs), "_state": None}
    assert vars(ours._state) == vars(theirs._state)
    ours.refresh_from_db()


@pytest.mark.parametrize("model", MODELS)
def test_a_new_instance_has_the_defaults(model: type[models.Model]) -> None:
    ours, theirs = made(model), model()
    for name in columns(model):
        if name != model._meta.pk.attname:  # a name of its own, each time
            assert getattr(ours, name) == getattr(theirs, name), name
    assert ours._state.adding
    assert ours._state.db is None


@pytest.mark.parametrize("names", [("status",), ("status", "version")])
def test_values_are_a_row_be_it_of_one(names: tuple[str, ...]) -> None:
    assert values_of(names)(made(Record, status="draft", version=3)) == ("draft", 3)[: len(names)]


def test_a_default_is_nobody_elses() -> None:
    first, second = made(EffectEntry), made(EffectEntry)
    first.request["amount"] = "12.50"
    assert second.request == {}


def test_values_are_those_given() -> None:
    record = made(Record, workflow="w", status="draft", version=3)
    assert (record.workflow, record.status, record.version) == ("w", "draft", 3)


@pytest.mark.parametrize("name", ["statsu", "last_transition"])
def test_a_column_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"Record has no column '{name}'"):
        made(Record, **{name: "draft"})


def test_whoever_listens_is_told(heard: list[Any]) -> None:
    new = made(Record, status="draft")
    (row,) = loaded(Record, [[getattr(new, name) for name in columns(Record)]])
    assert [id(each) for each in heard] == [id(new), id(row)]


def test_a_model_with_ways_of_its_own_keeps_them() -> None:
    class Loud(models.Model):
        name = models.TextField()

        class Meta:
            app_label = "tests"
            managed = False

        def __str__(self) -> str:
            return self.name

        def __init__(self, *arguments: Any, **values: Any) -> None:
            super().__init__(*arguments, **values)
            self.name = self.name.upper()

    assert made(Loud, name="a").name == "A"
    (row,) = loaded(Loud, [[1, "a"]])
    assert row.name == "A"


def test_a_twin_goes_its_own_way() -> None:
    record = made(Record, status="draft")
    effect = made(EffectEntry, state="waiting", record_id=record.pk)
    effect.record = record
    other = twin(effect)
    assert other.record is record
    other.state = "sending"
    other.record = made(Record, status="paid")
    other._state.adding = False
    assert (effect.state, effect.record.status, effect._state.adding) == ("waiting", "draft", True)
