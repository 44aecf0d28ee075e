"""The client itself: a session, a token, requests that are safe to repeat.

Owns the session and the repeating of requests. Must not know the engine, nor any single route: those that have methods
of their own are in `acd.client.typed`, all others are called by name.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Self

import aiohttp
import msgspec

from acd.client.answers import Answer
from acd.client.events import StreamEvent, follow
from acd.client.operations import Operation, operations
from acd.client.pauses import Pauses
from acd.client.typed import Typed
from acd.errors import ApiProblem

ATTEMPTS: Final = 6
"""How often a request is sent, at most, when the connection is cut or the engine is busy or away."""

TIMEOUT_SECONDS: Final = 15.0
"""How long one attempt may take."""

MAX_RETRY_SECONDS: Final = 30.0
"""The most that `Retry-After` is obeyed for."""

_AGAIN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


class Client(Typed):
    """`async with Client(url, token) as client`. `url` is the API's address, such as `http://127.0.0.1:8420`.

    `unix:/run/acd/api.sock` is a UNIX socket.
    """

    def __init__(self, url: str, token: str = "", *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Without a `token` for an open API. `timeout_seconds` bounds one attempt of a request."""
        scheme, _, path = url.partition("unix:")
        self._unix = "" if scheme else path
        self._url = "http://localhost" if self._unix else url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._operations: dict[str, Operation] = {}

    async def __aenter__(self) -> Self:
        """Open the session; nothing is sent yet."""
        connector = aiohttp.UnixConnector(self._unix) if self._unix else None
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it; streams end."""
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str = "",
        trace: str = "",
    ) -> Any:  # noqa: ANN401 - JSON
        """The answer's JSON. Sent again when the connection is cut, with one `Idempotency-Key`: it has one effect.

        `key`: an `Idempotency-Key` of one's own, for a request that is to be repeated after a crash of the caller.
        `trace`: the W3C `traceparent` that it belongs to. Raises `ApiProblem`, and `OSError` or `TimeoutError` when the
        last of `ATTEMPTS` attempts got no answer.
        """
        return (await self.ask(method, path, body, query=query, key=key, trace=trace)).body

    async def call(self, operation: str, /, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """The answer of any operation, by its name in the API's document: `call("sign_in", agent="anna", ready=True)`.

        Arguments are what the document names: ids of the path, fields of the body, parameters. The document is fetched
        once. Raises `TypeError` for arguments that it does not take, `ValueError` for an operation that is not there,
        and as `request`.
        """
        if not self._operations:
            self._operations = operations(await self.request("GET", "/v1/openapi.json"))
        found = self._operations.get(operation)
        if found is None:
            raise ValueError(f"there is no operation {operation!r}; /docs of the API lists them all")
        made = found.prepare(arguments)
        return (await self.ask(made.method, made.path, made.body, query=made.query, content=made.content)).body

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str = "",
        trace: str = "",
        also: Collection[int] = (),
        content: bytes | None = None,
    ) -> Answer:
        """As `request`, with what the answer's headers say. `also`: statuses that are answers, beside success.

        `content`: the body, where that is a file.
        """
        headers = {} if method == "GET" else {"Idempotency-Key": key or str(uuid.uuid4())}
        if trace:
            headers["traceparent"] = trace
        pauses = Pauses()
        while True:
            last = pauses.failures + 1 >= ATTEMPTS
            try:
                async with self._there().request(
                    method, self._url + path, json=body, data=content, params=query, headers=headers
                ) as response:
                    raw = await response.read()
                    if response.status < HTTPStatus.BAD_REQUEST or response.status in also:
                        return _answer(raw, response)
                    if response.status not in _AGAIN or last:
                        raise problem_of(response.status, raw)
                    least = _seconds(response.headers.get("Retry-After", ""))
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                if last:
                    raise
                least = 0.0
            await asyncio.sleep(pauses.next_seconds(least))

    def events(
        self,
        after: str = "",
        *,
        queues: Iterable[str] = (),
        agents: Iterable[str] = (),
        kinds: Iterable[str] = (),
        coalesce: bool = False,
        on_connection: Callable[[bool], None] | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Events after a cursor, or from now on: each once and in order, however often the connection is cut.

        Filters as in EVENTS.md. Keep the `cursor` of the last event that you have dealt with, to go on after a crash of
        your own. Raises `ApiProblem` when the API refuses, `StreamLost` when events after the cursor cannot be had
        any more. Goes on until it is closed (`contextlib.aclosing`), whatever happens to the engine; `on_connection` is
        told when it has a connection, and when it has lost it.
        """
        query = {
            "queue": " ".join(queues),
            "agent": " ".join(agents),
            "kind": " ".join(kinds),
            "coalesce": "true" if coalesce else "",
        }
        return follow(
            self._there,
            f"{self._url}/v1/events",
            {name: text for name, text in query.items() if text},
            after,
            on_connection or (lambda _there: None),
        )

    def _there(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("open the client first: async with Client(...) as client")
        return self._session


def _answer(raw: bytes, response: aiohttp.ClientResponse) -> Answer:
    """What was answered: JSON; a text where it is none, or bytes where it is no text."""
    headers, media = response.headers, response.content_type
    is_text = not raw or media.startswith("text/")
    body = msgspec.json.decode(raw) if media.endswith("json") else raw.decode() if is_text else raw
    at_us = round(parsedate_to_datetime(headers["Date"]).timestamp() * 1_000_000) if "Date" in headers else 0
    return Answer(body, headers.get("X-Event-Cursor", ""), at_us)


def problem_of(status: int, raw: bytes) -> ApiProblem:
    """The problem document, or what can be said without one."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        found = {}
    code, detail = str(found.get("code", "unknown")), str(found.get("detail", "The answer is no problem document."))
    return ApiProblem(status, code, detail)


def _seconds(text: str) -> float:
    return min(MAX_RETRY_SECONDS, float(text)) if text.isdecimal() else 0.0
