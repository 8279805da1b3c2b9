"""What machines ask about the installation may be asked under any name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware

PATHS = ("/health/live", "/health/ready", "/health/working", "/metrics")


class Common(CommonMiddleware):
    """Django's, which turns away a `Host` that is none of ours, except from health and metrics.

    Load balancers and orchestrators ask by the address of the machine, which changes and cannot
    be listed in ALLOWED_HOSTS. Nothing in these answers depends on the name.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Check the name, unless a machine asks."""
        return None if request.path_info in PATHS else super().process_request(request)
