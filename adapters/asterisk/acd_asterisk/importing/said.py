"""What one option of queues.conf came to. Owns the shape. Must not know any option."""

from collections.abc import Mapping
from typing import NamedTuple

from acd_asterisk.importing.report import Outcome
from acd_asterisk.importing.writing import Value


class Said(NamedTuple):
    """Settings, and in which words they are accounted for."""

    settings: Mapping[str, Value] = {}
    """Of `[queues.QUEUE]`."""
    outcome: Outcome = "mapped"
    text: str = ""
    at_pbx: Mapping[str, Value] = {}
    """Of `[channels.NAME.queues.QUEUE]`."""


NOTHING = Said({}, "anyway", "asks for nothing")
