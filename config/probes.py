"""What machines ask about the installation may be asked under any name."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware

HEALTH = ("/health/live", "/health/ready", "/health/working")
METRICS = "/metrics"


class Common(CommonMiddleware):
    """Django's, which turns away a `Host` that is none of ours, except from health and metrics.

    Load balancers and orchestrators ask by the address of the machine, which changes and cannot
    be listed in ALLOWED_HOSTS. Nothing in these answers depends on the name.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Check the name, unless a machine asks."""
        return None if _is_probe(request.path_info) else super().process_request(request)


def _is_probe(path: str) -> bool:
    """Return whether a machine asks.

    Metrics without a token are this machine's alone: a page in a browser on it, whose name was
    turned to 127.0.0.1, must not read them.
    """
    return path in HEALTH or (path == METRICS and bool(settings.ESCAPEMENT["METRICS_TOKEN"]))
