"""What is no HTTP at all, answered as everything else that is wrong: by a problem document that repeats nothing.

Owns what becomes of requests that never are one: a line that is too long, a malformed header, a head that never ends.
aiohttp's own answers would be plain text with a piece of the request in it, and the log would hold the same: that may
be somebody's number.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from acd.api.domains import Front
from acd.api.inbound import Bounded, Inflow, too_fast_frame
from acd.api.problems import Problem, internal
from acd.api.request_ids import new_request_id

HEAD_SECONDS: Final = 10.0
"""How long a request's head may take, and a handshake for a WebSocket."""

STALL_SECONDS: Final = 20.0
"""Within this time whoever is sent an answer has to take some of it."""

_log = structlog.get_logger(__name__)


class Runner(web.BaseRunner):
    """Runs one or several applications on connections that speak as this module says.

    `front` has each request answered by the handler of one of them.
    """

    def __init__(
        self,
        apps: Sequence[web.Application],
        front: Front,
        *,
        shutdown_timeout: float,
        **settings: Any,  # noqa: ANN401 - aiohttp's
    ) -> None:
        """`settings` are those of aiohttp's connections."""
        super().__init__(shutdown_timeout=shutdown_timeout)
        self._runners = [web.AppRunner(app, **settings) for app in apps]
        self._front = front

    async def shutdown(self) -> None:
        """The applications' sockets end."""
        for runner in self._runners:
            await runner.app.shutdown()

    async def _make_server(self) -> web.Server:
        for runner in self._runners:
            await runner.setup()
        servers = [_server_of(runner) for runner in self._runners]
        made, handlers = servers[0], [server.request_handler for server in servers]

        async def answer(request: BaseRequest) -> web.StreamResponse:
            # What the request factory of an application makes.
            return await self._front.handle(cast("web.Request", request), handlers)

        return _Server(
            handlers[0] if len(handlers) == 1 else answer,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,  # noqa: SLF001 - what the application's own server was made with
        )

    async def _cleanup_server(self) -> None:
        for runner in self._runners:
            await runner.app.cleanup()


def _server_of(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        raise RuntimeError("the application has not begun")
    return runner.server


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler, Bounded):
    """`head_timer`: runs from the first byte of a request, or the connection's beginning, to the end of its head.

    `stall_timer`: runs while an answer waits to be taken. Sockets are looked after by whoever writes to them.

    `inflow`: counts what comes over a socket, where that is bounded.
    """

    __slots__ = ("head_timer", "inflow", "stall_timer")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody who says nothing is nobody."""
        self.head_timer: asyncio.TimerHandle | None = None
        self.stall_timer: asyncio.TimerHandle | None = None
        self.inflow: Inflow | None = None
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """A head that comes byte by byte has the same time as one that comes at once."""
        before = self._request_count
        if self.inflow is not None:
            if self.inflow.is_shut:
                if self.transport is not None:
                    self.transport.pause_reading()
                return
            if self.inflow.is_too_much(len(data)):
                self._cut_off(self.inflow)
                return
        super().data_received(data)
        if self._request_count > before:
            self._head_is_there()
        elif self.head_timer is None and not self._busy():
            self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing more to wait for."""
        self._head_is_there()
        self._is_taken()
        super().connection_lost(exc)
        # A socket's, which has this connection: aiohttp leaves the two to the collector.
        self._data_received_cb = None

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """A socket keeps the error that ended it, whose traceback keeps the socket, until the collector comes."""
        finished = await super().finish_response(request, resp, start_time)
        error = resp.exception() if isinstance(resp, web.WebSocketResponse) else None
        while error is not None:
            error.__traceback__ = None
            error = error.__context__
        return finished

    def pause_writing(self) -> None:
        """The answer is not taken as fast as it is written."""
        super().pause_writing()
        self._await_taking(self._left())

    def resume_writing(self) -> None:
        """Most of it has been."""
        super().resume_writing()
        self._is_taken()

    def _cut_off(self, inflow: Inflow) -> None:
        """Say why, if that can be said, and take no more."""
        inflow.is_shut = True
        transport = self.transport
        if transport is None:
            return
        _log.info("a connection was cut off: too much came over a socket")
        if not self._left():
            transport.write(too_fast_frame())
        if self._left():
            transport.abort()
        else:
            self.force_close()

    def _await_taking(self, left: int) -> None:
        self.stall_timer = self._loop.call_later(STALL_SECONDS, self._look_whether_taken, left)

    def _look_whether_taken(self, before: int) -> None:
        """Slow is not stalled: as long as there is less and less of it, the answer may take its time."""
        self.stall_timer = None
        left = self._left()
        if self._upgraded or self.transport is None:
            return
        if left < before:
            self._await_taking(left)
            return
        _log.info("a connection was cut off: an answer was not taken", seconds=STALL_SECONDS)
        self.transport.abort()

    def _left(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def _is_taken(self) -> None:
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None

    def _await_head(self) -> None:
        self.head_timer = self._loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_is_there(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _too_slow(self) -> None:
        self.head_timer = None
        if not self._busy():
            _log.info("a connection was cut off: no request came in time", seconds=HEAD_SECONDS)
            self.force_close()

    def _busy(self) -> bool:
        """Whether what comes belongs to a request whose head is there already, or to a socket."""
        return self._request_in_progress or bool(self._messages) or self._upgraded

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """An answer that closes the connection; the log has the kind of error, never its text."""
        del message
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        request_id = new_request_id()
        _log.info("a request was not understood", request_id=request_id, status=status, error=type(exc).__name__)
        malformed = status < 500  # noqa: PLR2004 - the client's fault
        problem = Problem(400, "bad-request", "The request is not valid HTTP.") if malformed else internal()
        response = problem.response(request_id)
        response.headers["X-Request-Id"] = request_id
        response.force_close()
        return response
