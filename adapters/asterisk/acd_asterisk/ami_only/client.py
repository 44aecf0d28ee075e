"""Stands in the place of ARI: takes its requests, does them over AMI, and gives its events.

Owns the table of what can be done, the one connection, and telling the dialplan that somebody is there. Must not know
the engine, nor what a request is for. What ARI can do and AMI cannot is answered with 501.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from errno import ENOTCONN
from types import TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import unquote

import msgspec

from acd_asterisk.ami import AmiUnauthorized, AmiUnavailable, Manager, Unsendable
from acd_asterisk.ami.watch import access_of
from acd_asterisk.ami.wire import text_of
from acd_asterisk.ami_only import dialplan, verbs
from acd_asterisk.ami_only.telling import CLASSES, EVENTS, Telling
from acd_asterisk.ami_only.verbs import Verbs
from acd_asterisk.ami_only.world import Looking
from acd_asterisk.ari import MAX_AT_ONCE, AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.names import Names
from acd_asterisk.options.ami import AmiOptions
from acd_asterisk.wire import Answer, AriEvent

ALIVE_SECONDS: Final = 10
"""For how long the dialplan takes the ACD to be there after it has last said so."""

ALIVE_EVERY_SECONDS: Final = 2.0

FAREWELL_SECONDS: Final = 0.5

OVERTAKEN_SECONDS: Final = 0.5
"""How long the events of a channel may be behind the one that says that it could not be dialled."""

Body = Mapping[str, Any]
Params = Mapping[str, str]
Done = Answer | int


class AmiClient(AriClient):
    """Requests of one application, over AMI."""

    def __init__(self, names: Names, app: str, music: str, ami: AmiOptions, *, deadline_seconds: float) -> None:
        """Nothing is opened yet."""
        super().__init__("", connections=MAX_AT_ONCE, deadline_seconds=deadline_seconds)
        self._names = names
        self._app = app
        self._music = music
        self._ami = ami
        self._owner = secrets.token_hex(8)
        """One for all connections: an attempt that is given up, and carried out late, is no other controller."""
        self._manager: Manager | None = None
        self._verbs: Verbs | None = None

    async def events(self, app: str) -> "AmiEvents":
        """Connect, and say to any other controller of this application that it is replaced."""
        manager = Manager(access_of(self._ami), events=CLASSES, wanted=EVENTS, deadline_seconds=self._deadline_seconds)
        self._verbs = Verbs(self._names, self._app, self._music, manager)
        try:
            await manager.open()
            said = await manager.ask("UserEvent", {"UserEvent": "AcdOwner", "App": app, "Owner": self._owner})
            if not said.is_success:
                raise AmiUnauthorized(f"its user may not send UserEvent ({said.reason}); give it write = user")
        except AmiUnauthorized as error:
            manager.close()
            raise AriUnauthorized(str(error)) from None
        except AmiUnavailable as error:
            manager.close()
            raise AriUnavailable(str(error)) from None
        self._manager = manager
        return AmiEvents(manager, Telling(self._names, app, self._owner), self._say_alive, self._say_farewell)

    async def prefer(self, socket: EventSocket) -> None:
        """Everything goes over the one connection anyway."""

    async def widen(self, app: str) -> None:
        """Nothing is held up there."""

    async def close(self) -> None:
        """Hang up."""
        if self._manager is not None:
            self._manager.close()
            self._manager = None
        await super().close()

    async def _over_http(self, method: str, path: str, body: object, query: dict[str, str] | None) -> Answer:
        """What is below the deadline and the breaker, which are ARI's. Raises `ConnectionError`."""
        manager, can = self._manager, self._verbs
        if manager is None or can is None or manager.ended.is_set():
            raise ConnectionError(ENOTCONN, "not connected to AMI")
        parts = [unquote(part) for part in path.partition("?")[0].split("/")]
        try:
            done = await self._do(can, method, parts, body if isinstance(body, Mapping) else {}, query or {})
        except Unsendable as error:
            return Answer(verbs.BAD_REQUEST, msgspec.json.encode({"message": str(error)}))
        except AmiUnavailable as error:
            raise ConnectionError(ENOTCONN, str(error)) from None
        return done if isinstance(done, Answer) else Answer(done, b"{}")

    async def _do(self, can: Verbs, method: str, parts: list[str], body: Body, query: Params) -> Done:
        match method, *parts:
            case "GET", *what:
                return await self._tell(can, what, query)
            case "PUT", "applications", _, "eventFilter":
                return verbs.NO_CONTENT
            case "POST", "bridges", bridge_id, *more:
                return await self._bridge(can, bridge_id, more, body)
            case "DELETE", "bridges", _:
                return verbs.NO_CONTENT  # It ends with those who are in it.
            case "DELETE", "channels", channel_id:
                return await can.hang_up(channel_id)
            case "POST", "channels", channel_id, "answer":
                return verbs.NO_CONTENT  # The dialplan answers whoever it lets hear music.
            case "POST", "channels", channel_id, "continue":
                return await can.back(channel_id)
            case "POST", "channels", channel_id, "variable":
                return await can.set_variable(channel_id, str(body["variable"]), str(body["value"]))
            case "POST", "channels", channel_id if self._names.offer_of(channel_id) is not None:
                seconds = int(body.get("timeout", 0))
                shown = str(body.get("callerId", ""))
                return await can.ring(channel_id, str(body["endpoint"]), shown, seconds, body.get("variables", {}))
        return verbs.NOT_IMPLEMENTED

    async def _bridge(self, can: Verbs, bridge_id: str, more: Sequence[str], body: Body) -> int:
        is_hold = dialplan.music_of(bridge_id, self._names.hold) is not None
        interaction_id = self._names.talk_of(bridge_id)
        match tuple(more):
            case ():
                # Any other bridge there cannot be, and nobody is to take it for made.
                if is_hold:
                    return await can.know()
                return verbs.NOT_IMPLEMENTED if interaction_id is None else verbs.OK
            case ("moh",):
                return verbs.NO_CONTENT  # Its class stands beside every caller who hears it.
            case ("addChannel",) if is_hold:
                return await can.hold(body["channel"], bridge_id)
            case ("addChannel",) if interaction_id is not None:
                return await can.join(interaction_id, body["channel"])
        return verbs.NOT_IMPLEMENTED

    async def _tell(self, can: Verbs, what: list[str], query: Params) -> Done:
        assert self._manager is not None  # noqa: S101 - `request` has seen to it
        looking = Looking(self._names, self._app, self._music, self._manager, can.variable)
        told: Callable[[], Awaitable[object]]
        match what:
            case ["asterisk", "info"]:
                told = looking.info
            case ["bridges"]:
                told = looking.bridges
            case ["channels"]:
                told = looking.channels
            case ["applications", app]:
                return _answer({"name": app, "channel_ids": await looking.application()})
            case ["channels", channel_id]:
                return await can.exists(channel_id)
            case ["channels", channel_id, "variable"]:
                return _answer({"value": await can.variable(channel_id, query["variable"])})
            case _:
                return verbs.NOT_IMPLEMENTED
        return _answer(await told())

    async def _say_alive(self, manager: Manager) -> None:
        """For ever: let the dialplan know, by the PBX's own clock, that callers are seen to."""
        while True:
            with suppress(AmiUnavailable):
                now = text_of((await manager.ask("Getvar", {"Variable": "EPOCH"})).response, "Value")
                if now.isdecimal() and not self._forbidden:
                    until = str(int(now) + ALIVE_SECONDS)
                    await manager.ask("Setvar", {"Variable": dialplan.alive_of(self._app), "Value": until})
            await asyncio.sleep(ALIVE_EVERY_SECONDS)

    async def _say_farewell(self, manager: Manager) -> None:
        """Nobody sees to callers from now on, unless another controller does."""
        if not self._forbidden:
            await manager.ask("Setvar", {"Variable": dialplan.alive_of(self._app), "Value": "0"})


