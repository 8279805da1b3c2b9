"""Settings of the processes of a fault campaign: short leases, and the workflow that is tried."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, LOGGING, env

RELEASE = env.int("CAMPAIGN_RELEASE", 1)

INSTALLED_APPS = [*INSTALLED_APPS, "workflow.examples.declarations.campaign.release"]

# Leases are short here, shorter than the time limits of the example's own transitions.
SILENCED_SYSTEM_CHECKS = ["workflow.E003", "workflow.E006"]

# django-q2 tells at INFO which process is which.
LOGGING["loggers"]["django-q"]["level"] = "INFO"
