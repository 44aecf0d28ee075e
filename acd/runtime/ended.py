"""The interactions that ended last: looked up now and then, hence kept packed, in half the room of their rows.

Owns how many are kept, and the packing. Must not know what is read off them.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from acd.runtime.records import InteractionRecord

KEPT: Final = 4_096
"""Ended interactions that are remembered; a thousand take half a megabyte."""

UNPACKED: Final = 64
"""Those that ended last stay as they are: they are rated, or looked at, in the first seconds."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(InteractionRecord).decode


class EndedRecords:
    """By id, in the order in which they ended. What it gives is to be read only: a change goes through `change`."""

    def __init__(self, kept: int = KEPT, unpacked: int = UNPACKED) -> None:
        """Empty. `kept`, `unpacked`: see `KEPT` and `UNPACKED`."""
        self._kept = kept
        self._unpacked = unpacked
        self._packed: OrderedDict[str, bytes] = OrderedDict()
        self._newest: OrderedDict[str, InteractionRecord] = OrderedDict()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._packed) + len(self._newest)

    def __contains__(self, interaction_id: object) -> bool:
        """Whether it is remembered."""
        return interaction_id in self._newest or interaction_id in self._packed

    def __iter__(self) -> Iterator[str]:
        """Ids, the one that ended first before the others."""
        yield from self._packed
        yield from self._newest

    def get(self, interaction_id: str) -> InteractionRecord | None:
        """None when it is unknown or forgotten."""
        if (row := self._newest.get(interaction_id)) is not None:
            return row
        packed = self._packed.get(interaction_id)
        return None if packed is None else _decode(packed)

    def values(self) -> Iterator[InteractionRecord]:
        """All of them."""
        yield from map(_decode, self._packed.values())
        yield from self._newest.values()

    def add(self, row: InteractionRecord) -> None:
        """One more has ended; the oldest may be forgotten."""
        self._newest[row.id] = row
        if len(self._newest) > self._unpacked:
            oldest_id, oldest = self._newest.popitem(last=False)
            self._packed[oldest_id] = _encode(oldest)
        if len(self) > self._kept:
            (self._packed or self._newest).popitem(last=False)

    def change(self, row: InteractionRecord) -> None:
        """Something has been noted about it since; it keeps its place."""
        if row.id in self._newest:
            self._newest[row.id] = row
        elif row.id in self._packed:
            self._packed[row.id] = _encode(row)

    def discard(self, interaction_id: str) -> None:
        """Its id is in use again. Unknown is fine."""
        self._newest.pop(interaction_id, None)
        self._packed.pop(interaction_id, None)

    def clear(self) -> None:
        """All of them."""
        self._newest.clear()
        self._packed.clear()
