"""The cluster's main process, as started by a supervisor: `python -m workflow.worker.serve`."""

from __future__ import annotations

import django

from workflow.worker import leash


def main() -> None:
    """Serve until the supervisor says stop, or is gone."""
    django.setup()
    from workflow.worker.broker import serve  # noqa: PLC0415  (needs loaded apps)

    leash.lead()
    serve()


if __name__ == "__main__":
    main()
