"""The bugs as a Django app, for processes that a test starts: APPS=tests.planted PLANT=NAME."""

from __future__ import annotations

import os

from django.apps import AppConfig

PLANT = "PLANT"
"""Environment variable with the name of a bug."""


class PlantedConfig(AppConfig):
    name = "tests.planted"

    def ready(self) -> None:
        from tests.planted.bugs import BUGS

        bug = BUGS[os.environ[PLANT]]
        assert bug.code is not None, "only what is done to code can be put into every process"
        bug.code()
