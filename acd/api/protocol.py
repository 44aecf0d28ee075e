"""What is no HTTP at all, answered as everything else that is wrong: by a problem document that repeats nothing.

Owns the answers to requests that never become one: a line that is too long, a malformed header. aiohttp's own would be
plain text with a piece of the request in it, and the log would hold the same: that may be somebody's number.
"""

import uuid

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from acd.api.problems import Problem, internal

_log = structlog.get_logger(__name__)


class Runner(web.AppRunner):
    """Runs an application on connections that speak as this module says."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,  # noqa: SLF001 - what the application's own server was made with
        )


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ()

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
        request_id = str(uuid.uuid4())
        _log.info("a request was not understood", request_id=request_id, status=status, error=type(exc).__name__)
        malformed = status < 500  # noqa: PLR2004 - the client's fault
        problem = Problem(400, "bad-request", "The request is not valid HTTP.") if malformed else internal()
        response = problem.response(request_id)
        response.headers["X-Request-Id"] = request_id
        response.force_close()
        return response
