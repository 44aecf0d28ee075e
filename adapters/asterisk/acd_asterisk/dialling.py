"""How a customer is dialled who is called back, and what it means when nobody answers. Pure.

Owns the body of the request, and the reasons. Must not know calls, offers or the engine.
"""

from math import ceil
from typing import Final

from acd_asterisk.happenings import CALLED_BACK
from acd_asterisk.options import Options

LEAST_RING_SECONDS: Final = 1.0
"""None at all would be half a minute to Asterisk."""

_REASONS: Final = {1: "unknown-number", 17: "busy", 21: "rejected", 22: "unknown-number", 28: "unknown-number"}
_NO_ANSWER: Final = frozenset({0, 16, 18, 19})
"""Causes of a call that has rung until somebody gave it up, we or the network."""


def request_body(options: Options, endpoint: str, left_seconds: float | None = None) -> dict[str, object]:
    """What ARI is asked for, to have this endpoint ring; no longer than what is left, where that is known."""
    ring_seconds = options.callbacks.ring_us / 1e6
    if left_seconds is not None:
        ring_seconds = max(min(ring_seconds, left_seconds), LEAST_RING_SECONDS)
    body: dict[str, object] = {
        "endpoint": endpoint,
        "app": options.app,
        "appArgs": ",".join(CALLED_BACK),
        "timeout": ceil(ring_seconds),
    }
    if options.callbacks.caller_id:
        body["callerId"] = options.callbacks.caller_id
    return body


def reason_of(cause: int) -> str:
    """Why nobody has answered, in a word, by the cause of Q.850."""
    return "no-answer" if cause in _NO_ANSWER else _REASONS.get(cause, "unreachable")
