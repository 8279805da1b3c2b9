"""B5: versions side by side, and what is said of those that are not there."""

from __future__ import annotations

import re

import pytest

from tests.definition.sample import PARCEL, parcel, sending
from workflow.definition import DefinitionFault, UnknownDefinition, Workflow, registry

SECOND, TENTH = parcel(version=2), parcel(version=10)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an empty registry, and leave the running release's as it was."""
    monkeypatch.setattr(registry, "_registered", {})


def test_versions_coexist_and_the_latest_is_the_highest_number() -> None:
    for version in (SECOND, TENTH, PARCEL):
        registry.register(version)
    assert registry.latest("parcel") is TENTH
    assert registry.get("parcel", 2) is SECOND
    assert registry.get("parcel", 1) is PARCEL


def test_everything_is_listed_by_name_and_number() -> None:
    other = parcel(name="letter")
    for workflow in (TENTH, SECOND, other, PARCEL):
        registry.register(workflow)
    assert registry.everything() == (other, PARCEL, SECOND, TENTH)
    assert registry.versions() == {"letter": (1,), "parcel": (1, 2, 10)}


def test_registering_the_same_again_is_harmless() -> None:
    registry.register(PARCEL)
    registry.register(sending(label="Dispatch"))
    assert len(registry.everything()) == 1


def test_another_definition_under_a_version_that_is_taken_is_refused() -> None:
    registry.register(PARCEL)
    with pytest.raises(DefinitionFault, match=r"(?s)'parcel/1'.*raise the version"):
        registry.register(sending(permission=""))
    assert registry.get("parcel", 1) is PARCEL


def test_an_unsound_one_is_not_registered() -> None:
    with pytest.raises(DefinitionFault, match=r"(?s)'parcel/0'.*versions start at 1"):
        registry.register(parcel(version=0))
    assert registry.everything() == ()


@pytest.mark.parametrize(
    ("known", "told"),
    [((), "none"), ((PARCEL,), "parcel/1"), ((TENTH, PARCEL), "parcel/1, parcel/10")],
)
def test_an_unknown_version_is_answered_with_the_known_ones(
    known: tuple[Workflow[object, object], ...], told: str
) -> None:
    for workflow in known:
        registry.register(workflow)
    message = f"No workflow 'parcel/3' is registered; known: {told}."
    with pytest.raises(UnknownDefinition, match=f"^{re.escape(message)}$") as raised:
        registry.get("parcel", 3)
    assert (raised.value.workflow, raised.value.version) == ("parcel", 3)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    registry.register(PARCEL)
    message = "No workflow 'letter' is registered; known: parcel/1."
    with pytest.raises(UnknownDefinition, match=f"^{re.escape(message)}$"):
        registry.latest("letter")


def test_a_version_that_is_forgotten_is_unknown_and_the_others_are_not() -> None:
    registry.register(PARCEL)
    registry.register(SECOND)
    registry.unregister(SECOND)
    assert registry.latest("parcel") is PARCEL
    with pytest.raises(UnknownDefinition, match="parcel/2"):
        registry.get("parcel", 2)
    registry.unregister(SECOND)
