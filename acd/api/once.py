"""A request with an `Idempotency-Key`: carried out once, and answered again as it was the first time.

Owns the order of things around the handler of such a request: one at a time for each key, looked up before it is
carried out, its answer kept. Must not know any single route, nor where answers are kept (`acd.runtime.repeats`).
The journal decides what has been carried out; an answer is a convenience. Where it is missing, because the process died
just then, the handler makes it anew, and what it hands in is what was carried out already.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Struct

from acd.api.answers import encoded
from acd.api.problems import REFUSALS, Problem, forbidden, refused
from acd.core.messages import Outcome, Refusal
from acd.runtime.clock import moment
from acd.runtime.repeat_store import Repeat
from acd.runtime.repeats import Repeats
from acd.runtime.request_key import RequestKey, request_key

MAX_IDEMPOTENCY_KEY: Final = 128
"""Characters of an `Idempotency-Key` header."""

RECENT: Final = 4_096
"""Requests with a key whose answers are in memory."""

MAX_ANSWER: Final = 16 * 1024
"""Bytes of an answer that is kept; a larger one is made anew for a repetition."""

_KEPT_HEADERS: Final = ("Location", "ETag")
CLIENTS_FAULTS: Final = (404, 409, 422)
"""Of a repetition they only say that what it was about is forgotten."""


class Turn(Protocol):
    """One request on its way (`acd.api.routes.Call`).

    `known`: what became of it before; then nothing is handed in again. `carried_out`: its command has been committed.
    `refusal`: why the engine would not have it.
    """

    known: Repeat | None
    carried_out: bool
    refusal: Refusal | None

    @property
    def rights(self) -> str:
        """What the token may do, if that is not everything."""
        ...


class Answer(Struct, frozen=True, array_like=True):
    """How a request was answered: by a body of JSON, or by a refusal of the engine's, which has a `code`.

    `rights`: those of the token, then.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""
    detail: str = ""
    rights: str = ""

    def response(self, rights: str) -> web.Response:
        """The same again, to the same rights. Raises the Problem that a refusal is, and 403 for other rights.

        Nothing is lost by that: what was carried out stays so, and whoever may see it can ask for it.
        """
        if rights != self.rights:
            raise forbidden("This was carried out before, when the token had other rights; see what became of it.")
        if self.code:
            raise refused_again(self.code, self.detail)
        return encoded(self.body, self.status, dict(self.headers))


class _Recent(Struct, frozen=True):
    fingerprint: str
    answer: Answer | None


class _Running(Struct, frozen=True):
    fingerprint: str
    task: "asyncio.Task[web.StreamResponse]"


_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Answer).decode


class Once:
    """All requests with a key of one application."""

    def __init__(self, repeats: Repeats | None) -> None:
        """`repeats`: what is remembered over restarts, and the caller's; without it the last `RECENT` are."""
        self._repeats = repeats
        self._recent: OrderedDict[str, _Recent] = OrderedDict()
        self._running: dict[str, _Running] = {}

    async def carry_out(
        self, turn: Turn, key: RequestKey, handle: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """The answer of `handle`, or that of the request that had the key first. Raises a Problem with 422 for another.

        When the caller is cancelled, it goes on: the next one with the key begins when it is known what became of it.
        """
        while (running := self._running.get(key.name)) is not None:
            _compare(key, running.fingerprint)
            await asyncio.wait((running.task,))
        task = asyncio.create_task(self._first(turn, key, handle), name="request with a key")
        self._running[key.name] = _Running(key.fingerprint, task)
        task.add_done_callback(lambda done: self._done(key.name, done))
        return await asyncio.shield(task)

    async def _first(
        self, turn: Turn, key: RequestKey, handle: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Alone with this key."""
        recent = self._recent.get(key.name)
        if recent is not None:
            _compare(key, recent.fingerprint)
            if recent.answer is not None:
                return recent.answer.response(turn.rights)
        self._remember(key, None)
        turn.known = known = None if self._repeats is None else await self._repeats.find(key.name)
        if known is not None:
            self._remember(RequestKey(key.name, known.fingerprint), None)
            _compare(key, known.fingerprint)
            if known.answer is not None:
                return _unpack(known.answer).response(turn.rights)
        try:
            response = await handle()
        except Problem as problem:
            if turn.refusal is not None:
                refusal = turn.refusal
                answer = Answer(problem.status, code=refusal.code, detail=refusal.detail, rights=turn.rights)
                self._keep(key, answer)
            elif known is not None and problem.status in CLIENTS_FAULTS:
                raise done_before(known) from None
            raise
        if turn.carried_out and isinstance(response, web.Response) and isinstance(response.body, bytes):
            headers = tuple((name, response.headers[name]) for name in _KEPT_HEADERS if name in response.headers)
            self._keep(key, Answer(response.status, response.body, headers, rights=turn.rights))
        return response

    def _keep(self, key: RequestKey, answer: Answer) -> None:
        if len(answer.body) <= MAX_ANSWER:
            self._remember(key, answer)
            if self._repeats is not None:
                self._repeats.keep(key.name, _pack(answer))

    def _remember(self, key: RequestKey, answer: Answer | None) -> None:
        self._recent[key.name] = _Recent(key.fingerprint, answer)
        self._recent.move_to_end(key.name)
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _done(self, name: str, task: "asyncio.Task[web.StreamResponse]") -> None:
        del self._running[name]
        if not task.cancelled():
            task.exception()  # whoever asked may be gone: then nobody else looks at it


def key_of(request: web.Request, who: str, body: bytes) -> RequestKey | None:
    """The key of a request, None when it has none. `who`: the token's name. Raises a Problem with 400."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    if not 1 <= len(header) <= MAX_IDEMPOTENCY_KEY or not header.isprintable():
        reason = f"Idempotency-Key: has to have 1 to {MAX_IDEMPOTENCY_KEY} printable characters."
        raise Problem(400, "invalid-header", reason)
    return request_key(who, request.method, request.path, header, body + request.query_string.encode())


def outcome_again(known: Repeat, recorded: Outcome | None) -> Outcome:
    """What a command led to that was carried out before, as far as that can be told.

    `recorded`: what the engine still knows of it. Without that a success has no events, and a refusal no sentence of
    its own.
    """
    if recorded is not None:
        return recorded
    for code in REFUSALS:
        if code == known.outcome:
            return Outcome((), (), Refusal(code, f"This was refused on {moment(known.at_us)} already."))
    return Outcome((), ())


def refused_again(code: str, detail: str) -> Problem:
    """The problem that a refusal was; one that this release does not know is a conflict."""
    for known in REFUSALS:
        if known == code:
            return refused(Refusal(known, detail))
    return Problem(409, code, detail)


def reused() -> Problem:
    """422: the key was used for something else."""
    detail = "Idempotency-Key: was used for a different request before; take a new key for a new request."
    return Problem(422, "idempotency-key-reused", detail)


def _compare(key: RequestKey, fingerprint: str) -> None:
    if not key.fits(fingerprint):
        raise reused()


def done_before(known: Repeat) -> Problem:
    """409: what the answer would be about is not known any more."""
    detail = (
        f"This request was carried out on {moment(known.at_us)} already; what it was about has been forgotten since."
    )
    return Problem(409, "done-before", detail)
