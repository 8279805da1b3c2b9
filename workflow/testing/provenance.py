"""What a report says about where it comes from, so that it can stand in a validation file."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import django
from django.db import connection

_PACKAGES = ("django-q2", "django-simple-history", "psycopg", "mssql-django")

_VERSIONS = {
    "sqlite": "SELECT sqlite_version()",
    "postgresql": "SHOW server_version",
    "microsoft": "SELECT @@VERSION",
}


def provenance() -> dict[str, str]:
    """Return the environment by name: date, versions, database server, machine."""
    packages = {name: _version(name) for name in _PACKAGES}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Escapement": _version("escapement") or _source(),
        "Python": platform.python_version(),
        "Django": django.get_version(),
        **{name: found for name, found in packages.items() if found},
        "database": f"{connection.display_name} {database_version()}",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }


def database_version() -> str:
    """Return what the server calls itself, on one line."""
    question = _VERSIONS.get(connection.vendor)
    if question is None:
        return "?"
    with connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0]).splitlines()[0]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _source() -> str:
    return "from source"


def table(about: dict[str, Any]) -> list[str]:
    """Return it as the lines of a Markdown table."""
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in about.items())]
