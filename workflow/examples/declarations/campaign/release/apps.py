"""The app, which may be told that its host's clock is wrong."""

from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig

CLOCK = "CAMPAIGN_CLOCK"
"""Environment variable: a file with the seconds by which this host's clock is off."""


class ReleaseConfig(AppConfig):
    """Its workflows and mappings are found as any app's are."""

    name = "workflow.examples.declarations.campaign.release"
    label = "campaign_release"

    def ready(self) -> None:
        """Step this process's clock, if its host has one of its own."""
        if CLOCK in os.environ:
            from workflow.examples.declarations.campaign.release import host_clock  # noqa: PLC0415

            host_clock.follow(Path(os.environ[CLOCK]))
