"""One connection to AMI that can be relied on: panoramisk's Manager without its faults.

Owns logging in, deadlines, the watchdog, and the order of events. Must not know what events mean, nor when to connect
again (`link`). What differs from panoramisk: every action is checked at one choke point (`wire`), has a deadline, and
is never sent a second time; text is decoded by the message (`protocol`); callbacks are plain functions, called in
order, and one that raises does no harm; a PBX that answers no ping is given up; a wrong secret is an error.
"""

import asyncio
import hashlib
import os
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import panoramisk
import structlog
from msgspec import Struct

from acd.runtime.config.problems import quoted
from acd_asterisk.ami.errors import AmiDeaf, AmiUnauthorized, AmiUnavailable
from acd_asterisk.ami.protocol import Protocol
from acd_asterisk.ami.wire import Message, Request, Value, text_of

MAX_EVENTS_WAITING: Final = 20_000
"""Events read but not yet handled. Beyond it the connection is given up, and everything is looked up anew."""

DEADLINE_SECONDS: Final = 5.0
PING_SECONDS: Final = 5.0
"""A ping is sent this often; one that is not answered by the deadline ends the connection."""

BOOT_SECONDS: Final = 30.0
"""How long a PBX that lets us in may go on booting."""

_log = structlog.get_logger(__name__)


class Access(Struct, frozen=True, kw_only=True):
    """Where AMI is, and how it is entered. `ca` is a file of certificates that TLS trusts; "" are the system's."""

    host: str = "127.0.0.1"
    port: int = 5038
    user: str
    password: str
    tls: bool = False
    ca: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Access({self.user} at {self.host}:{self.port})"


