"""Every page, wide and narrow, light and dark: nothing for axe to find, nothing that overflows.

With PICTURES set to a folder, the pictures of docs/ are made anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import override_settings

from tests.browser.conftest import WIDTHS, Visit, Visitor
from tests.browser.stage import Stage, furnish
from workflow.engine import clock
from workflow.models import BulkRun, Cluster, EffectEntry, Record
from workflow.testing.drain import drain

_TALLEST = 1700
"""Pixels of a picture."""

_COLOURS = 96

SERIOUS = ("serious", "critical")


def shown(made: Stage, found: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return name and address of every page, by who looks at it."""
    doubt = EffectEntry.objects.get(state="in_doubt")
    backing_off = found["backing_off"]
    run = BulkRun.objects.first()
    assert run is not None
    return {
        "": [("sign-in", "/accounts/login/")],
        "sofie": [
            ("inbox", "/desk/"),
            ("desk-record", f"/desk/records/{found['costly'].pk}/"),
            ("desk-form", f"/desk/records/{found['checked'].pk}/approve_final/"),
            ("desk-transition", f"/desk/transitions/{found['parked'].pk}/"),
            ("declarations", "/declarations/"),
            ("new", "/declarations/new"),
        ],
        "otto": [
            ("overview", "/admin/"),
            ("attention", "/admin/attention/"),
            ("cause", "/admin/attention/declaration/approve_final/reserve_budget/http_404/"),
            ("bulk", f"/admin/bulk/{run.pk}/"),
            ("channels", "/admin/channels/"),
            ("records", "/admin/workflow/record/"),
            ("transitions", "/admin/workflow/transitionenvelope/"),
            ("trail", "/admin/audit/entry/"),
            ("entry", f"/admin/audit/entry/{found['entry'].pk}/change/"),
            ("past", f"/admin/records/{found['paid'].pk}/as-of/"),
            ("redact", f"/admin/records/{found['withdrawn'].pk}/redact/"),
            ("transition", f"/admin/workflow/transitionenvelope/{found['in_doubt'].pk}/change/"),
            ("settle", f"/admin/effects/{doubt.pk}/"),
            ("retry", f"/admin/transitions/{found['parked'].pk}/retry/"),
            ("tables", "/admin/tables/"),
        ],
        "sue": [
            ("record", f"/admin/workflow/record/{found['paid'].pk}/change/"),
            ("record-delayed", f"/admin/workflow/record/{backing_off.record_id}/change/"),
            ("form", f"/admin/records/{found['submitted'].pk}/ask/check/"),
        ],
    }


def sign_of_life() -> None:
    """Let the scene's cluster be alive, as a real one shows by itself every five seconds."""
    Cluster.objects.filter(stopped_at=None).update(seen_at=clock.now())


def prepare(made: Stage, otto: Visitor) -> dict[str, Any]:
    from audit.models import Entry

    withdrawn = withdrawn_for_a_private_reason(made)
    found: dict[str, Any] = {**furnish(made), "withdrawn": withdrawn}
    erasing = Permission.objects.get(codename="redact_entry")
    User.objects.get(username="otto").user_permissions.add(erasing)
    found["entry"] = Entry.objects.filter(action="fired").first()
    otto.open("/admin/attention/declaration/approve_final/reserve_budget/http_404/")
    otto.page.fill("#reason", "The ledger has moved back.")
    otto.page.get_by_role("button", name="Prepare a retry …").click()
    otto.page.get_by_role("button", name="Do the first one").click()
    return found


def withdrawn_for_a_private_reason(made: Stage) -> Record:
    with override_settings(AUDIT={**settings.AUDIT, "PERSONAL": ["reason"]}):
        record = made.draft()
        made.ask(record, "emma", "withdraw", reason="I was ill that week, and did not go.")
        drain()
    return record


def faults(page: Any) -> list[str]:
    """Return what axe finds that is serious, each with where it is."""
    from axe_core_python.sync_playwright import Axe

    found = Axe().run(page)["violations"]
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_in_both_widths(scene: Stage, visit: Visit, scheme: str) -> None:
    otto = visit()
    otto.sign_in("otto")
    found = prepare(scene, otto)
    wrong: list[str] = []
    for width in WIDTHS:
        for who, pages in shown(scene, found).items():
            visitor = visit(width=width, scheme=scheme)
            if who:
                visitor.sign_in(who)
            for name, path in pages:
                sign_of_life()
                visitor.open(path)
                wrong += [f"{name} ({width}): {each}" for each in _wrong(visitor, width)]
                _picture(visitor.page, name, width, scheme)
    assert not wrong, "\n".join(wrong)


def _wrong(visitor: Visitor, width: str) -> list[str]:
    found = faults(visitor.page)
    across = visitor.page.evaluate("document.documentElement.scrollWidth")
    if across > WIDTHS[width][0]:
        found.append(f"is {across} pixels wide")
    if visitor.page.locator("h1").count() != 1:
        found.append("has not just one heading")
    return found


def _picture(page: Any, name: str, width: str, scheme: str) -> None:
    """Keep a picture, if pictures are wanted: in dark colours of the two best known pages only."""
    folder = os.environ.get("PICTURES")
    if not folder or (scheme == "dark" and name not in ("record", "overview")):
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    dark = "-dark" if scheme == "dark" else ""
    file = Path(folder, f"{name}-{width}{dark}.png")
    page.screenshot(path=file, full_page=True)
    _shrink(file)


def _shrink(file: Path) -> None:
    """Cut a picture to what fits a document, and its colours to the most frequent ones."""
    from PIL import Image

    with Image.open(file) as picture:
        cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, _TALLEST)))
    found = sorted(cut.getcolors(cut.width * cut.height) or (), reverse=True)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in found[:_COLOURS] for part in colour])
    cut.quantize(palette=palette, dither=Image.Dither.NONE).save(file, optimize=True)


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_colours_can_be_chosen_and_are_kept(scene: Stage, visit: Visit, choice: str) -> None:
    visitor = visit(scheme="light" if choice == "dark" else "dark")
    visitor.sign_in("sofie")
    button = visitor.page.get_by_role("button", name="Change colours")
    for _ in range(3):
        if visitor.page.evaluate("document.documentElement.dataset.theme") == choice:
            break
        button.click()
    ground = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    visitor.open("/declarations/")

    assert visitor.page.evaluate("document.documentElement.dataset.theme") == choice
    assert visitor.page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
