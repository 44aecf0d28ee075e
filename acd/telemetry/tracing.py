"""Where spans go, and how a command's trace and a span's place become each other.

Owns the SDK: provider, exporter, bounds. Must not know requests, commands or effects. Spans wait in a bounded queue of
the SDK's for a thread that sends them (OTLP over HTTP); when the collector is away or slow they are dropped, and nobody
waits.
"""

import asyncio
import logging
import os
from collections import OrderedDict
from importlib.metadata import version
from typing import Final, Generic, TypeVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanContext, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from acd.runtime.config import TelemetryConfig

EXPORT_SECONDS: Final = 5
"""How long one sending may take, and therefore the end of it all."""

COMPLAINT_SECONDS: Final = 60.0
"""How often the log says, of each severity, that spans cannot be sent."""

TRACES_PATH: Final = "/v1/traces"

_HEADER: Final = "traceparent"
_propagator: Final = TraceContextTextMapPropagator()

_K = TypeVar("_K")
_V = TypeVar("_V")


class Tracing:
    """The tracer of one domain."""

    def __init__(self, processor: SpanProcessor, domain: str, service: str = "") -> None:
        """`service`: the name that spans come under; without it OTEL_SERVICE_NAME, or acd-engine."""
        said = {"service.name": service} if service else {}
        if not said and not {"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"} & os.environ.keys():
            said = {"service.name": "acd-engine"}
        resource = Resource.create({**said, "service.version": version("acd-engine"), "acd.domain": domain})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self.tracer: Tracer = self._provider.get_tracer("acd", version("acd-engine"))

    async def close(self) -> None:
        """Send what waits, within bounds. Idempotent."""
        await asyncio.to_thread(self._provider.shutdown)


class Sparing(logging.Filter):
    """Lets complaints pass now and then: while a collector is away, there are several of every batch."""

    def __init__(self) -> None:
        """Nothing has been said yet."""
        super().__init__()
        self._said: dict[int, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is to be said."""
        last = self._said.get(record.levelno)
        if (
            last is not None and 0 <= record.created - last < COMPLAINT_SECONDS
        ):  # a clock that is set back hides nothing
            return False
        self._said[record.levelno] = record.created
        return True


_sparing: Final = Sparing()


def open_tracing(config: TelemetryConfig, domain: str) -> Tracing:
    """Spans to the configured collector, or to where the standard OTEL_ variables say."""
    logging.getLogger(OTLPSpanExporter.__module__).addFilter(_sparing)  # once, however many domains there are
    endpoint = f"{config.endpoint.rstrip('/')}{TRACES_PATH}" if config.endpoint else None
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    return Tracing(BatchSpanProcessor(exporter), domain, config.service)


def context_of(trace: str) -> Context:
    """Where the spans of a `traceparent` belong; nowhere if it is empty."""
    return _propagator.extract({_HEADER: trace}, Context()) if trace else Context()


def context_under(parent: SpanContext | None) -> Context:
    """Where the spans below that one belong; nowhere if there is none."""
    if parent is None:
        return Context()
    return context_of(_written(parent))


def trace_of(span: Span) -> str:
    """The `traceparent` of what belongs to this span; empty if nobody records it."""
    found = span.get_span_context()
    return _written(found) if span.is_recording() and found.is_valid else ""


class Recent(Generic[_K, _V]):
    """The last so many things by key."""

    def __init__(self, most: int) -> None:
        """`most` are kept."""
        self._most = most
        self._kept: OrderedDict[_K, _V] = OrderedDict()

    def put(self, key: _K, value: _V) -> None:
        """Keep it; the oldest goes."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, key: _K) -> _V | None:
        """What is kept."""
        return self._kept.get(key)

    def pop(self, key: _K) -> _V | None:
        """What was kept."""
        return self._kept.pop(key, None)


def _written(place: SpanContext) -> str:
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{int(place.trace_flags):02x}"
