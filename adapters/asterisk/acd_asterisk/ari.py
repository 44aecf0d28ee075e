"""ARI's two sides: requests over HTTP or the WebSocket, and events over the WebSocket.

Owns deadlines, the cap on connections, which way a request goes, and the credentials, which travel
in a header and appear in no URL and no log. Must not know what a request is for or what an event means.

An answer with any status is a fact and is returned. `AriUnavailable` means that there was no usable answer:
nothing can be said about whether the request was carried out.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from typing import Final, Literal
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from acd_asterisk import wire
from acd_asterisk.breaker import Breaker
from acd_asterisk.event_socket import EventSocket, describe
from acd_asterisk.given_up import GivenUp
from acd_asterisk.lanes import MAX_LANES, Lanes
from acd_asterisk.patience import answer_within
from acd_asterisk.socket_requests import SocketClosed
from acd_asterisk.turns import Turns
from acd_asterisk.wire import Answer

MAX_CONNECTIONS: Final = 90
MAX_SOCKETS: Final = MAX_LANES + 2
"""Connections for requests, and WebSockets: Asterisk ends those beyond the `sessionlimit` of its HTTP server (100)."""

KEEPALIVE_SECONDS: Final = 10.0
"""Below the 15 s after which Asterisk closes an idle connection, so that none is used while it closes."""

PING_SECONDS: Final = 4.0
"""A ping is sent this often; a pong that takes more than half of it is a disconnect."""

MAX_AT_ONCE: Final = 64
"""Requests under way at a time; further ones wait here, and their deadlines begin when it is their turn.

