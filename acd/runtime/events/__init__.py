"""Committed events as others see them: public forms, whom each concerns, the stream, and what is older than it."""

from acd.runtime.events.source import EventSource
from acd.runtime.events.stream import EventStream, Reader
from acd.runtime.events.told import Cursor, Told, Wanted

__all__ = ["Cursor", "EventSource", "EventStream", "Reader", "Told", "Wanted"]
