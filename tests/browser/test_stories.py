"""What people do all day, with the keyboard alone, in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visit, Visitor
from tests.browser.stage import CHECKED, SUBMITTED, Stage, furnish
from workflow.examples.declarations.models import Declaration
from workflow.models import EffectEntry, Record, State, TransitionEnvelope
from workflow.testing.drain import drain


def ask(visitor: Visitor, transition: str, reference: str, reason: str = "") -> None:
    """On the page of a record: open the form of a transition, and send it."""
    visitor.reach(f"{transition} {reference}")
    visitor.go("Enter")
    if reason:
        visitor.page.focus("#id_reason")
        visitor.type(reason)
    visitor.reach(transition)
    visitor.go("Enter")


def test_a_declaration_is_made_submitted_and_followed_to_its_end(
    scene: Stage, visit: Visit
) -> None:
    emma = visit()
    emma.sign_in("emma")
    emma.reach("Declarations")
    emma.go("Enter")
    emma.reach("New declaration")
    emma.go("Enter")
    for label, value in (
        ("Purpose", "Conference in Ghent"),
        ("Amount", "120.50"),
        ("Expense date", "11202026"),
        ("Receipts", ""),
        ("Budget number", "B-101"),
    ):
        emma.reach(label)
        emma.type(value)
    emma.reach("Make the draft")
    emma.go("Enter")
    number = Declaration.objects.get().number
    emma.sees("waiting for the next step of a person")

    ask(emma, "Submit", number)

    emma.sees("Submit")
    assert TransitionEnvelope.objects.get(transition="submit").state == State.WAITING
    drain()
    emma.sees("the record became “Submitted by employee”")  # by itself
    assert emma.page.locator("#announcer").text_content() != ""


def test_another_person_approves_it_and_the_same_person_is_refused(
    scene: Stage, visit: Visit
) -> None:
    hers = scene.do(scene.draft(claimant=scene.people["sofie"]), ("sofie", "submit"))
    other = scene.do(scene.draft(), *CHECKED)
    sofie = visit()
    sofie.sign_in("sofie")

    sofie.reach(other.reference)
    sofie.go("Enter")
    ask(sofie, "Approve for payment", other.reference, "Looks right.")
    drain()
    sofie.sees("the record became “Finally approved by supervisor”")

    sofie.open(f"/desk/records/{hers.pk}/")
    sofie.sees("You made this declaration; somebody else has to decide about it.")
    sofie.open(f"/desk/records/{hers.pk}/approve_final/")
    sofie.sees("As it stands, this would be refused")
    sofie.reach("Approve for payment")
    sofie.go("Enter")
    drain()
    sofie.sees("was refused")
    hers.refresh_from_db()
    assert hers.status == "submitted"


def test_a_double_click_counts_once_and_going_back_offers_nothing_stale(
    scene: Stage, visit: Visit
) -> None:
    record = scene.do(scene.draft(), *SUBMITTED)
    anna = visit()
    anna.sign_in("anna")
    anna.open(f"/desk/records/{record.pk}/check/")
    anna.page.get_by_role("button", name="Approve as administration").dblclick()
    anna.page.wait_for_url("**/transitions/**")
    drain()
    anna.sees("the record became “Approved by administration”")
    assert TransitionEnvelope.objects.filter(record=record, transition="check").count() == 1

    anna.page.go_back()

    anna.sees("As it stands, this would be refused")
    assert anna.page.get_by_role("button", name="Approve as administration").is_disabled()


@pytest.mark.parametrize("script", [True, False])
def test_a_transition_is_followed_with_and_without_script(
    scene: Stage, visit: Visit, script: bool
) -> None:
    record = scene.do(scene.draft(), *CHECKED)
    envelope = scene.ask(record, "sofie", "approve_final")
    sofie = visit(java_script_enabled=script)
    sofie.open("/accounts/login/")
    sofie.page.fill("#id_username", "sofie")
    sofie.page.fill("#id_password", "stage-password-1")
    with sofie.page.expect_navigation():
        sofie.press("Enter")
    sofie.open(f"/desk/transitions/{envelope.pk}/")
    sofie.sees("no worker is alive")

    drain()

    sofie.sees("the record became “Finally approved by supervisor”")


def test_a_call_in_doubt_is_settled_and_a_bulk_retry_goes_one_ten_and_the_rest(
    scene: Stage, visit: Visit
) -> None:
    furnish(scene)
    drain()
    otto = visit()
    otto.sign_in("otto")
    otto.open("/admin/")
    otto.sees("need a person")
    otto.reach("Attention")
    otto.go("Enter")

    otto.reach("Stop payment: registered letter: no_answer")
    otto.go("Enter")
    doubt = EffectEntry.objects.get(state="in_doubt")
    otto.reach(f"Settle {doubt.record.reference}")
    otto.go("Enter")
    otto.sees("it may have happened")
    otto.page.get_by_label("It happened").focus()
    otto.press("Space")
    otto.reach("What proves it: its receipt, or a number found there")
    otto.type("RR 1234 5678 9 NL")
    otto.reach("How you found out, for the trail")
    otto.type("The provider has it in its list.")
    otto.reach("Settle it")
    otto.go("Enter")
    otto.sees("Settled. What follows is below.")
    doubt.refresh_from_db()
    assert doubt.receipt == {"reference": "RR 1234 5678 9 NL"}

    otto.open("/admin/attention/")
    otto.reach("Approve for payment: reserve budget: http_404")
    otto.go("Enter")
    otto.reach("Reason, for the trail")
    otto.type("The ledger has moved back.")
    otto.reach("Prepare a retry …")
    otto.go("Enter")
    otto.sees("Nothing has been done yet.")
    for button, fired in (("Do the first one", 1), ("Do 10 more", 11), ("Do the remaining 2", 13)):
        otto.reach(button)
        otto.go("Enter")
        drain()
        otto.sees(f"{fired} done, 0 refused")
        otto.page.wait_for_function(
            "n => document.querySelectorAll('#live .pill.good').length >= 2 * n", arg=fired
        )
    otto.sees("13 done, 0 refused, 0 not needed any more, of 13")
    approved = TransitionEnvelope.objects.filter(transition="approve_final", state=State.FIRED)
    assert approved.filter(record__status="final_approved").count() >= 13
    assert not EffectEntry.objects.filter(name="reserve_budget", state="parked").exists()
    assert Record.objects.count() == scene.count
