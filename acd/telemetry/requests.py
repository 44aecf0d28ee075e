"""Spans of HTTP requests, which go on with the caller's trace.

Owns what is said of a request: method, route, status and the ids in its path. Must not know any route. What the request
hands in belongs to its span: the commands' trace is that of the span. Sockets and what monitors ask have none.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware
from opentelemetry.trace import SpanKind, Status, StatusCode

from acd.api.table import PUBLIC_PATHS
from acd.api.traces import TRACE, trace_of
from acd.telemetry.tracing import Tracing, context_of
from acd.telemetry.tracing import trace_of as trace_of_span

_REFUSED: Final = 400
_FAULT: Final = 500

Serving = Callable[[web.Request], Awaitable[web.StreamResponse]]


def tracing_requests(tracing: Tracing) -> Middleware:
    """A middleware for `acd.api.serve`, around everything else."""
    tracer = tracing.tracer

    @web.middleware
    async def around(request: web.Request, handler: Serving) -> web.StreamResponse:
        if request.path in PUBLIC_PATHS or "Upgrade" in request.headers:
            return await handler(request)
        resource = request.match_info.route.resource
        route = "" if resource is None else resource.canonical
        came = trace_of(request.headers.get("traceparent", ""))
        with tracer.start_as_current_span(
            f"{request.method} {route}" if route else "HTTP",
            context_of(came),
            SpanKind.SERVER,
            {
                "http.request.method": request.method,
                **({"http.route": route} if route else {}),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            given = TRACE.set(trace_of_span(span) or came)
            try:
                response = await handler(request)
            finally:
                TRACE.reset(given)
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= _FAULT:
                span.set_status(Status(StatusCode.ERROR))
            if response.status < _REFUSED:
                # Now they are known to be ids, and not whatever somebody has put into a path.
                span.set_attributes({f"acd.{name}": value for name, value in request.match_info.items()})
            return response

    return around