To ask an Asterisk that cannot keep up for all at once is to have no answer to any in time, and to ask again.
"""

MAX_PATIENT: Final = 16
"""Of them those for which nobody waits: what they hold up in Asterisk is to leave room for the others."""

SHUN_SECONDS: Final = 60.0
"""How long requests go by HTTP only after one over the WebSocket has had no answer: what holds it up may last."""

HELD_UP_SECONDS: Final = 1.0
"""A request that has waited so long when its connection ends was held up, too: no pong comes either, meanwhile."""

ANOTHER_LANE_SECONDS: Final = 10.0
"""After so long a further connection for requests that has ended, or could not be had, is tried again."""

Holder = Literal["nobody", "somebody", "unclear"]
"""Who has an application. `unclear`: it is there for the calls in it, whether or not anybody listens."""

_Use = Literal["requests", "sockets"]

_ECHO: Final = "events/user/AcdEcho"
_PING: Final = "asterisk/ping"
_UNAUTHORIZED: Final = (401, 403)
_NOT_FOUND: Final = 404
_SERVER_ERROR: Final = 500


class AriUnavailable(Exception):
    """There was no usable answer: a deadline, a lost connection, or the breaker is open."""


class AriUnauthorized(AriUnavailable):
    """Asterisk does not accept the user or the password."""


class _GivenUp(AriUnavailable):
    """A WebSocket was asked for and not had: Asterisk may yet carry that out."""


def part(some_id: str) -> str:
    """An id as one part of a path."""
    return quote(some_id, safe=":~")


class AriClient:
    """Requests to one Asterisk. `url` ends without a slash: `http://127.0.0.1:8088/ari`."""

    def __init__(self, url: str, *, connections: int, deadline_seconds: float) -> None:
        """Nothing is opened yet. `connections` is capped at `MAX_CONNECTIONS`."""
        self._url = url
        self._connections = min(connections, MAX_CONNECTIONS)
        self._deadline_seconds = deadline_seconds
        self._sessions: dict[_Use, aiohttp.ClientSession] = {}
        self._headers: dict[str, str] = {}
        self._forbidden = ""
        self._demolition = asyncio.Semaphore(1)
        self._going: set[str] = set()
        self._turns = Turns(MAX_AT_ONCE, most_patient=MAX_PATIENT)
        at_once = min(MAX_AT_ONCE, self._connections)  # One that waits for a connection waits within its deadline.
        self._turns_by_http = Turns(at_once, most_patient=min(MAX_PATIENT, at_once))
        self._lanes: Lanes | None = None
        self._shunned_until = 0.0
        self.given_up = GivenUp()
        """Attempts to connect that Asterisk may carry out late."""
        self.on_held_up: Callable[[str], None] = _nobody_minds
        """Told why, when a request over the WebSocket has had no answer. Asterisk carries it out all the same, when
        whatever holds it up is over, and all that were asked behind it, unless the connection is ended."""
        self.breaker = Breaker()
        self.requests = 0
        """How many were tried. Those of `say_to` do nothing, and are none."""
        self.unanswered = 0
        """How many of them had no usable answer."""

    def log_in(self, user: str, password: str) -> None:
        """Use these credentials from now on."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def forbid(self, reason: str) -> None:
        """Ask nothing any more: whatever is still under way elsewhere gets `AriUnavailable` with this reason."""
        self._forbidden = reason

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        attempts: int = 1,
        large: bool = False,
        patient: bool = False,
        waits: bool = True,
    ) -> Answer:
        """Ask, and return the answer whatever its status; `body` is sent as JSON.

        `attempts` beyond 1 are for requests that may safely be carried out twice. `large`: the answer may be long, and
        goes by HTTP, where it holds up nobody, and at once. `patient`: what somebody waits for goes first. `waits`: for
        its turn among the others.

        Raises:
            AriUnavailable: no answer within the deadline, in any attempt.
            AriUnauthorized: the credentials are wrong.
        """
        for left in reversed(range(attempts)):
            try:
                if large:
                    return await self._request(method, path, body, query, None)
                turns = self._turns if self.lanes else self._turns_by_http
                async with turns.turn(patient=patient) if waits else nullcontext():
                    return await self._request(method, path, body, query, self._lanes, patient=patient)
            except AriUnauthorized:
                raise
            except AriUnavailable:
                if not left or self.breaker.is_open:
                    raise
        raise AriUnavailable("no attempt was allowed")

    async def remove_bridge(self, bridge_id: str, ending: Callable[[], Awaitable[None]] | None = None) -> None:
        """Remove a bridge; whoever is in it stays in the application (see `take_out`), and one that is gone is fine.

        `ending`: what is to be over before.

        One after another: side by side it has crashed Asterisk (issue 1201). As there is but one at a time it waits for
        no turn among other requests: they would pile up behind it. Raises `AriUnavailable`.
        """
        self._going.add(bridge_id)
        try:
            if ending is not None:
                await ending()
            async with self._demolition:
                await self.request("DELETE", f"bridges/{part(bridge_id)}", attempts=2, waits=False)
        finally:
            self._going.discard(bridge_id)

    def is_going(self, bridge_id: str) -> bool:
        """Whether a bridge is being removed, or is to be."""
        return bridge_id in self._going

    async def take_out(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge: it is in none when this returns. Raises `AriUnavailable`.

        A bridge that is removed puts its channels out a moment after the answer. One that is moved in that moment is
        taken out of the bridge it was moved to, too, and hears nothing (measured: four of two thousand).
        """
        await self.request("POST", f"bridges/{part(bridge_id)}/removeChannel", {"channel": channel_id}, attempts=2)

    async def events(self, app: str) -> EventSocket:
        """Open the WebSocket, which registers the application with Asterisk.

        Raises:
            AriUnavailable, AriUnauthorized: it cannot be had.
        """
        try:
            return await self._open(app)
        except _GivenUp:
            self.given_up.note()
            raise

    async def holder(self, app: str) -> Holder:
        """Who has this application, as far as Asterisk says it. Raises `AriUnavailable`."""
        answer = await self.request("GET", f"applications/{part(app)}")
        if answer.status == _NOT_FOUND:
            return "nobody"
        try:
            return "unclear" if wire.decode_application(answer.body).is_in_use else "somebody"
        except msgspec.DecodeError as error:
            raise AriUnavailable(f"an answer that cannot be read: {error}") from None

    async def say_to(self, app: str) -> Answer:
        """Ask for an event of no meaning, for whoever has this application. Raises `AriUnavailable`.

        By HTTP: it is to say something of the events alone, whatever holds up requests over the WebSocket.
        """
        return await self.request("POST", _ECHO, query={"application": app}, large=True)

    async def prefer(self, socket: EventSocket) -> None:
        """Send requests over this connection from now on, if Asterisk takes them there, until it ends or fails."""
        if time.monotonic() < self._shunned_until:
            return
        if await self._takes_requests(socket):
            self._lanes = Lanes(socket.requests)

    async def widen(self, app: str) -> None:
        """While requests go over the WebSocket: have further ones for them. Ends when it does, or is cancelled.

        A WebSocket has to be of an application, and of one that nobody else has: these are of `APP~1` and so on, in
        which no call ever is.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(1, MAX_LANES):
                group.create_task(self._keep_lane(f"{app}~{number}"))

    @property
    def lanes(self) -> int:
        """How many WebSockets requests may take now; 0: they go by HTTP."""
        return 0 if self._lanes is None or self._lanes.free() is None else len(self._lanes)

    async def close(self) -> None:
        """End all connections."""
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def _request(
        self,
        method: str,
        path: str,
        body: object,
        query: dict[str, str] | None,
        lanes: Lanes | None,
        *,
        patient: bool = False,
    ) -> Answer:
        if self._forbidden:
            raise AriUnavailable(self._forbidden)
        if self.breaker.is_open:
            raise AriUnavailable("too many requests in a row had no answer; waiting before the next one")
        self.requests += path != _ECHO
        socket = None if lanes is None else lanes.free(patient=patient)
        begun = time.monotonic()
        answer: Answer | str
        try:
            async with answer_within(self._deadline_seconds):
                if socket is None:
                    answer = await self._over_http(method, path, body, query)
                else:
                    answer = Answer(*await socket.ask(method, path, body, query))
        except (aiohttp.ClientError, OSError, TimeoutError, SocketClosed) as error:
            self.unanswered += 1
            if socket is None:
                self.breaker.failed()  # All that are under way over a WebSocket fail as one, and HTTP may be well.
            elif isinstance(error, TimeoutError) or time.monotonic() - begun >= HELD_UP_SECONDS:
                self._shun(lanes)
            answer = f"{method} {path.partition('/')[0]}: {describe(error)}"
        if isinstance(answer, str):
            # Only here: a deadline's error knows our task, and the task would know this one, with that as its context.
            raise AriUnavailable(answer)
        self.breaker.succeeded()
        if answer.status in _UNAUTHORIZED:
            raise AriUnauthorized(f"status {answer.status}")
        return answer

    def _shun(self, lanes: Lanes | None) -> None:
        """Something holds up all that is asked over one of these connections."""
        self._shunned_until = time.monotonic() + SHUN_SECONDS
        if lanes is not None and self._lanes is lanes:
            self._lanes = None
            self.on_held_up("a request over the WebSocket had no answer within the deadline")

    async def _keep_lane(self, app: str) -> None:
        while (lanes := self._lanes) is not None:
            with suppress(AriUnavailable):
                async with await self._open(app) as socket:
                    # No event is for it, but that another connection has got its application.
                    ended = [asyncio.create_task(each) for each in (socket.pump(), socket.news.wait())]
                    try:
                        # It may be nobody's, as that of events may be: then no answer comes.
                        if await self._takes_requests(socket):
                            with lanes.with_another(socket.requests):
                                await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for task in ended:
                            task.cancel()
                        await asyncio.gather(*ended, return_exceptions=True)
            await asyncio.sleep(ANOTHER_LANE_SECONDS)

    async def _takes_requests(self, socket: EventSocket) -> bool:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                status, _ = await socket.requests.ask("GET", _PING)
        except (SocketClosed, TimeoutError, aiohttp.ClientError, OSError):
            return False  # An older Asterisk says nothing at all.
        return status // 100 == 2  # noqa: PLR2004 - the class of success

    async def _open(self, app: str) -> EventSocket:
        """A WebSocket of an Asterisk that answers.

        One that stands still is not asked for any: it would carry that out when it goes on, for nobody, and may then
        take the application from whoever has it by then, without a word.
        """
        if self._forbidden:
            raise AriUnavailable(self._forbidden)
        try:
            async with answer_within(self._deadline_seconds):
                status = (await self._over_http("GET", _PING, None, None)).status
            # Of 5xx it may not know: that can be whoever stands between us and it.
            if status not in _UNAUTHORIZED and status < _SERVER_ERROR:
                return await self._upgrade(app)
        except aiohttp.WSServerHandshakeError as error:
            status = error.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise AriUnavailable(f"no WebSocket: {describe(error)}") from None
        if status in _UNAUTHORIZED:
            raise AriUnauthorized(f"status {status}")
        raise AriUnavailable(f"the WebSocket was refused with status {status}")

    async def _upgrade(self, app: str) -> EventSocket:
        url = f"{self._url}/events?app={quote(app, safe='')}&subscribeAll=false"
        try:
            async with answer_within(self._deadline_seconds):
                socket = await self._session("sockets").ws_connect(
                    url,
                    headers=self._headers,
                    heartbeat=PING_SECONDS,
                    max_msg_size=wire.MAX_MESSAGE_BYTES,
                )
        except (aiohttp.WSServerHandshakeError, aiohttp.ClientConnectorError):
            raise
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _GivenUp(f"no WebSocket: {describe(error)}") from None
        self.breaker.succeeded()
        return EventSocket(socket)

    async def _over_http(self, method: str, path: str, body: object, query: dict[str, str] | None) -> Answer:
        headers = self._headers
        data = None
        if body is not None:
            data = msgspec.json.encode(body)
            headers = {**headers, "Content-Type": "application/json"}
        async with self._session("requests").request(
            method,
            URL(f"{self._url}/{path}", encoded=True),
            data=data,
            params=query,
            headers=headers,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, await response.read())

    def _session(self, use: _Use) -> aiohttp.ClientSession:
        """WebSockets have one of their own: they would take up the connections of the requests for good."""
        session = self._sessions.get(use)
        if session is None:
            most = MAX_SOCKETS if use == "sockets" else self._connections
            connector = aiohttp.TCPConnector(limit=most, keepalive_timeout=KEEPALIVE_SECONDS)
            # The deadline is ours, around the whole request; aiohttp's own would only be a second one.
            timeout = aiohttp.ClientTimeout(total=None)
            session = self._sessions[use] = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return session


def _nobody_minds(_reason: str) -> None:
    """Until somebody does."""