class Reply(NamedTuple):
    """What Asterisk answered: its response, and the events of the list that it announced."""

    response: Message
    items: tuple[Message, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether it has been done."""
        return bool(self.response.success)

    @property
    def reason(self) -> str:
        """Asterisk's own words."""
        return text_of(self.response, "Message")


class Manager(panoramisk.Manager):  # type: ignore[misc] # panoramisk has no types
    """One connection, used once: `open`, then `ask` and `next` until `ended` is set, then `close`."""

    def __init__(
        self,
        access: Access,
        *,
        events: str = "on",
        wanted: frozenset[str] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        ping_seconds: float = PING_SECONDS,
        boot_seconds: float = BOOT_SECONDS,
        most_events: int = MAX_EVENTS_WAITING,
    ) -> None:
        """Nothing is opened. `events`: the classes that Asterisk sends; `wanted`: the names that are read of them."""
        super().__init__(host=access.host, port=access.port, log=_Silent())
        self.register_event("*", Manager._put_aside)
        self._access = access
        self._classes = events
        self._wanted = None if wanted is None else wanted | {"FullyBooted", "Shutdown"}
        self._deadline_seconds = deadline_seconds
        self._ping_seconds = ping_seconds
        self._boot_seconds = boot_seconds
        self._events: asyncio.Queue[Message] = asyncio.Queue(most_events)
        self._booted = asyncio.Event()
        self.reason = ""
        """Why the connection has ended."""
        self.ended = asyncio.Event()

    # ---- the connection

    async def open(self) -> None:
        """Connect, log in, and wait until Asterisk has booted. Raises `AmiUnavailable`, `AmiUnauthorized`."""
        self.loop = asyncio.get_running_loop()
        place = f"AMI of {self._access.host}:{self._access.port}"
        try:
            async with asyncio.timeout(self._deadline_seconds):
                _, self.protocol = await self.loop.create_connection(
                    self._protocol, self._access.host, self._access.port, ssl=self._tls()
                )
        except TimeoutError:
            raise AmiUnavailable(f"{place}: no connection within {self._deadline_seconds:g} s") from None
        except OSError as error:
            raise AmiUnavailable(f"{place}: {_why(error)}") from None
        try:
            await self._log_in(place)
        except BaseException:
            self.close()
            raise
        self._connected = self.authenticated = True
        self.pinger = self.loop.call_later(self._ping_seconds, self.ping)

    def close(self) -> None:
        """Hang up. Idempotent."""
        super().close()
        self._connected = False

    def ping(self) -> None:
        """See whether the PBX still answers: a frozen one keeps its connections."""
        try:
            future = self.send_action({"Action": "Ping"})
        except AmiUnavailable:
            return
        future.add_done_callback(self._ponged)

    # ---- actions

    async def ask(self, action: str, fields: Mapping[str, Value] | None = None) -> Reply:
        """Do one action. A refusal is a fact, and returned. Raises `AmiUnavailable`, `Unsendable`."""
        messages = await self.send_action({"Action": action, **(fields or {})})
        return Reply(messages[0])

    async def ask_list(self, action: str, fields: Mapping[str, Value] | None = None, *, until: str = "") -> Reply:
        """As `ask`, for an action that is answered by a list; without the event that ends it.

        `until` is that event's name, for an Asterisk that does not mark lists.
        """
        messages = await self._send(Request({"Action": action, **(fields or {})}, wants_list=True, until=until))
        return Reply(messages[0], tuple(messages[1:-1]))

    def send_action(
        self,
        action: Mapping[str, Value],
        as_list: bool | None = None,  # noqa: FBT001 - panoramisk's
        **more: Value,
    ) -> "asyncio.Future[list[Message]]":
        """Write an action; the future has its answer by the deadline, or `AmiUnavailable`. It is sent once."""
        return self._send(Request({**action, **more}, wants_list=bool(as_list)))

    def _send(self, request: Request) -> "asyncio.Future[list[Message]]":
        if self.protocol is None:
            raise AmiUnavailable("not connected")
        future: asyncio.Future[list[Message]] = self.protocol.send(request)
        timer = asyncio.get_running_loop().call_later(self._deadline_seconds, self._expire, request)
        future.add_done_callback(lambda _: timer.cancel())
        return future

    async def send_awaiting_actions(self, *_: object) -> None:
        """Nothing: whoever asked has been told of the failure, and knows whether to ask again."""

    # ---- events

    def register_event(self, pattern: str, callback: Callable[..., object] | None = None) -> Any:  # noqa: ANN401
        """As panoramisk's; but only plain functions, so that events are handled in the order in which they come."""
        if callback is None:
            return partial(self.register_event, pattern)
        if callback == self.send_awaiting_actions:
            return callback  # What panoramisk registers for itself, and is not done here.
        if asyncio.iscoroutinefunction(callback):
            raise TypeError("coroutines would run side by side; put the event aside, and handle it in a task")
        return super().register_event(pattern, callback)

    def dispatch(self, event: Message) -> list[str]:
        """Call everybody who registered for an event; what one of them raises is theirs alone."""
        event.manager = self
        matches = [pattern for pattern, form in self.patterns if form.match(text_of(event, "Event"))]
        for pattern in matches:
            for callback in self.callbacks[pattern]:
                try:
                    callback(self, event)
                except Exception as error:  # noqa: BLE001 - the connection, and the next one, go on
                    _log.error("a callback of AMI failed", error=type(error).__name__, pattern=pattern)
        return matches

    async def next(self) -> Message:
        """The next event, in the order of arrival."""
        return await self._events.get()

    def hand_on_again(self, event: Message, seconds: float) -> None:
        """Let an event be the next one once more, after so many seconds, behind what has come by then."""
        self.loop.call_later(seconds, self._put_aside, event)

    @property
    def waiting(self) -> int:
        """Events that nobody has taken yet."""
        return self._events.qsize()

    # ---- within

    def _protocol(self) -> Protocol:
        return Protocol(self, self._wanted, self._has_ended)

    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self._access.ca or None) if self._access.tls else None

    async def _log_in(self, place: str) -> None:
        """The secret is not sent: AMI's challenge is answered by its MD5."""
        challenge = await self.ask("Challenge", {"AuthType": "MD5"})
        digest = (text_of(challenge.response, "Challenge") + self._access.password).encode()
        key = hashlib.md5(digest, usedforsecurity=False).hexdigest()
        asked = {"AuthType": "MD5", "Username": self._access.user, "Key": key, "Events": self._classes}
        reply = await self.ask("Login", asked)
        if not reply.is_success:
            fix = "look at user, secret and permit in manager.conf"
            raise AmiUnauthorized(f"{place}: {quoted(self._access.user)} was not let in ({reply.reason}); {fix}")
        if self._classes == "off":
            return
        try:
            async with asyncio.timeout(self._boot_seconds):
                await self._booted.wait()
        except TimeoutError:
            fix = "give its user read = system in manager.conf, unless it is still booting"
            raise AmiDeaf(f"{place}: does not say that it has booted; {fix}") from None

    def _put_aside(self, event: Message) -> None:
        """The one callback: it only enqueues."""
        if text_of(event, "Event") == "FullyBooted":
            self._booted.set()
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self.protocol.give_up(f"more than {self._events.maxsize} events were waiting")

    def _expire(self, request: Request) -> None:
        self.protocol.responses.pop(request.id, None)
        if not request.future.done():
            reason = f"no answer to {text_of(request, 'Action')} within {self._deadline_seconds:g} s"
            request.future.set_exception(AmiUnavailable(reason))
            request.future.exception()

    def _ponged(self, future: "asyncio.Future[list[Message]]") -> None:
        if self.ended.is_set() or self.loop.is_closed():
            return
        if future.cancelled() or future.exception() is not None:
            self.protocol.give_up("a ping had no answer: the PBX is frozen, or out of reach")
        else:
            self.pinger = self.loop.call_later(self._ping_seconds, self.ping)

    def _has_ended(self, reason: str) -> None:
        self._connected = self.authenticated = False
        self.reason = self.reason or reason
        if self.pinger is not None:
            self.pinger.cancel()
        self._booted.clear()
        self.ended.set()


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); name who signed it by tls_ca"
    if isinstance(error, ssl.SSLError):
        return "does not speak TLS there; look at tlsenable and tlsbindaddr in manager.conf"
    said = os.strerror(error.errno) if error.errno else str(error.strerror or type(error).__name__)
    return f"{said}; is it enabled in manager.conf, and reachable from here?"


class _Silent:
    """In the place of panoramisk's logger, whose messages hold whole actions, secrets included."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        """Say nothing."""
        return lambda *_args, **_kwargs: None
