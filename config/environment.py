"""Reading the environment so that a value that cannot be used is told with its variable's name."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured


def at_least(least: float) -> Callable[[Any], None]:
    """Return a check that a number is not smaller."""

    def check(number: Any) -> None:
        if number < least:
            raise ValueError(f"at least {least:g} is needed")

    return check


def is_level(name: Any) -> None:
    """Check the name of a log level."""
    if name not in logging.getLevelNamesMapping():
        raise ValueError("choose DEBUG, INFO, WARNING, ERROR or CRITICAL")


def is_zone(name: Any) -> None:
    """Check the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone, such as UTC or Europe/Berlin") from None


def is_address(url: Any) -> None:
    """Check the address of another system."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("is no address, such as https://host/path")


def is_origins(origins: Any) -> None:
    """Check a list of origins, as a browser names them."""
    for origin in origins:
        if "://" not in origin:
            raise ValueError(f"{origin!r} lacks its scheme, as in https://{origin}")


def is_paths(names: Any) -> None:
    """Check a list of dotted paths."""
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")) or "." not in name:
            raise ValueError(f"{name!r} is no dotted path, such as app.tasks.tidy")


def is_packages(names: Any) -> None:
    """Check a list of Python packages."""
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"{name!r} is no Python package")


CHECKS: dict[str, Callable[[Any], None]] = {
    "WORKERS": at_least(1),
    "BATCH_SIZE": at_least(1),
    "PAYLOAD_LIMIT_BYTES": at_least(2),
    "DRAIN_SECONDS": at_least(0),
    "HSTS_SECONDS": at_least(0),
    "LEASE_SECONDS": at_least(1),
    "SEND_WINDOW_SECONDS": at_least(0.1),
    "CALLS_PER_WORKER": at_least(1),
    "LOGIN_ATTEMPTS": at_least(1),
    "LOGIN_PAUSE_MINUTES": at_least(0.1),
    "PROXIES": at_least(0),
    "WEB_PROCESSES": at_least(1),
    "WEB_THREADS": at_least(1),
    "DOWNSTREAM_URL": is_address,
    "OIDC_AUTHORIZATION_URL": is_address,
    "OIDC_TOKEN_URL": is_address,
    "OIDC_USER_URL": is_address,
    "OIDC_KEYS_URL": is_address,
    "OTEL_EXPORTER_OTLP_ENDPOINT": is_address,
    "CSRF_TRUSTED_ORIGINS": is_origins,
    "TASKS": is_paths,
    "APPS": is_packages,
    "LOG_LEVEL": is_level,
    "TIME_ZONE": is_zone,
}
"""What a value must be, beyond its type."""

_DATABASES = (
    "sqlite:///FILE, postgres://USER:PASSWORD@HOST/NAME or mssql://USER:PASSWORD@HOST/NAME"
)


_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql", "mssql")


class Environment(environ.Env):  # type: ignore[misc]  # django-environ has no type hints
    """The environment; every refusal names the variable, its value and what would do."""

    def get_value(self, var: str, *arguments: Any, **options: Any) -> Any:
        """Return a variable's value, cast and checked.

        Raises:
            ImproperlyConfigured: It cannot be used.
        """
        raw = self.ENVIRON.get(var)
        try:
            value = self._cast(var, raw, *arguments, **options)
            if var in CHECKS:
                CHECKS[var](value)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var}={raw!r}: {error}.") from None
        return value

    def _cast(
        self, var: str, raw: str | None, cast: Any = None, *rest: Any, **options: Any
    ) -> Any:
        if raw is not None and raw.startswith("$"):
            # A value, such as a key, and not the name of another variable.
            return self.parse_value(raw, cast)
        return super().get_value(var, cast, *rest, **options)

    def db_url(self, var: str, default: Any) -> dict[str, Any]:
        """Return the database that a URL names.

        Raises:
            ImproperlyConfigured: It names none.
        """
        url = self.get_value(var, default=default)
        found: dict[str, Any] = {}
        with warnings.catch_warnings(), suppress(ValueError, KeyError, ImproperlyConfigured):
            warnings.simplefilter("ignore")  # what they say is said below, with the variable
            found = self.db_url_config(url)
        if found.get("ENGINE") not in _ENGINES:
            raise ImproperlyConfigured(f"{var} names no database; use {_DATABASES}.")
        return found