class AmiEvents(EventSocket):
    """One connection's events, as ARI would have told them."""

    may_fall_silent: ClassVar[bool] = False
    """Events are nobody's: they come, in order, between the answers, and so with those to pings."""

    def __init__(
        self,
        manager: Manager,
        telling: Telling,
        beside: Callable[[Manager], Awaitable[None]],
        leave: Callable[[Manager], Awaitable[None]],
    ) -> None:
        """`manager` is open. `beside` is run as long as this is used, and `leave` at the end."""
        self._leave = leave
        self._manager = manager
        self._telling = telling
        self._beside = beside
        self._ready: deque[AriEvent] = deque()
        self._task: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to say that somebody is there."""
        self._task = asyncio.ensure_future(self._beside(self._manager))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if not self._manager.ended.is_set():
            with suppress(AmiUnavailable, TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self._leave(self._manager)
        self._manager.close()

    @property
    def waiting(self) -> int:
        """Events read but not handled yet."""
        return self._manager.waiting + len(self._ready)

    async def pump(self) -> str:
        """Wait until the connection has ended; returns why."""
        await self._manager.ended.wait()
        return self._manager.reason

    async def next(self) -> AriEvent | None:
        """The next event, in the order of arrival."""
        while not self._ready:
            message = await self._manager.next()
            if self._telling.is_early(message):
                self._manager.hand_on_again(message, OVERTAKEN_SECONDS)
            else:
                self._ready.extend(self._telling.events(message))
        return self._ready.popleft()


def _answer(what: object) -> Answer:
    return Answer(verbs.OK, msgspec.json.encode(what))
