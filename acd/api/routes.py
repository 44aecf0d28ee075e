"""A route as a row of one table: who may call it, what goes in, what comes out, what can be wrong, an example.

Owns the row and what is done around every handler: the role is checked, parameters and body are read, the answer is
encoded. Must not know any single route: those are in the modules that `acd.api.table` names. The aiohttp application
and the OpenAPI document (`acd.api.openapi`) are both made of these rows, so that neither says what the other does not.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Generic, Literal, TypeVar

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from acd.api.answers import Answer, answer, encoded
from acd.api.auth import Principal
from acd.api.bodies import NoQuery, Nothing, decode, query, read
from acd.api.context import Api, api, principal
from acd.api.once import key_of, outcome_again
from acd.api.problems import MAX_BODY, refused
from acd.api.scope import Scope, closed_to
from acd.api.shared import Kept
from acd.api.traces import trace_of_request
from acd.core.messages import Command, Outcome, Refusal
from acd.runtime.events import Cursor
from acd.runtime.repeat_store import Repeat
from acd.runtime.request_key import RequestKey

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests have a body."""

Access = Literal["public", "token", "agent", "supervisor", "system", "channel"]
"""`public`: nobody is asked who they are. `token`: whoever has one; what it shows depends on whom. `agent`: the agent
in the path, and whoever sees all. `supervisor`: the roles supervisor and system. `system`: that role alone. `channel`:
the external channel in the path, and the role system; a channel's token opens nothing else that asks for a token."""

OK: Final = 200
JSON: Final = "application/json"

CURSOR_HEADER: Final = "X-Event-Cursor"

Tag = Literal[
    "agents",
    "work",
    "interactions",
    "offers",
    "callbacks",
    "channels",
    "conversations",
    "queues",
    "figures",
    "configuration",
    "events",
    "operation",
    "sessions",
    "desk",
    "wallboard",
    "documentation",
]

_BodyT = TypeVar("_BodyT", bound=Struct)
_QueryT = TypeVar("_QueryT", bound=Struct)


class Call(Generic[_BodyT, _QueryT]):
    """One request on its way to a handler: checked, decoded, and with whoever asks."""

    __slots__ = (
        "body",
        "carried_out",
        "context",
        "key",
        "known",
        "query",
        "raw",
        "refusal",
        "request",
        "shared",
        "who",
    )

    def __init__(
        self,
        request: web.Request,
        who: Principal | None,
        query: _QueryT,
        body: _BodyT,
        raw: bytes,
        key: RequestKey | None = None,
    ) -> None:
        """`who` is None on public routes. `key`: made of the `Idempotency-Key` of a request that changes something."""
        self.request = request
        self.context: Api = api(request)
        self.query = query
        self.body = body
        self.raw = raw
        self.who = who or Principal("", ())
        self.key = key
        self.known: Repeat | None = None
        self.shared = True
        """Whether the answer of a `live` route follows from the view alone, and may be given again."""
        self.carried_out = False
        self.refusal: Refusal | None = None

    def path(self, name: str) -> str:
        """An id in the path, decoded."""
        return self.request.match_info[name]

    def command_id(self) -> str:
        """The id of the command that the request becomes, from its `Idempotency-Key` if there is one."""
        return self.context.router.new_id() if self.key is None else self.key.command_id

    @property
    def rights(self) -> str:
        """What the token may do, if that is not everything."""
        return self.who.rights

    def is_repetition(self) -> bool:
        """Whether this token has made the same request before, with the same `Idempotency-Key`.

        It was let in then. By now the engine may have forgotten what that goes by, but not the outcome.
        """
        return self.known is not None

    async def submit(self, command: Command) -> Outcome:
        """Hand in a command, in the name of whoever asks; a refusal is raised as a Problem.

        What was carried out before, under the same key, is not handed in again.
        """
        router = self.context.router
        if self.known is not None:
            outcome = outcome_again(self.known, router.recorded(command.id))
        else:
            trace = trace_of_request(self.request)
            outcome = await router.submit(replace(command, actor=self.who.name, trace=trace))
        self.carried_out = True
        if outcome.refusal is not None:
            self.refusal = outcome.refusal
            raise refused(outcome.refusal)
        return outcome


Serving = Callable[[web.Request], Awaitable[web.StreamResponse]]
Handler = Callable[[Call[Any, Any]], Awaitable[object]]
"""Returns the body of the success, `Created`, or a whole response of aiohttp's."""


class Created(Struct, frozen=True):
    """The answer about something new, and its address."""

    body: object
    location: str


class Step(Struct, frozen=True):
    """A route that is called with something else than its own example's path and body."""

    route: str
    path: Mapping[str, str]
    body: Mapping[str, object]

    def __str__(self) -> str:
        """`sign_in (boris)`."""
        return f"{self.route} ({', '.join(self.path.values())})"


class Example(Struct, frozen=True):
    """A request that works, once the routes in `after` have been called with theirs, in this order, on a fresh system.

    `shows`: what is in the answer, among other things.
    """

    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    body: Mapping[str, object] | None = None
    after: tuple[str | Step, ...] = ()
    shows: Mapping[str, object] = {}
    headers: Mapping[str, str] = {}


