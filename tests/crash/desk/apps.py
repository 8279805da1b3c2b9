"""The desk's app, which can be told to stop a worker at a certain point."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.apps import AppConfig

FREEZE = "FREEZE_AFTER_CLAIM"
"""Environment variable: a file. Whoever has claimed while it is not there makes it, and stops."""


LOOK = "LOOK_EVERY"
"""Environment variable: seconds between two looks of an idle broker, in place of its own."""


class DeskConfig(AppConfig):
    name = "tests.crash.desk"

    def ready(self) -> None:
        if FREEZE in os.environ:
            freeze_after_claim(Path(os.environ[FREEZE]))
        if LOOK in os.environ:
            from workflow.worker import idle

            idle.LONGEST = float(os.environ[LOOK])


def freeze_after_claim(sign: Path) -> None:
    """Have the first worker that has claimed something stop itself, until somebody says go on."""
    from workflow.worker import turn

    work_off = turn.work_off

    def stop_first(**what: Any) -> Any:
        try:
            with sign.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return work_off(**what)
        os.kill(os.getpid(), signal.SIGSTOP)
        return work_off(**what)

    turn.work_off = stop_first
