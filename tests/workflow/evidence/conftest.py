"""A record with a life behind it, sealed, and its bundle checked by the program inside."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from audit import keys
from audit.seal import seal_all
from tests.engine.conftest import Ask, Make, ann, ask, boss, make, script
from workflow.engine import clock, sign
from workflow.engine.request import Request
from workflow.engine.submit import submit
from workflow.evidence.bundle import pack
from workflow.models import Record
from workflow.testing.drain import drain

__all__ = ["ann", "ask", "boss", "make", "script"]

PASSWORD = "correct horse battery"


@pytest.fixture
def key(tmp_path: Path) -> keys.Key:
    return keys.make(tmp_path / "seal.pem")


@pytest.fixture
def seal(key: keys.Key) -> Callable[[], None]:
    return lambda: list(seal_all(key=key, clock=clock.now)) and None


Live = Callable[[], Record]


Stages = Callable[[], list[Callable[[], Record]]]


@pytest.fixture
def stages(make: Make, ask: Ask, ann: User) -> Stages:
    """Start a record and return the steps that take it on: refused, open, noted, signed."""
    ann.set_password(PASSWORD)
    ann.save()

    def stages() -> list[Callable[[], Record]]:
        record = make()

        def refused() -> Record:
            ask(record, "close", reason="Too early.")
            return record

        def opened() -> Record:
            ask(record, "open", reason="It begins.")
            drain()
            return record

        def noted() -> Record:
            ask(record, "note", payload={"note": "seen"})
            drain()
            return record

        def signed() -> Record:
            request = Request(
                record=record.pk, transition="sign_off", user=ann, payload={"note": "read"}
            )
            request = sign.sign(
                request=request, password=PASSWORD, web=RequestFactory().post("/"), now=clock.now()
            )
            submit(request=request, now=clock.now())
            drain()
            record.refresh_from_db()
            return record

        return [refused, opened, noted, signed]

    return stages


@pytest.fixture
def live(stages: Stages) -> Live:
    """Take a new record through all its stages."""
    return lambda: [step() for step in stages()][-1]


@pytest.fixture
def record(live: Live) -> Record:
    return live()


class Checked:
    """What `verify.py` says of a bundle."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.said, self.complained = done.returncode, done.stdout, done.stderr

    @property
    def faults(self) -> list[dict[str, Any]]:
        assert self.code in (0, 1), self.complained
        found: list[dict[str, Any]] = json.loads(self.said)
        return found


def check(bundle: Path, *arguments: str) -> Checked:
    """Run the program that lies in the bundle: another folder, no packages, no settings."""
    folder = bundle.with_suffix("")
    folder.mkdir(exist_ok=True)
    program = folder / "verify.py"
    with zipfile.ZipFile(bundle) as packed:
        program.write_bytes(packed.read("verify.py"))
    return Checked(
        subprocess.run(
            [sys.executable, "-I", "-S", "-W", "error", str(program), str(bundle), *arguments],
            cwd=folder,
            env={},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    )


Bundle = Callable[..., Path]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """Pack records into a new file."""

    def bundle(*records: Record, **options: Any) -> Path:
        file = tmp_path / f"bundle-{len(list(tmp_path.iterdir()))}.zip"
        pack(chains=[record.pk for record in records], to=file, **options)
        return file

    return bundle
