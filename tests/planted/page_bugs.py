"""Bugs of pages: what would do a wish twice, decide unseen, or show what it may not."""

from __future__ import annotations

import uuid

from tests.planted.bug import Bug
from workflow.acts import rights
from workflow.pages import asking, record, settling


def forget_the_id() -> None:
    asking.transition_id = lambda _: uuid.uuid4()


class Whatever(int):
    """A version that never differs from the record's."""

    def __ne__(self, _other: object) -> bool:
        return False

    __eq__ = int.__eq__
    __hash__ = int.__hash__


def forget_the_version() -> None:
    read = asking._version
    asking._version = lambda text: Whatever(read(text))


def demand_nothing() -> None:
    rights.demand = lambda **_: None


def mask_nothing() -> None:
    record.personal = lambda _: frozenset()


def let_anybody_settle() -> None:
    settling.effects.barred_from = lambda **_: None


_ASKING = "tests/pages/test_asking.py"

PAGE_BUGS = {
    "form without its id": Bug(
        what="The form's transition id is not used, so that sending it twice is two wishes.",
        code=forget_the_id,
        caught_by=f"{_ASKING}::test_one_form_sent_twice_is_one_wish",
        says="it counts once",
    ),
    "stale page not noticed": Bug(
        what="What was decided on an old version is submitted for the new one.",
        code=forget_the_version,
        caught_by=f"{_ASKING}::test_a_stale_form_submits_nothing_and_keeps_what_was_filled_in",
        says="assert 302 == 409",
    ),
    "right not demanded": Bug(
        what="The pages offer no button, but whoever sends the form is served.",
        code=demand_nothing,
        caught_by="tests/pages/test_permissions.py"
        "::test_the_auditor_changes_nothing_and_each_attempt_on_a_record_is_entered",
        says="/retry/",
    ),
    "personal data not masked": Bug(
        what="The page of a record shows personal fields to every role.",
        code=mask_nothing,
        caught_by="tests/pages/test_acting.py"
        "::test_looking_at_personal_data_takes_a_reason_and_is_entered",
        says="assert",
    ),
    "duties not separated at settling": Bug(
        what="Who asked for a transition settles its calls as well.",
        code=let_anybody_settle,
        caught_by="tests/effects/test_duties.py"
        "::TestSettling::test_neither_who_asked_nor_who_made_the_other_settles_it",
        says="DID NOT RAISE",
    ),
}
