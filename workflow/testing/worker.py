"""A worker for crash tests: does all that is due, once: `python -m workflow.testing.worker`."""

from __future__ import annotations

import os

import django


def main() -> None:
    """Work until nothing is due, or until death."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from workflow.testing.drain import drain  # noqa: PLC0415  (needs loaded apps)

    drain(worker=f"crash/{os.getpid()}")


if __name__ == "__main__":
    main()
