"""Whom events speak of. Pure.

Owns that question. Must not know what any event means.
"""

from collections.abc import Iterable

from acd.core.messages import Event


def named(field: str, events: tuple[Event, ...]) -> Iterable[str]:
    """Whatever the events name in a field, each once, in order."""
    if len(events) == 1:
        name = getattr(events[0], field, None)
        return () if name is None else (name,)
    return dict.fromkeys([name for event in events if (name := getattr(event, field, None)) is not None])
