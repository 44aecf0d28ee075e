"""The OpenAPI 3.1 document, made of the route table and the message types.

Owns the document. Must not know any single route, nor aiohttp. https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import msgspec
from msgspec import Struct

from acd.api.once import MAX_IDEMPOTENCY_KEY
from acd.api.problems import EXCEPTIONS, MEDIA_TYPE, REFUSALS, ProblemDocument
from acd.api.routes import CURSOR_HEADER, JSON, WITH_BODY, Route
from acd.core.messages.types import Id, InteractionId

Document = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"
BYTES: Final = "application/octet-stream"
_PARAMETER = re.compile(r"\{(\w+)\}")
_IDS: Final[Mapping[str, tuple[object, str]]] = {
    "agent": (Id, "The agent's id."),
    "interaction": (InteractionId, "The interaction's id."),
    "earlier": (InteractionId, "An earlier interaction's id."),
    "offer": (Id, "The offer's id: the interaction's, a full stop, a number."),
    "queue": (Id, "The queue's id."),
    "channel": (Id, "The name of its section, `[channels.NAME]`."),
    "id": (Id, "The id of the queue, agent or channel."),
    "version": (str, "The version's number."),
    "webhook": (Id, "The webhook's name."),
    "capacity": (Id, "The capacity's name."),
    "calendar": (Id, "The calendar's name."),
    "scope": (str, "`queue`, `agent` or `channel`."),
    "seq": (str, "The entry's number."),
}
"""What stands in paths."""

OWN: Final[Mapping[str, int]] = {
    "unauthorized": 401,
    "forbidden": 403,
    "foreign-origin": 403,
    "not-found": 404,
    "request-timeout": 408,
    "body-too-large": 413,
    "unsupported-media-type": 415,
    "malformed-json": 400,
    "unknown-parameter": 400,
    "invalid-parameter": 400,
    "invalid-header": 400,
    "bad-request": 400,
    "unknown-field": 422,
    "missing-field": 422,
    "idempotency-key-reused": 422,
    "done-before": 409,
    "not-supervisable": 409,
    "no-numbers": 409,
    "number-not-allowed": 409,
    "configuration-invalid": 422,
    "if-match-required": 428,
    "too-many-requests": 429,
    "internal": 500,
}
"""Codes of problems that are neither refusals nor exceptions → status."""

OF_EVENTS: Final[Mapping[str, int]] = {"cursor-unknown": 410, "cursor-too-old": 410, "too-many-connections": 429}
"""Codes of problems that only routes of events have → status."""

OF_CHATS: Final[Mapping[str, int]] = {
    "ended": 409,
    "not-talking": 409,
    "id-reused": 409,
    "conversation-full": 409,
    "too-many-notes": 409,
    "person-erased": 409,
    "conversation-active": 409,
    "too-many-conversations": 409,
    "unavailable": 503,
    "no-files": 409,
    "too-many-files": 409,
    "too-many-uploads": 429,
    "file-kind": 422,
    "file-broken": 422,
    "file-length": 422,
    "file-too-large": 413,
    "length-required": 411,
    "unknown-conversation": 404,
    "token-expired": 401,
    "token-invalid": 401,
}
"""Codes of problems that only routes of conversations in writing, and of notes, have → status."""

STATUSES: Final[Mapping[str, int]] = {
    **OF_EVENTS,
    **OF_CHATS,
    **{str(code): status for code, status in REFUSALS.items()},
    **{code: status for _, status, code, _ in EXCEPTIONS},
    **OWN,
}
"""Every code that a problem may have → its status."""

_ALWAYS: Final = ("bad-request", "unknown-parameter", "invalid-parameter", "foreign-origin", "internal")
_KNOWN: Final = ("unauthorized", "forbidden", "closed", "too-many-requests")
_BODY: Final = (
    *("malformed-json", "request-timeout", "body-too-large", "unsupported-media-type"),
    *("unknown-field", "missing-field"),
)
_COMMAND: Final = (
    *("invalid-field", "invalid-header", "idempotency-key-reused", "done-before", "answers-unavailable"),
    *("overloaded", "outcome-unknown", "journal-unavailable", "command-quarantined"),
)

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repetition harmless: the same key with the same request has one effect and one answer,"
    " also when the engine was killed in between; with another body it is refused. It counts per token, method and"
    " path, for a day unless `[api] idempotency` says otherwise.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$"},
}

_WAIT: Final = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in (
        ("Retry-After", "Seconds to wait."),
        ("RateLimit", "What is left, and seconds until there is more (IETF draft, RateLimit header fields for HTTP)."),
        ("RateLimit-Policy", "How many requests (`q`) in how many seconds (`w`)."),
    )
}

_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The etag of the version that this replaces, or `*`. Without it: 428; if another is in force: 412.",
    "schema": {"type": "string"},
}

_ABOUT: Final = """\
Everything that a contact-centre stack needs from its router. Times are ISO 8601 in UTC, durations `"20s"` or seconds.
Errors are problem documents (RFC 9457) with a stable `code`. Send `Authorization: Bearer TOKEN`; a token with the role
`agent` reaches its own agent only, one with the role `channel` is one external channel, `supervisor` and `system`
reach everything. The examples work with this configuration:

