"""L5: whoever can write to the queue's tables runs nothing by it, in a cluster or on a page."""

from __future__ import annotations

import base64
import os
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task
from django_q.signing import PickleSerializer

from tests.crash.conftest import Ask, Make, Start
from tests.crash.polling import fired, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Touch:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def plant(folder: Path) -> None:
    """Write every row that could run something."""
    trace = folder / "trace"
    due = timezone.now() - timedelta(seconds=5)
    command = f"('touch {trace}.schedule',)"
    for more in (
        {"args": command},
        {"args": command, "kwargs": "sync=True"},
        {"args": command, "hook": "os.system"},
        {"args": command, "kwargs": "{'q_options': {'sync': True, 'hook': 'os.system'}}"},
    ):
        Schedule.objects.create(func="os.system", next_run=due, repeats=-1, **more)
    Schedule.objects.create(func=f"__import__('os').system('touch {trace}.eval')", next_run=due)
    task = {
        "id": "1" * 32, "name": "n", "func": "os.system", "args": (f"touch {trace}.signed",),
        "kwargs": {}, "started": due,
    }  # fmt: skip
    own = os.environ["SECRET_KEY"]
    for number, payload in enumerate((
        # Signed with the true key, as somebody could who has it as well.
        signing.dumps(task, key=own, salt="escapement", serializer=PickleSerializer),
        # Not signed, and harmful when it is merely read.
        base64.urlsafe_b64encode(pickle.dumps(Touch(Path(f"{trace}.unsigned")))).decode(),
        signing.dumps(
            Touch(Path(f"{trace}.forged")), key="x", salt="escapement", serializer=PickleSerializer
        ),
    )):  # fmt: skip
        OrmQ.objects.create(key="escapement", payload=payload, lock=due + timedelta(0, number))
    Task.objects.create(id="2" * 32, name="n", func="f", started=due, stopped=due, success=True)
    pickled = {
        name: base64.b64encode(pickle.dumps(Touch(Path(f"{trace}.{name}")))).decode()
        for name in ("result", "args", "kwargs")
    }
    with connection.cursor() as cursor:  # by SQL, since the model would copy, and so run, them
        cursor.execute(
            "UPDATE django_q_task SET result = %s, args = %s, kwargs = %s",
            [pickled["result"], pickled["args"], pickled["kwargs"]],
        )


def test_hostile_rows_run_nothing(work: Start, make: Make, ask: Ask, tmp_path: Path) -> None:
    plant(tmp_path)
    cluster = work(workers=2)
    fired(ask(make(20)), seconds=40)
    until(lambda: not OrmQ.objects.exists(), seconds=30, what="messages refused")
    until(
        lambda: not Schedule.objects.filter(repeats__gt=0, next_run__lt=timezone.now()).exists(),
        seconds=40,
        what="schedules looked at",
    )
    until(lambda: cluster.text().count("task.refused") >= 4, seconds=40, what="refusals told")
    assert cluster.restarts == 0

    User.objects.create_superuser("root")
    client = Client()
    client.force_login(User.objects.get(username="root"))
    for page in ("", "tables/", "attention/", "channels/"):
        assert client.get(f"/admin/{page}").status_code == 200
    for table in ("task", "success", "failure", "ormq", "schedule"):
        assert client.get(f"/admin/django_q/{table}/").status_code == 404
    assert [each.name for each in tmp_path.glob("trace*")] == []
