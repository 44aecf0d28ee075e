"""The interactions that ended last: looked up now and then, hence kept packed, in half the room of their rows.

Owns how many are kept, and the packing. Must not know what is read off them.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from acd.runtime.records import InteractionRecord

KEPT: Final = 4_096
"""Ended interactions that are remembered; a thousand take half a megabyte."""

UNPACKED: Final = 64
"""Those that ended last stay as they are: they are rated, or looked at, in the first seconds."""


class _Order(Struct, array_like=True, gc=False):
    """What is read of a packed row to sort it; the rest is passed over."""

    order: int


class _Packed(Struct, array_like=True):
    """A row as it is packed."""

    order: int
    row: InteractionRecord


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode
_order = msgspec.msgpack.Decoder(_Order).decode


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
        return None if packed is None else _decode(packed).row

    def values(self) -> Iterator[InteractionRecord]:
        """All of them, each unpacked when its turn comes."""
        yield from (_decode(packed).row for packed in self._packed.values())
        yield from self._newest.values()

    def by_arrival(self, after: int | None = None, holding: Iterable[str] = ()) -> Iterator[InteractionRecord]:
        """Those that came in after this `order`, and have these texts anywhere. A row is unpacked when its turn comes.

        What a row is asked for besides is for the caller to look at. To be read between two awaits.
        """
        packed: Iterable[tuple[str, bytes]] = self._packed.items()
        for text in holding:
            said = text.encode(errors="surrogatepass")  # Half a pair is in no row.
            packed = [each for each in packed if said in each[1]]
        found = [(_order(raw).order, ended_id) for ended_id, raw in packed]
        found += [(row.order, row.id) for row in self._newest.values()]
        if after is not None:
            found = [each for each in found if each[0] > after]
        found.sort()
        rows = (self.get(ended_id) for _, ended_id in found)
        return (row for row in rows if row is not None)

    def add(self, row: InteractionRecord) -> None:
        """One more has ended; the oldest may be forgotten."""
        self._newest[row.id] = row
        if len(self._newest) > self._unpacked:
            oldest_id, oldest = self._newest.popitem(last=False)
            self._packed[oldest_id] = _encode(_Packed(oldest.order, oldest))
        if len(self) > self._kept:
            (self._packed or self._newest).popitem(last=False)

    def change(self, row: InteractionRecord) -> None:
        """Something has been noted about it since; it keeps its place."""
        if row.id in self._newest:
            self._newest[row.id] = row
        elif row.id in self._packed:
            self._packed[row.id] = _encode(_Packed(row.order, row))

    def discard(self, interaction_id: str) -> None:
        """Its id is in use again. Unknown is fine."""
        self._newest.pop(interaction_id, None)
        self._packed.pop(interaction_id, None)

    def clear(self) -> None:
        """All of them."""
        self._newest.clear()
        self._packed.clear()
