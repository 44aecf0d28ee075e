"""What one page has been told, and what it is to be told next.

Owns the order: what changes a conversation first, then its entries, then what is only true at the moment; and that a
conversation is told to its end before the next one. Must not know what the page says, nor tokens.

A number says up to which entry the page has been told, and flags that there is something else: so a page that does not
read costs what one costs that does.
"""

from collections.abc import Mapping
from typing import Literal

from acd.api.chat.messages import (
    MarksTold,
    PlaceTold,
    Told,
    TypingTold,
    conversation_told,
    entry_told,
    marks_shape,
)
from acd.runtime.chat.rooms import News, Room

Flag = Literal["conversation", "anew", "marks", "place", "typing", "rating"]


class Telling:
    """Of one page."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names`: what customers see of agents."""
        self._names = names
        self._room: Room | None = None
        self._then: Room | None = None
        self._told = 0
        self._flags: set[Flag] = set()

    def look_at(self, room: Room, after: int = 0) -> None:
        """Tell of this conversation from now on, once all is told of the one before. The page has the first `after`."""
        if self._room is not None and self._room.id != room.id and self._told < self._room.conversation.kept:
            self._then = room
            return
        self._room, self._then, self._told = room, None, after
        self._flags = {"conversation"}
        if room.place is not None:
            self._flags.add("place")
        if after > room.conversation.kept:
            # The page has more than there is: the file is an older one. What it has is not what comes.
            self._flags.add("anew")
            self._told = 0

    def note(self, room: Room, news: News) -> None:
        """Something is new; entries are found by their numbers."""
        if self._room is not None and self._room.id == room.id:
            # It may be another object: read from the file again.
            self._room = room
            if news != "entries":
                self._flags.add(news)

    def next(self) -> Told | None:
        """The next message, if there is any."""
        room, flags = self._room, self._flags
        if room is None:
            return None
        chat = room.conversation
        if "conversation" in flags or "rating" in flags:
            anew = "anew" in flags
            flags -= {"conversation", "anew", "rating", "marks"}
            return conversation_told(chat, anew=anew)
        entries = chat.since(self._told, 1)
        if entries:
            self._told = entries[0].seq
            return entry_told(chat.id, entries[0], self._names)
        if self._then is not None:
            self.look_at(self._then)
            return self.next()
        if "marks" in flags:
            flags.discard("marks")
            return MarksTold(marks_shape(chat.marks("customer")), marks_shape(chat.marks("agent")))
        if "place" in flags:
            flags.discard("place")
            return _place_told(room)
        if "typing" in flags:
            flags.discard("typing")
            return TypingTold()
        return None


def _place_told(room: Room) -> PlaceTold:
    place = room.place
    if place is None or not room.waits:
        return PlaceTold(0, None)
    return PlaceTold(place.position, None if place.expected_us is None else place.expected_us / 1_000_000)
