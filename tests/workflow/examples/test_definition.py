"""The table of transitions against the log, the roles, and the rules of the engine."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from workflow.definition.validation import faults
from workflow.examples.declarations.demo.walks import NEXT
from workflow.examples.declarations.replay.activities import GROUPS, STEPS
from workflow.examples.declarations.roles import ROLES
from workflow.examples.declarations.statuses import Status
from workflow.examples.declarations.workflows import DECLARATION

UNDECLARED = [
    ("Declaration SAVED by EMPLOYEE", "Request Payment"),
    ("Declaration REJECTED by SUPERVISOR", "Request Payment"),
    ("Declaration FINAL_APPROVED by SUPERVISOR", "Payment Handled"),
    ("Payment Handled", "Declaration REJECTED by EMPLOYEE"),
]


def test_the_workflow_is_sound() -> None:
    assert faults(DECLARATION) == []


def test_there_are_the_fourteen_statuses_of_the_log_and_two_of_our_own() -> None:
    assert len(STEPS) == 14
    assert {step.status for step in STEPS.values()} == set(Status) - {
        Status.DRAFT,
        Status.WITHDRAWN,
    }


@pytest.mark.parametrize("activity", STEPS)
def test_each_activity_asks_for_the_transition_that_reaches_its_status(activity: str) -> None:
    step = STEPS[activity]

    assert DECLARATION.by_name[step.transition].target == step.status


@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before, ways in NEXT.items() for after in ways if after],
)
def test_each_sensible_step_of_the_log_is_declared(before: str, after: str) -> None:
    source = STEPS[before].status if before else Status.DRAFT

    assert source in DECLARATION.by_name[STEPS[after].transition].sources


@pytest.mark.parametrize(("before", "after"), UNDECLARED)
def test_no_senseless_step_of_the_log_is_declared(before: str, after: str) -> None:
    assert STEPS[before].status not in DECLARATION.by_name[STEPS[after].transition].sources


def test_every_transition_needs_a_permission_that_some_role_has() -> None:
    granted = {f"declarations.{name}" for names in ROLES.values() for name in names}

    for transition in DECLARATION.transitions:
        assert transition.permission in granted, transition.name


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_migrating_makes_each_role_with_its_permissions(role: str) -> None:
    group = Group.objects.get(name=role)

    codenames = group.permissions.values_list("codename", flat=True)
    assert sorted(codenames) == sorted(ROLES[role])


@pytest.mark.django_db
def test_a_role_that_was_changed_by_hand_is_left_alone() -> None:
    from django.apps import apps

    from workflow.examples.declarations.roles import after_migrate

    group = Group.objects.get(name="EMPLOYEE")
    group.permissions.set(Permission.objects.filter(codename="view_declaration"))

    after_migrate(sender=apps.get_app_config("declarations"), using="default")

    assert list(group.permissions.values_list("codename", flat=True)) == ["view_declaration"]


def test_every_role_of_the_log_is_a_group() -> None:
    assert set(GROUPS.values()) == set(ROLES)
