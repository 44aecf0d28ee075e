"""The connection to one PBX, for ever: connect, let the world be compared, hand on events, and begin again.

Owns when to try, when to wait and what to say about it. Must not know what an event means.

While the world is being compared, events wait; they are handed on afterwards, in order. What the comparison has
seen already is recognised by whoever handles it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Literal

import structlog

from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.hearing import Hearing
from acd_asterisk.options import Options, PasswordUnavailable
from acd_asterisk.wire import AriEvent

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
"""Between attempts to connect, doubled from the first to the longest."""

CREDENTIALS_PAUSE_SECONDS: Final = 5.0
"""Between attempts when the password is wrong: it takes a person to mend that."""

LATE_SECONDS: Final = 10.0
"""So long an attempt of our own, carried out late by Asterisk, may have the application: it finds nobody at its end."""

UNCLEAR_SECONDS: Final = 1.0
"""After so long an attempt of our own that was carried out late is over, where Asterisk does not say so."""

ASK_AGAIN_SECONDS: Final = 0.2

_LEAST_SHARE: Final = 0.5
"""A pause is drawn between this share of it and the whole, so that many do not come at once."""

State = Literal["connecting", "adopting", "live", "unauthorized", "replaced", "stopped"]

_log = structlog.get_logger(__name__)


class Link:
    """One instance's connection. `state` is `live` when events flow and what we know is what is true."""

    def __init__(
        self,
        name: str,
        options: Options,
        client: AriClient,
        *,
        adopt: Callable[[], Awaitable[None]],
        handle: Callable[[AriEvent], None],
    ) -> None:
        """`adopt` follows every connect and compares the world; `handle` takes each event after that."""
        self._name = name
        self._options = options
        self._client = client
        client.on_held_up = self.drop
        self._adopt = adopt
        self._handle = handle
        self._hearing = Hearing(name, client, options.app)
        self._live = asyncio.Event()
        self._dropped = asyncio.Event()
        self._socket: EventSocket | None = None
        self.state: State = "connecting"
        self.error = ""
        self.connects = 0
        self._disputed = False
        """Another connection has got the application, which may be an attempt of our own."""
        self.tried = asyncio.Event()
        """Set when the first attempt to connect, and to compare, has succeeded or failed."""

    @property
    def is_live(self) -> bool:
        """Whether what we know is what is true."""
        return self.state == "live"

    @property
    def is_connected(self) -> bool:
        """Whether the PBX can be compared."""
        return self.state in {"adopting", "live"}

    @property
    def waiting(self) -> int:
        """Events that have not been handed on yet."""
        return 0 if self._socket is None else self._socket.waiting

    @property
    def silences(self) -> int:
        """Connections that stood, and on which no events came."""
        return self._hearing.silences

    @property
    def hears(self) -> bool:
        """Whether it is live, and events come."""
        return self.is_live and not self._hearing.is_in_vain

    @property
    def trouble(self) -> str:
        """Why it is not live, or hears nothing; empty: nothing is wrong."""
        return self.error or ("the PBX sends no events over any connection" if self._hearing.is_in_vain else "")

    async def hear(self) -> None:
        """See that events come, as soon as they are the ones that are wanted. Raises `AriUnavailable`: they do not."""
        if self._socket is not None:
            await self._hearing.check(self._socket)

    async def run(self) -> None:
        """Connect and connect again, until `replaced` or cancelled."""
        pause = FIRST_PAUSE_SECONDS
        while self.state != "replaced":
            try:
                if self._disputed and not await self._is_free_again():
                    break
                socket = await self._connect()
            except PasswordUnavailable as error:
                self._complain("unauthorized", f"channels.{self._name}.{error}")
                await _pause(CREDENTIALS_PAUSE_SECONDS)
            except AriUnauthorized as error:
                self._complain(
                    "unauthorized",
                    f"the PBX refuses the credentials ({error}); "
                    f"check channels.{self._name}.user and channels.{self._name}.password against ari.conf",
                )
                await _pause(CREDENTIALS_PAUSE_SECONDS)
            except AriUnavailable as error:
                self._complain("connecting", str(error))
                await _pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                was_live = await self._serve(socket)
                pause = FIRST_PAUSE_SECONDS if was_live else min(2 * pause, LONGEST_PAUSE_SECONDS)
                await _pause(pause)

    def begin_adoption(self) -> None:
        """Hold events back: the world is about to be compared. Nothing, without a connection that is ours."""
        if self.is_connected:
            self.state = "adopting"
            self._live.clear()

    def end_adoption(self) -> None:
        """What is known is true; hand on the events that waited."""
        if self.state == "adopting":
            self.state = "live"
            self.error = ""
            self._live.set()

    def drop(self, reason: str) -> None:
        """Give up this connection and make a new one: the PBX no longer answers."""
        if self.is_connected:
            self.error = reason
            self._dropped.set()

    def replaced(self) -> None:
        """Another connection has the application now: another controller's, or one that we have given up.

        An Asterisk that stood still carries out all attempts to connect at once, in any order.
        """
        if self._client.given_up.lately:
            self._disputed = True
            self.drop("an attempt to connect that was given up may have been carried out late")
        else:
            self._give_way()

    def _give_way(self) -> None:
        """Another controller has the application: stop acting, and do not fight for it."""
        self._complain(
            "replaced",
            f"another controller has taken over the Stasis application {self._options.app}; "
            "end one of the two and restart the other",
        )
        self._client.forbid("another controller has the application")
        self._live.clear()
        self._dropped.set()

    async def until_live(self, seconds: float) -> bool:
        """Wait until what is known is true; False when it takes longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._live.wait()
        return self.is_live

    async def _is_free_again(self) -> bool:
        """Whether the application is nobody's, as it is when an attempt of our own is over; else give way.

        Asterisk keeps an application that has calls in it, and does not say whose it is. Then it is taken back, once
        for each attempt that was given up: another controller is told so, and is the one to give way.

        Raises `AriUnauthorized`, `PasswordUnavailable`: nothing is known, and Asterisk may have been silent because of
        a restart with another password. It is to be asked again.
        """
        self._log_in()
        loop = asyncio.get_running_loop()
        begun: float | None = None
        while begun is None or loop.time() < begun + LATE_SECONDS:
            try:
                holder = await self._client.holder(self._options.app)
                begun = begun or loop.time()  # As long as Asterisk is silent, nothing is known.
                if holder == "nobody" or (holder == "unclear" and loop.time() >= begun + UNCLEAR_SECONDS):
                    self._client.given_up.count_one_as_carried_out()
                    self._disputed = False
                    return True
            except AriUnauthorized:
                raise
            except AriUnavailable as error:
                self._complain("connecting", str(error))
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        self._give_way()
        return False

    async def _connect(self) -> EventSocket:
        try:
            self._log_in()
            return await self._client.events(self._options.app)
        except (AriUnavailable, PasswordUnavailable):
            self.tried.set()
            raise

    def _log_in(self) -> None:
        self._client.log_in(self._options.user, self._options.password.read())

    async def _serve(self, socket: EventSocket) -> bool:
        """Use a connection until it ends; returns whether it had come to life."""
        self._dropped.clear()
        self.connects += 1
        async with socket:
            self._socket = socket
            pump = asyncio.create_task(socket.pump())
            work = asyncio.create_task(self._hand_on(socket))
            dropped = asyncio.create_task(self._dropped.wait())
            beside = [asyncio.create_task(self._beside(each(socket))) for each in (self._prefer, self._listen)]
            try:
                await asyncio.wait((pump, work, dropped), return_when=asyncio.FIRST_COMPLETED)
                reason = self._why_ended(pump) if pump.done() else self.error
                if work.done() and not work.cancelled() and (fault := work.exception()) is not None:
                    _log.error("a fault while comparing or handing on events", instance=self._name, exc_info=fault)
            finally:
                was_live = self.is_live
                for task in (pump, work, dropped, *beside):
                    task.cancel()
                await asyncio.gather(pump, work, dropped, *beside, return_exceptions=True)
                self._socket = None
                self._live.clear()
                if self.is_connected:
                    self.state = "connecting"
        if self.state == "connecting":
            self._complain("connecting", f"the connection was lost: {reason}")
        return was_live

    def _why_ended(self, pump: "asyncio.Task[str]") -> str:
        if (fault := pump.exception()) is None:
            return pump.result()
        _log.error("a fault while reading events", instance=self._name, error=type(fault).__name__)
        return f"what came over it could not be read ({type(fault).__name__})"

    async def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Whatever comes of it, events are handed on."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - a fault of ours, which nobody would hear of
            # Of what kind only; its text might hold a caller's number.
            _log.error("a fault beside the events of a connection", instance=self._name, error=type(error).__name__)

    async def _prefer(self, socket: EventSocket) -> None:
        """Requests go over the WebSocket, too, once it is known that all is well."""
        if self._options.rest_over_websocket:
            await self._live.wait()
            await self._client.prefer(socket)
            await self._client.widen(self._options.app)

    async def _listen(self, socket: EventSocket) -> None:
        await self._live.wait()
        try:
            await self._hearing.watch(socket)
        except AriUnavailable as error:
            self.drop(str(error))

    async def _hand_on(self, socket: EventSocket) -> None:
        self.state = "adopting"
        try:
            await self._adopt()
        except AriUnavailable as error:
            self.error = str(error)
            return
        finally:
            self.tried.set()
        _log.info("connected to the PBX", instance=self._name, connects=self.connects)
        while True:
            event = await socket.next()
            await self._live.wait()
            if event is not None:
                self._handle(event)

    def _complain(self, state: State, reason: str) -> None:
        if (state, reason) != (self.state, self.error):
            _log.warning("no connection to the PBX", instance=self._name, state=state, reason=reason)
        self.state = state
        self.error = reason


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds * random.uniform(_LEAST_SHARE, 1.0))  # noqa: S311 - not a secret
