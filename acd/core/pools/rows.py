"""A set of small numbers that finds the next one from anywhere.

Owns the bits. Must not know what the numbers stand for.
"""

from typing import Final

_SHIFT: Final = 10
_MASK: Final = (1 << _SHIFT) - 1


class Rows:
    """Numbers from 0. Adding, discarding and finding cost some hundred nanoseconds up to a million rows.

    Bits in blocks of 1,024, which is where one operation on a Python integer costs about as much as a call,
    and one integer more that says which blocks have any.
    """

    __slots__ = ("_blocks", "_filled")

    def __init__(self) -> None:
        self._blocks: list[int] = []
        self._filled = 0

    def add(self, row: int) -> None:
        """Take a row in; one that is in stays in."""
        block = row >> _SHIFT
        blocks = self._blocks
        if block >= len(blocks):
            blocks.extend([0] * (block + 1 - len(blocks)))
        blocks[block] |= 1 << (row & _MASK)
        self._filled |= 1 << block

    def discard(self, row: int) -> None:
        """Let a row go that is in."""
        block = row >> _SHIFT
        left = self._blocks[block] & ~(1 << (row & _MASK))
        self._blocks[block] = left
        if not left:
            self._filled &= ~(1 << block)

    def first_from(self, row: int) -> int:
        """The first number at `row` or after it; -1 if there is none."""
        block = row >> _SHIFT
        blocks = self._blocks
        if block < len(blocks):
            rest = blocks[block] >> (row & _MASK)
            if rest:
                return row + (rest & -rest).bit_length() - 1
        after = self._filled >> (block + 1)
        if not after:
            return -1
        block += (after & -after).bit_length()
        bits = blocks[block]
        return (block << _SHIFT) + (bits & -bits).bit_length() - 1
