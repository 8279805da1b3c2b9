"""Verifying while others write and seal raises no false alarm."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from audit.verify import check_chain, reading, verify_all
from tests.workflow.evidence.conftest import Live, Stages
from workflow.models import Record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_busy_trail_is_sound_at_every_look(
    stages: Stages, live: Live, seal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 7)  # many looks, each at another moment
    first = live()
    seal()
    done = threading.Event()
    failures: list[BaseException] = []

    def busy() -> None:
        try:
            lives = [stages() for _ in range(6)]
            for steps in zip(*lives, strict=True):
                for step in steps:
                    step()
                seal()
        except BaseException as error:  # noqa: BLE001  (told below)
            failures.append(error)
        finally:
            done.set()
            connection.close()

    thread = threading.Thread(target=busy)
    thread.start()
    looks = 0
    while not done.is_set():
        assert verify_all().faults == []
        for chain in Record.objects.values_list("pk", flat=True):
            assert check_chain(chain).faults == []
        looks += 1
    thread.join()
    assert failures == []
    assert looks > 1
    assert verify_all().faults == []
    assert Record.objects.filter(pk=first.pk).exists()
