#!/usr/bin/env python
"""Django's command line for this project."""

import io
import os
import sys


def main() -> None:
    """Run a management command. Whoever reads it by a pipe sees each line when it is written."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
