"""What agents' event sockets are told of conversations in writing: that something is new, of which, up to which entry.

Owns whom that concerns, and that a socket which does not read is told less often, never wrongly: of each conversation
only the last news waits. Must not know entries' contents: those are asked for (`acd.api.conversations`).
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from acd.api.context import ApiRouter
from acd.api.sockets import Socket, Sockets
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Side
from acd.runtime.chat.rooms import News, Room

NOTICE: Final = "conversation"
"""The type of these messages, behind the prefix of all."""

AGAIN_SECONDS: Final = 0.25
"""After so long a socket that had no room is looked at again."""

MAX_WAITING: Final = 200
"""Conversations of one socket whose news wait for room; of what is more, the agent learns by asking."""


class ConversationNews(Struct):
    """The data of a notice. `seq`: the last entry. `side`: whose marks have moved, or who types."""

    interaction_id: str
    news: str
    seq: int
    side: str
    agent: str


class Followers:
    """Agents' sockets that are told, by agent."""

    def __init__(self, sockets: Sockets, router: ApiRouter) -> None:
        """Nobody yet."""
        self._sockets = sockets
        self._router = router
        self._of_agent: dict[str, dict[Follower, None]] = {}
        self._heard: dict[WebChatChannel, Callable[[], None]] = {}

    @contextmanager
    def told(self, socket: Socket, agent_id: str) -> Iterator[None]:
        """This socket is told of the agent's conversations meanwhile; of nobody's without an agent."""
        if not agent_id:
            yield
            return
        self._listen()
        follower = Follower(self._sockets, socket)
        self._of_agent.setdefault(agent_id, {})[follower] = None
        try:
            yield
        finally:
            follower.close()
            del self._of_agent[agent_id][follower]
            if not self._of_agent[agent_id]:
                del self._of_agent[agent_id]

    def _listen(self) -> None:
        """To every web chat that there is."""
        channels = self._router.health().get("channels")
        for name in channels if isinstance(channels, dict) else ():
            channel = self._router.channel(name)
            if isinstance(channel, WebChatChannel) and channel not in self._heard:
                self._heard[channel] = channel.rooms.listen(self._hear)

    def _hear(self, room: Room, news: News, side: Side | None, agent_id: str) -> None:
        chat = room.conversation
        concerned = {*chat.talking.values(), *chat.ringing.values(), chat.last_agent}
        data = ConversationNews(room.id, news, chat.kept, side or "", agent_id)
        for each in concerned:
            for follower in tuple(self._of_agent.get(each, ())):
                follower.tell(data)


class Follower:
    """One socket, with what it has not been told because it had no room."""

    def __init__(self, sockets: Sockets, socket: Socket) -> None:
        """Nothing waits."""
        self._sockets = sockets
        self._socket = socket
        self._waiting: dict[str, ConversationNews] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, data: ConversationNews) -> None:
        """Now, or when there is room."""
        if data.news == "typing":
            if self._socket.has_room and not self._waiting:
                self._write(data)
            return
        if data.interaction_id in self._waiting or len(self._waiting) < MAX_WAITING:
            self._waiting[data.interaction_id] = data
        self._flush()

    def close(self) -> None:
        """Nothing more is told."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        while self._waiting and self._socket.has_room:
            self._write(self._waiting.pop(next(iter(self._waiting))))
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._flush()

    def _write(self, data: ConversationNews) -> None:
        socket = self._socket
        socket.write(self._sockets.notice(NOTICE, socket.cursor, socket.form, data))
