"""The options of `[channels.NAME.recording]`: which calls are recorded, how, where to, and how long the files stay.

Owns validation; the words are those of the Asterisk adapter's. Must not know how anything is recorded.
"""

import ipaddress
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from acd.runtime.config.table import Table

Mode = Literal["off", "mixed", "both-legs"]

MAX_QUEUES: Final = 1_000
MAX_ADDRESSES: Final = 16
MAX_AT_ONCE: Final = 1_000

_SECOND_US: Final = 1_000_000
_HOUR_US: Final = 3_600 * _SECOND_US
_DAY_US: Final = 24 * _HOUR_US
_MODES: Final[tuple[Mode, ...]] = ("off", "mixed", "both-legs")


class RecordingOptions(Struct, frozen=True, kw_only=True):
    """What is recorded. Durations in µs end in `_us`."""

    mode: Mode = "off"
    """`mixed`: one file with both in it; `both-legs`: one for each, with what is said there."""
    queues: frozenset[str] = frozenset()
    """Those whose calls are recorded; empty: all."""
    folder: Path = Path()
    listen: tuple[str, ...] = ()
    """Addresses of this machine's that pages send to; empty: all but the loopback's."""
    address: str = ""
    """The public one that leads to `listen`, behind NAT."""
    at_once: int = 20
    """Talks that are recorded at a time; more are not."""
    longest_us: int = 4 * _HOUR_US
    """When one recording ends by itself."""
    longest_pause_us: int = 300 * _SECOND_US
    """When a pause ends by itself."""
    keep_us: int = 0
    """How long files stay; 0: for ever."""
    hang_us: int = 30 * _SECOND_US
    """When a media process that does not answer is ended, and another begun."""

    def mode_for(self, queue: str) -> Mode:
        """How calls of a queue are recorded."""
        return self.mode if not self.queues or queue in self.queues else "off"


def read_recording(outer: Table, name: str) -> RecordingOptions:
    """Check everything; problems are noted at the table."""
    if not outer.has("recording"):
        return RecordingOptions()
    table = outer.table("recording")
    found = RecordingOptions(
        mode=table.choice("mode", "off", _MODES, "a way of recording"),
        queues=frozenset(table.ids("queues", "queue", MAX_QUEUES)),
        folder=table.path("folder", f"acd-recordings-{name}"),
        listen=table.texts("listen", MAX_ADDRESSES),
        address=table.text("address"),
        at_once=table.integer("at_once", 20, 1, MAX_AT_ONCE),
        longest_us=table.duration("longest", 4 * _HOUR_US, 60 * _SECOND_US, _DAY_US),
        longest_pause_us=table.duration("longest_pause", 300 * _SECOND_US, _SECOND_US, _HOUR_US),
        keep_us=table.duration("keep", 0, _DAY_US, 3_650 * _DAY_US),
        hang_us=table.duration("hang", 30 * _SECOND_US, 2 * _SECOND_US, 600 * _SECOND_US),
    )
    for key, addresses in (("listen", found.listen), ("address", (found.address,) if found.address else ())):
        for each in addresses:
            if not _is_address(each):
                table.problems.error(table.at(key), "is no address", "give one as 192.0.2.7")
    table.finish()
    if not table.has("mode"):
        fix = 'set mode = "mixed" or "both-legs", or "off"'
        table.problems.error(table.at("mode"), "is missing, and nothing is recorded", fix)
    if found.mode != "off" and find_spec("aiortc") is None:
        fix = 'pip install "acd-engine[recording]", or mode = "off"'
        table.problems.error(table.at("mode"), "needs aiortc, which is not installed", fix)
    return found


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified and "%" not in text
    except ValueError:
        return False