class Route(Struct, frozen=True):
    """One row. `name` is its operation's; `answer` the type of the success's body, None for what is no JSON.

    `problems`: codes of refusals and others that this route can meet, besides those that follow from what it is
    (`acd.api.openapi`). `also`: other statuses with a body of their own. `changes`: False for a
    POST that only asks. `if_match`: it takes that header. `most_body`: bytes of a request's body. `live`: it shows
    things as they stand after one event, says in `X-Event-Cursor` after which, and may say so again until the next one
    (`acd.api.shared`).

    `scoped`: tokens limited to queues or channels may call it: what path and body name is checked before the handler,
    and the handler leaves out of its answer what is out of sight. Otherwise they get 403.

    `by_telephone`: the agent in the path may be out of sight, if the token names that one's telephone as its own.

    `streams`: the body is a file's bytes, which the handler reads itself; `more_media`: of its answers besides `media`.
    """

    name: str
    tag: Tag
    method: Method
    path: str
    access: Access
    handler: Handler
    summary: str
    answer: object = None
    status: int = 200
    body: type[Struct] | None = None
    query: type[Struct] = NoQuery
    problems: tuple[str, ...] = ()
    example: Example = Example()
    media: str = JSON
    also: Mapping[int, object] = {}
    notes: str = ""
    changes: bool = True
    if_match: bool = False
    most_body: int = MAX_BODY
    live: bool = False
    scoped: bool = False
    by_telephone: bool = False
    streams: bool = False
    more_media: tuple[str, ...] = ()

    @property
    def mutates(self) -> bool:
        """Whether it becomes a command, and takes an `Idempotency-Key`."""
        return self.method != "GET" and self.changes


def register(app: web.Application, routes: tuple[Route, ...]) -> None:
    """Add the routes to an application."""
    for route in routes:
        if route.method == "GET":
            serving = _sharing(_serving(route)) if route.live else _serving(route)
            app.router.add_get(route.path, serving, name=route.name, allow_head=False)
        else:
            app.router.add_route(route.method, route.path, _serving(route), name=route.name)


def _sharing(serve: Serving) -> Serving:
    """What aiohttp calls, before the rest: the token is known, and was let in when it asked the same a moment ago."""

    async def share(request: web.Request) -> web.StreamResponse:
        shared, question = api(request).shared, (principal(), request.raw_path)
        kept = shared.find(question)
        if kept is not None:
            return encoded(kept.body, headers=kept.headers)
        moment = shared.moment
        response = await serve(request)
        if (
            isinstance(response, Answer)
            and response.shared
            and response.status == OK
            and isinstance(response.body, bytes)
        ):
            shared.keep(question, Kept(response.body, dict(response.headers)), moment)
        return response

    return share


def _serving(route: Route) -> Serving:
    """What aiohttp calls."""
    shape = route.body or Nothing
    takes_body = route.method in WITH_BODY and not route.streams

    async def serve(request: web.Request) -> web.StreamResponse:
        who = None if route.access == "public" else principal()
        if who is not None:
            _check(route, who, request)
        asked = query(request, route.query)
        raw = await read(request, route.most_body) if takes_body else b""
        body = decode(raw, shape)
        key = key_of(request, principal().name, raw) if route.mutates else None
        call = Call(request, who, asked, body, raw, key)
        if key is None:
            return await _answer(route, call)
        return await call.context.once.carry_out(call, key, partial(_answer, route, call))

    return serve


async def _answer(route: Route, call: Call[Any, Any]) -> web.StreamResponse:
    """What the handler says, as a response."""
    if call.who.scope is not None:
        _check_scope(route, call, call.who.scope)
    found = await route.handler(call)
    if isinstance(found, web.StreamResponse):
        return found
    if isinstance(found, Created):
        return answer(found.body, route.status, {"Location": found.location})
    made = answer(found, route.status, _as_of(call) if route.live else None)
    made.shared = call.shared
    return made


def _as_of(call: Call[Any, Any]) -> dict[str, str]:
    """Where in the stream of events whoever follows it has to go on from a picture that was made just now."""
    events = call.context.router.events
    return {CURSOR_HEADER: events.envelopes.place(Cursor(events.stream.seq))}


def _check(route: Route, who: Principal, request: web.Request) -> None:
    """Raises a Problem with 403, or 404 for what is another agent's or channel's."""
    if not route.scoped:
        closed_to(who.scope)
    if route.access == "channel":
        who.require_channel(request.match_info["channel"])
        return
    who.require_no_channel()
    if route.access == "supervisor":
        who.require_all()
    elif route.access == "system":
        who.require_system()
    elif route.access == "agent":
        who.require_agent(request.match_info["agent"])


def _check_scope(route: Route, call: Call[Any, Any], scope: Scope) -> None:
    """Raises a Problem with 403 or 404 for what a limited token may not name."""
    sight = call.context.sight
    sight.check_body(scope, call.body)
    names: Mapping[str, str] = call.request.match_info
    if route.by_telephone and names["agent"] == call.who.telephone:
        names = {name: value for name, value in names.items() if name != "agent"}
    sight.check_path(scope, names, call.is_repetition, changes=route.mutates)
