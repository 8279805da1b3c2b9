"""What a decision takes for a change of the subject's fields."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from workflow.engine.decide import _differing, _fields


class Thing:
    """A value that is equal to no other, a copy of it included."""


class ThingField(models.Field):  # type: ignore[type-arg]  # has none when it runs
    """Not Django's own."""


class Odd(models.Model):
    note = models.TextField()
    data = models.JSONField()
    thing = ThingField()

    class Meta:
        app_label = "tests"
        managed = False

    def __str__(self) -> str:
        return self.note


@pytest.fixture
def odd() -> Any:
    return Odd(note="a", data={"places": [1]}, thing=Thing())


def test_what_nobody_touched_has_not_changed(odd: Any) -> None:
    assert _differing(_fields(odd), odd) == []


def test_what_somebody_put_beside_the_fields_is_no_change(odd: Any) -> None:
    before = _fields(odd)
    odd.seen = True
    assert _differing(before, odd) == []


@pytest.mark.parametrize("name", ["data", "thing"])
def test_what_was_changed_in_place_has_changed(odd: Any, name: str) -> None:
    setattr(odd, name, {"places": [1]})
    before = _fields(odd)
    getattr(odd, name)["places"].append(2)
    odd.seen = True
    assert _differing(before, odd) == [name]


def test_another_value_is_a_change(odd: Any) -> None:
    before = _fields(odd)
    odd.note, odd.thing = "b", Thing()
    assert _differing(before, odd) == ["note", "thing"]
