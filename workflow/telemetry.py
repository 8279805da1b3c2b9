"""Spans for OpenTelemetry. Loaded only if `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector.

Requests, envelopes, attempts and calls become spans under the ids that the engine gave them, so
that one request is one trace over all its retries, restarts and hosts. The exporter's own
environment variables (`OTEL_SERVICE_NAME`, `OTEL_EXPORTER_OTLP_HEADERS`, ...) hold as usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from workflow.engine.tracing import Facts

_EVERY_MS = 1000
"""How long spans wait for others: what a killed process had not sent is lost."""

_KINDS = {
    "request": SpanKind.SERVER,
    "envelope": SpanKind.PRODUCER,
    "attempt": SpanKind.CONSUMER,
    "effect": SpanKind.CLIENT,
}

_own: ContextVar[SpanContext | None] = ContextVar("escapement_own_span", default=None)


class OpenTelemetry:
    """Sends the engine's steps to a collector, in the background."""

    def __init__(self) -> None:
        named = Resource({SERVICE_NAME: "escapement"}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=named, id_generator=_Given())
        exporter = OTLPSpanExporter(timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS))
        self._tracer = provider.get_tracer("escapement")

    @contextmanager
    def span(self, *, name: str, own: str, parent: str, facts: Facts) -> Iterator[None]:
        """Record one step, from entering to leaving."""
        within = Context()
        if parent:
            within = set_span_in_context(NonRecordingSpan(_read(parent)), within)
        token = _own.set(_read(own))
        try:
            span = self._tracer.start_span(
                name, context=within, kind=_KINDS.get(name, SpanKind.INTERNAL)
            )
        finally:
            _own.reset(token)
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.set_attributes({f"escapement.{key}": value for key, value in facts.items()})
            span.end()


class _Given(RandomIdGenerator):
    """Hands out the ids that the engine has chosen."""

    def generate_span_id(self) -> int:
        """Return the step's own id."""
        given = _own.get()
        return super().generate_span_id() if given is None else given.span_id

    def generate_trace_id(self) -> int:
        """Return the step's trace, where it is the first of it."""
        given = _own.get()
        return super().generate_trace_id() if given is None else given.trace_id


def _read(traceparent: str) -> SpanContext:
    _version, trace, span, flags = traceparent.split("-")
    return SpanContext(
        trace_id=int(trace, 16),
        span_id=int(span, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16)),
    )
