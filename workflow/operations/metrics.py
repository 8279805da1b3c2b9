"""Metrics in Prometheus' text format: of the database, and of the process that answers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from workflow.engine import clock
from workflow.queries.measures import measures

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "escapement_"
_HERE = ("127.0.0.1", "::1")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer whoever has the token; without a token, this machine alone."""
    if not _is_admitted(request):
        return HttpResponse(
            "Send `Authorization: Bearer METRICS_TOKEN`.\n", status=401, content_type="text/plain"
        )
    registry = CollectorRegistry()
    registry.register(_Database())
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return HttpResponse(generate_latest(registry), content_type=_TYPE)


class _Database(Collector):
    """Figures of the database; while it is away, `escapement_up` says so and is the only one."""

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        try:
            found = list(_families())
        except (OperationalError, InterfaceError):
            found = []
        up = GaugeMetricFamily(f"{_PREFIX}up", "Whether the database answers: 1 or 0.")
        up.add_metric([], float(bool(found)))
        return [up, *found]


def _families() -> Iterator[Metric]:
    for measure in measures(now=clock.now()):
        kind = CounterMetricFamily if measure.is_counter else GaugeMetricFamily
        family = kind(f"{_PREFIX}{measure.name}", measure.help, labels=measure.labels)
        for labels, value in sorted(measure.values.items()):
            family.add_metric(list(labels), value)
        yield family


def _is_admitted(request: HttpRequest) -> bool:
    token = settings.ESCAPEMENT.get("METRICS_TOKEN", "")
    if token:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(sent.encode(), token.encode())
    is_direct = "X-Forwarded-For" not in request.headers
    return is_direct and request.META.get("REMOTE_ADDR") in _HERE