"""

_ACCESS: Final = {
    "public": "Without a token.",
    "token": "For every token.",
    "agent": "For the agent's own token, and the roles supervisor and system.",
    "supervisor": "For the roles supervisor and system.",
    "channel": "For the channel's own token, and the role system.",
    "system": "For the role system.",
}


def problems_of(route: Route) -> tuple[str, ...]:
    """Every code of a problem that the route can answer."""
    takes_body = route.method in WITH_BODY and not route.streams
    return (
        *_ALWAYS,
        *(() if route.access == "public" else _KNOWN),
        *(("not-found",) if "{" in route.path else ()),
        *(_BODY if takes_body else ()),
        *(_COMMAND if route.mutates else ()),
        *route.problems,
    )


def document(routes: Iterable[Route]) -> Document:
    """The whole document, as what JSON is made of."""
    table = tuple(routes)
    schemas = _Schemas(table)
    paths: dict[str, Document] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "acd-engine",
            "version": version("acd-engine"),
            "summary": "The API of an automatic call distribution engine.",
            "description": _ABOUT + example_configuration(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in table)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def example_configuration() -> str:
    """The configuration, in TOML, with which the examples work."""
    return files("acd.api").joinpath("docs", "example.toml").read_text("utf-8")


@cache
def _answers() -> Document:
    """What the examples were really answered, by the names of their routes; `tests/api/answers_page.py` asks."""
    found: Document = msgspec.json.decode(files("acd.api").joinpath("docs", "answers.json").read_bytes())
    return found


class _Schemas:
    """JSON schemas of every type in the table."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        types: list[object] = [ProblemDocument]
        for route in routes:
            types += [each for each in (route.body, route.answer, *route.also.values()) if each is not None]
        _, found = msgspec.json.schema_components(types, ref_template=_REFERENCE)
        self._names = {name: _plain_name(name) for name in found}
        assert len(set(self._names.values())) == len(found), "two types have one name in the document"  # noqa: S101
        self.components = {self._names[name]: self._renamed(schema) for name, schema in found.items()}

    def of(self, kind: object) -> Any:  # noqa: ANN401 - JSON
        """The schema of a type, by reference where it has a name."""
        (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
        return self._renamed(schema)

    def _renamed(self, schema: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(schema, list):
            return [self._renamed(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        renamed = {key: self._renamed(value) for key, value in schema.items()}
        if isinstance(reference := schema.get("$ref"), str):
            renamed["$ref"] = _REFERENCE.format(name=_plain_name(reference.rpartition("/")[2]))
        if isinstance(title := schema.get("title"), str):
            renamed["title"] = _plain_name(title)
        if isinstance(text := schema.get("description"), str):
            renamed["description"] = re.sub(r"\n[ ]+", "\n", text)
        return renamed


def _plain_name(name: str) -> str:
    """`AgentShape` → `Agent`: how it is made is nobody's business outside."""
    return name.removesuffix("Shape")


def _operation(route: Route, schemas: _Schemas) -> Document:
    operation: Document = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": " ".join(filter(None, (route.notes, _ACCESS[route.access], _limited(route)))),
        "parameters": [*_path_parameters(route, schemas), *_query_parameters(route)],
        "responses": _responses(route, schemas),
        "security": [] if route.access == "public" else [{"token": []}],
    }
    if route.mutates:
        operation["parameters"].append(_IDEMPOTENCY_KEY)
    if route.if_match:
        operation["parameters"].append(_if_match(route))
    if route.body is not None:
        content: Document = {"schema": schemas.of(route.body)}
        if route.example.body is not None:
            content["example"] = route.example.body
        fields = msgspec.structs.fields(route.body)
        operation["requestBody"] = {"required": any(each.required for each in fields), "content": {JSON: content}}
    if route.streams:
        operation["requestBody"] = {"required": True, "content": {BYTES: {"schema": {"type": "string"}}}}
    if route.example.after:
        operation["x-example-after"] = [str(step) for step in route.example.after]
    return operation


def _limited(route: Route) -> str:
    """What it is to tokens that are limited to queues or channels."""
    if route.scoped or route.access == "public":
        return ""
    return "Not for tokens that are limited to some queues or channels."


def _if_match(route: Route) -> Document:
    """Where it can be left out, it says which entry this is to replace."""
    if "if-match-required" in route.problems:
        return {**_IF_MATCH, "example": route.example.headers["If-Match"]}
    about = "The etag of the entry that this replaces, or `*` for one that is there. If it is another by now: 412."
    return {**_IF_MATCH, "description": about}


def _path_parameters(route: Route, schemas: _Schemas) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _IDS[name][1],
            "schema": schemas.of(_IDS[name][0]),
            **({"example": route.example.path[name]} if name in route.example.path else {}),
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[Document]:
    found = []
    for name, schema in _properties(route.query).items():
        text = schema.pop("description", "")
        parameter = {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
        if name in route.example.query:
            kind = schema.get("type")
            value = route.example.query[name]
            parameter["example"] = int(value) if kind == "integer" else value
        found.append(parameter)
    return found


def _properties(shape: type[Struct]) -> dict[str, Document]:
    _, found = msgspec.json.schema_components([shape], ref_template=_REFERENCE)
    properties: dict[str, Document] = found[shape.__name__].get("properties", {})
    return properties


def _responses(route: Route, schemas: _Schemas) -> Document:
    headers = {"X-Request-Id": {"description": "Names this request in the log.", "schema": {"type": "string"}}}
    success: Document = {"description": HTTPStatus(route.status).phrase, "headers": headers}
    if route.answer is not None:
        shown = _answers().get(route.name)
        success["content"] = {JSON: {"schema": schemas.of(route.answer), **({"example": shown} if shown else {})}}
    else:
        success["content"] = {each: {} for each in (route.media, *route.more_media)}
    if route.live:
        where = {"description": "Events after this cursor are not in the picture yet.", "schema": {"type": "string"}}
        success["headers"] = {**headers, CURSOR_HEADER: where}
    if route.status == HTTPStatus.CREATED:
        where = {"description": "Where it is shown.", "schema": {"type": "string"}}
        success["headers"] = {**headers, "Location": where}
    responses = {str(route.status): success}
    for status, kind in route.also.items():
        phrase = HTTPStatus(status).phrase
        responses[str(status)] = {"description": phrase, "content": {JSON: {"schema": schemas.of(kind)}}}
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(problems_of(route)):
        by_status.setdefault(STATUSES[code], []).append(code)
    for status, codes in sorted(by_status.items()):
        phrase = HTTPStatus(status).phrase
        responses[str(status)] = {
            "description": f"{phrase}: {', '.join(f'`{code}`' for code in codes)}.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="ProblemDocument")}}},
            **({"headers": _WAIT} if status == HTTPStatus.TOO_MANY_REQUESTS else {}),
        }
    return responses
