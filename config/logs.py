"""Logs: one line an event, JSON or for reading; the framework's lines in the same form."""

from __future__ import annotations

import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from workflow.engine import log_context

_ROW_VALUES = re.compile(
    r"\n(?:DETAIL|CONTEXT): [^\n]*"  # PostgreSQL
    r"|(?<=duplicate key value is )\([^\n]*\)",  # SQL Server
)


def without_row_values(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take out of an event what databases tell of the row that they refused: it may be personal.

    The rest of the message, with the names of table and constraint, stays.
    """
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _ROW_VALUES.sub("", value)
    return event


def of_request(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add whose request a line of Django's is about: it writes them when the request is over."""
    request = getattr(event.get("_record"), "request", None)
    for name, value in getattr(request, "log_fields", {}).items():
        event.setdefault(name, value)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    log_context.merge,
    of_request,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def formatter(*, form: str) -> logging.Formatter:
    """Return what writes an event as one line.

    Args:
        form: `json` or `console`.

    Raises:
        ValueError: The form is neither.
    """
    if form not in ("json", "console"):
        raise ValueError(f"LOG_FORMAT {form!r}: choose json or console")
    last: list[Any] = (
        [
            structlog.processors.format_exc_info,
            without_row_values,
            structlog.processors.JSONRenderer(default=str),
        ]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=False)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def configuration(*, level: str, form: str) -> dict[str, Any]:
    """Return the logging configuration.

    Args:
        level: Name of the lowest level that is shown.
        form: `json` or `console`.

    Raises:
        ValueError: The form is neither.
    """
    formatter(form=form)
    quiet = level if logging.getLevelName(level) > logging.WARNING else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": formatter, "form": form},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django gives them a level of their own, and a handler that writes in another form.
            "django": {"level": level, "handlers": []},
            # Its INFO lines tell of every wake-up; ours tell of every transition.
            "django-q": {"level": quiet, "handlers": ["console"], "propagate": False},
            # It says at every start that it is there.
            "axes": {"level": quiet},
            # Says of every HEAD that Django, as it may, handed over a body to be left out.
            "gunicorn.http.wsgi": {"level": "ERROR"},
            "django.server": {"handlers": ["console"], "level": level, "propagate": False},
        },
    }


def configure(wanted: dict[str, Any]) -> None:
    """Put the configuration into force, for the standard library and for structlog."""
    logging.config.dictConfig(wanted)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
