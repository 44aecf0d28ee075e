"""Ordering: what an interaction's place in line is computed from.

Owns the three orderings. Must not know lines, classes or interactions. Every ordering is an integer key, the least
first, that does not change while an interaction waits: places age with equal slopes.
"""

from acd.core import limits
from acd.core.messages import QueueSettings


def slope(settings: QueueSettings) -> tuple[int, int]:
    """(offset, step) in µs such that key = place at + offset − priority × step."""
    if settings.ordering == "strict":
        return 0, limits.STRICT_HEAD_START_US
    return settings.target_us if settings.ordering == "due" else 0, settings.head_start_us


def key_us(settings: QueueSettings, place_at_us: int, priority: int) -> int:
    """The key in the line of a queue with these settings."""
    offset_us, step_us = slope(settings)
    return place_at_us + offset_us - priority * step_us
