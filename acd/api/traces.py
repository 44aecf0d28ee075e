"""W3C trace context: which trace a request belongs to, and what it hands in.

Owns reading the header, and what stands in its place while somebody has a span of the request. Must not know spans.
"""

import re
from contextvars import ContextVar
from typing import Final

from aiohttp import web

TRACE: Final[ContextVar[str]] = ContextVar("acd_trace", default="")
"""The trace of what the request hands in, where somebody around it has begun a span; else it is the caller's."""

_TRACEPARENT = re.compile(
    r"(?:00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$(?!\n))"
    r"|(?:(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?=-|$))"
)


def trace_of_request(request: web.Request) -> str:
    """The trace that goes along with what the request hands in."""
    return TRACE.get() or trace_of(request.headers.get("traceparent", ""))


def trace_of(header: str) -> str:
    """A `traceparent` header as it is kept with the command; empty when it says nothing, as the standard wants it.

    https://www.w3.org/TR/trace-context/
    """
    found = _TRACEPARENT.match(header)
    return "" if found is None else found[0]
