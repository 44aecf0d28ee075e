"""OpenTelemetry: spans of requests, commands and effects, for whoever has configured `[telemetry]`.

Needs the extra `otel`; nothing here is imported without that section. Attributes are ids and kinds: no number, name,
text or token ever gets into a span.
"""

from acd.telemetry.requests import tracing_requests
from acd.telemetry.router import TracedRouter
from acd.telemetry.tracing import Tracing, open_tracing

__all__ = ["TracedRouter", "Tracing", "open_tracing", "tracing_requests"]
