"""The product's settings and one app more, for the processes that these tests start."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "tests.crash.desk"]

# Leases are short here, shorter than the time limits of the example's transitions.
SILENCED_SYSTEM_CHECKS = ["workflow.E003", "workflow.E006"]

# django-q2 tells at INFO which process is which.
LOGGING["loggers"]["django-q"]["level"] = "INFO"
