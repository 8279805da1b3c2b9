"""gunicorn's own lines, in the form of all others: its process knows no settings of Django's."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from config import environment, logs


class Lines(Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """gunicorn's logger with our formatter and level."""

    def setup(self, cfg: Any) -> None:
        """Set up handlers as gunicorn does, then have them write as everything else writes."""
        super().setup(cfg)
        env = environment.Environment()
        form = env.str("LOG_FORMAT", "console" if env.bool("DEBUG", False) else "json")
        self.error_log.setLevel(env.str("LOG_LEVEL", "INFO"))
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.formatter(form=form))
