"""Which conversations are in memory, who looks at them, and who is told that something is new.

Owns the registry and its bounds. Must not know the engine, nor sockets: whoever looks is a `Watcher`, who is told only
that there is something to look at, and looks when there is time. So a page that does not read costs nothing.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, Protocol

from acd.ports.channel import Place
from acd.runtime.chat.conversation import Conversation, Side

MAX_PAGES: Final = 16
"""Pages of one visitor that are connected at a time."""

MAX_ENDED: Final = 256
"""Ended conversations that stay in memory for whoever looks at them; others are read from the file."""

MAX_ENDED_CHARACTERS: Final = 20_000_000
"""Characters of all messages of these."""

News = Literal["entries", "marks", "typing", "place", "rating"]


class Watcher(Protocol):
    """A customer's page that is connected."""

    def notice(self, room: "Room", news: News, side: Side | None = None) -> None:
        """Something is new: it returns at once. `side`: whose marks, or who types."""
        ...

    def stopped(self) -> None:
        """The channel stops: nothing more is told."""
        ...


Listener = Callable[["Room", News, Side | None, str], None]
"""Is told of all conversations: what is new, whose, and of which agent if of one."""


class Room:
    """A conversation in memory. `beginning`: the engine has not been told of it yet, or has not answered.

    Nobody is told of one that begins, and nobody takes part in it: it may still come to nothing.

    `place`: where the customer stands in line, as last told. `gone_us`: since when no page of theirs is connected.
    `why`: for what the engine has been told that it is over; empty unless the customer or their silence ended it.
    `asked_us`: when that was. `begun_from`: the address from which it has begun, if that is known.
    """

    def __init__(self, conversation: Conversation, *, beginning: bool = False, begun_from: str = "") -> None:
        """`beginning`: as above."""
        self.conversation = conversation
        self.beginning = beginning
        self.begun_from = begun_from
        self.place: Place | None = None
        self.gone_us = 0
        self.why = ""
        self.asked_us = 0

    @property
    def id(self) -> str:
        """The interaction's."""
        return self.conversation.id

    @property
    def visitor(self) -> str:
        """Whose it is."""
        return self.conversation.head.visitor

    @property
    def waits(self) -> bool:
        """Whether the customer waits for an agent."""
        return not self.conversation.is_over and not self.conversation.talking


class Rooms:
    """All of one channel."""

    def __init__(self) -> None:
        """None yet."""
        self._living: dict[str, Room] = {}
        self._ended: OrderedDict[str, Room] = OrderedDict()
        self._ended_characters = 0
        self._of_visitor: dict[str, Room] = {}
        self._watchers: dict[str, dict[Watcher, None]] = {}
        self._listeners: list[Listener] = []
        self.pages = 0
        """Pages that are connected."""
        self.of_place: Counter[str] = Counter()
        """Conversations that have not ended, by the address from which they have begun."""
        self.are_loaded = False
        """All that have not ended are here: whatever else the file has of that kind came to nothing."""

    def __len__(self) -> int:
        """Conversations that have not ended."""
        return len(self._living)

    def __iter__(self) -> Iterator[Room]:
        """Those that have not ended, oldest first."""
        return iter(tuple(self._living.values()))

    def lives(self, room: Room) -> bool:
        """Whether it is one of these."""
        return self._living.get(room.id) is room

    def get(self, conversation_id: str) -> Room | None:
        """One that is in memory."""
        return self._living.get(conversation_id) or self._ended.get(conversation_id)

    def of_visitor(self, visitor: str) -> Room | None:
        """The one that a visitor has not ended."""
        return self._of_visitor.get(visitor)

    def add(self, room: Room) -> None:
        """It is in memory from now on."""
        if room.conversation.is_over:
            self._shelve(room)
            return
        self._living[room.id] = room
        self.of_place[room.begun_from] += 1
        self._of_visitor[room.visitor] = room

    def drop(self, room: Room) -> None:
        """It never was."""
        if self._living.pop(room.id, None) is not None:
            self.of_place[room.begun_from] -= 1
            if not self.of_place[room.begun_from]:
                del self.of_place[room.begun_from]
        if self._of_visitor.get(room.visitor) is room:
            del self._of_visitor[room.visitor]

    def ended(self, room: Room) -> None:
        """It has ended, and that is kept."""
        self.drop(room)
        self._shelve(room)

    # ---- who looks

    def watch(self, visitor: str, watcher: Watcher) -> bool:
        """A page has connected; False when this visitor has too many already."""
        watchers = self._watchers.setdefault(visitor, {})
        if len(watchers) >= MAX_PAGES:
            return False
        watchers[watcher] = None
        self.pages += 1
        room = self._of_visitor.get(visitor)
        if room is not None:
            room.gone_us = 0
        return True

    def unwatch(self, visitor: str, watcher: Watcher, now_us: int) -> None:
        """It is gone. Idempotent."""
        watchers = self._watchers.get(visitor, {})
        if watcher not in watchers:
            return
        del watchers[watcher]
        self.pages -= 1
        if watchers:
            return
        del self._watchers[visitor]
        room = self._of_visitor.get(visitor)
        if room is not None:
            room.gone_us = now_us

    def is_watched(self, visitor: str) -> bool:
        """Whether a page of theirs is connected."""
        return visitor in self._watchers

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of everything; call what is returned to be told no more."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def tell(self, room: Room, news: News, side: Side | None = None, agent_id: str = "") -> None:
        """Whoever looks at it has something new to look at."""
        for watcher in tuple(self._watchers.get(room.visitor, ())):
            watcher.notice(room, news, side)
        for listener in tuple(self._listeners):
            listener(room, news, side, agent_id)

    def stop(self) -> None:
        """Tell every page that the channel stops."""
        for watchers in tuple(self._watchers.values()):
            for watcher in tuple(watchers):
                watcher.stopped()

    def forget(self, conversation_ids: Iterable[str]) -> None:
        """These have ended, and are no more."""
        for each in conversation_ids:
            self._take_down(each)

    def _shelve(self, room: Room) -> None:
        self._take_down(room.id)
        self._ended[room.id] = room
        self._ended_characters += room.conversation.characters
        if len(self._ended) > MAX_ENDED or self._ended_characters > MAX_ENDED_CHARACTERS:
            self._make_room()

    def _make_room(self) -> None:
        """First go those at which nobody looks: of the others there would soon be a second one in memory."""
        unwatched = [room.id for room in self._ended.values() if not self.is_watched(room.visitor)]
        for each in (*unwatched, *self._ended):
            if len(self._ended) <= MAX_ENDED and self._ended_characters <= MAX_ENDED_CHARACTERS:
                return
            self._take_down(each)

    def _take_down(self, conversation_id: str) -> None:
        room = self._ended.pop(conversation_id, None)
        if room is not None:
            self._ended_characters -= room.conversation.characters
