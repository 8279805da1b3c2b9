from __future__ import annotations
import pytest
from tests.pages.conftest import Scene, browser, text
from workflow.testing.drain import drain
from workflow.models import Cause

pytestmark = pytest.mark.django_db


def test_all(scene: Scene, support, operator, ann, boss, make):
    scene.cluster()
    envs = [scene.backing_off(), scene.parked(), scene.running(), scene.waiting()]
    for u in (support, operator):
        c = browser(u)
        for p in [
            "/admin/",
            "/admin/attention/",
            "/admin/tables/",
            "/admin/channels/",
            "/admin/workflow/record/",
            "/admin/workflow/transitionenvelope/",
            "/admin/audit/entry/",
            "/work/",
            "/declarations/",
            f"/admin/attention/probe/open/-/permanent/",
        ]:
            r = c.get(p)
            assert r.status_code == 200, (p, r.status_code, text(r)[:500])
        for e in envs:
            for p in [
                f"/admin/workflow/record/{e.record_id}/change/",
                f"/admin/workflow/transitionenvelope/{e.pk}/change/",
                f"/work/records/{e.record_id}/",
                f"/work/transitions/{e.pk}/",
            ]:
                r = c.get(p)
                assert r.status_code == 200, (p, r.status_code, text(r)[:500])
            r = c.get(f"/admin/transitions/{e.pk}/retry/")
            assert r.status_code == 200
        print(text(c.get(f"/admin/workflow/record/{envs[1].record_id}/change/"))[:200])
    c = browser(support)
    r = c.get(f"/admin/records/{make().pk}/ask/open/")
    assert r.status_code == 200, text(r)
