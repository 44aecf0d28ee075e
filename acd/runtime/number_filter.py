"""Which numbers are certainly not in the store: a Bloom filter over their keyed indexes that grows in stages.

Owns the bits. Must not know what an index is of, nor where those that are kept are read. It errs to one side only:
who was added is never denied; of those who were not, under one in a hundred is taken for one who was (B. H. Bloom,
"Space/time trade-offs in hash coding with allowable errors", 1970; in stages: P. S. Almeida et al., "Scalable Bloom
Filters", 2007).
"""

from struct import Struct as Layout
from typing import Final

INDEX_BYTES: Final = 32
"""An index is as good as random bits: its eight words of four bytes are places in the filter."""

STAGE_BYTES: Final = (1024 * 1024, 16 * 1024 * 1024)
"""Powers of two: 640,000 people fit into what is taken at once, so that a process does not grow while it gets to know
them; and 10 million under one in a hundred."""

BITS_EACH: Final = 13
"""Bits of a stage for one index: with eight places, one stranger in five hundred is taken for one who is there."""

_WORDS: Final = Layout("<8I")


class NumberFilter:
    """Which indexes may have been added. Not for several threads at once."""

    def __init__(self, stage_bytes: tuple[int, ...] = STAGE_BYTES) -> None:
        """Empty. `stage_bytes`: powers of two, at most 2**29 each."""
        self._to_come = stage_bytes[1:]
        self._stages: tuple[bytearray, ...] = (bytearray(stage_bytes[0]),)
        self._room = _room(stage_bytes[0])
        self.is_full = False
        """Whether there were too many: since then anybody may have been added, and nothing is remembered."""

    def add(self, index: bytes) -> None:
        """From now on it may have been added."""
        if index in self:
            return
        if not self._room:
            self._grow()
            if self.is_full:
                return
        self._room -= 1
        bits = self._stages[-1]
        mask = len(bits) * 8 - 1
        for word in _WORDS.unpack(index):
            place = word & mask
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, index: bytes) -> bool:
        """Whether it may have been added: certainly, if it was."""
        words = _WORDS.unpack(index)
        for bits in self._stages:
            mask = len(bits) * 8 - 1
            for word in words:
                place = word & mask
                if not bits[place >> 3] & (1 << (place & 7)):
                    break
            else:
                return True
        return self.is_full

    def _grow(self) -> None:
        if self._to_come:
            size, *rest = self._to_come
            self._to_come = tuple(rest)
            self._stages = (*self._stages, bytearray(size))
            self._room = _room(size)
        else:
            self.is_full = True
            self._stages = ()


def _room(size: int) -> int:
    return size * 8 // BITS_EACH
