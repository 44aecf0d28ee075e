"""Every operation of an API by its name, as the document says that the API itself serves (`/v1/openapi.json`).

Owns what becomes of arguments: path, query or body. Must not know any single route: one that an engine adds can be
called by its name at once.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

CONTENT: Final = "content"
"""The argument of an operation whose body is a file."""

_BYTES: Final = "application/octet-stream"
_METHODS: Final = ("get", "post", "put", "delete", "patch")


class Prepared(Struct, frozen=True):
    """A request that is ready to be sent."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, object] | None
    content: bytes | None = None


class Operation(Struct, frozen=True):
    """One operation: which arguments go where. `fields`: of the body, None if it takes none.

    `takes_bytes`: the body is a file, the argument `content`.
    """

    name: str
    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    fields: tuple[str, ...] | None
    takes_bytes: bool = False

    def prepare(self, arguments: Mapping[str, object]) -> Prepared:
        """The request. An argument goes into the path, else the body, else the query. Raises `TypeError`."""
        needed = (*self.in_path, CONTENT) if self.takes_bytes else self.in_path
        missing = [name for name in needed if name not in arguments]
        unknown = [name for name in arguments if name not in (*needed, *self.in_query, *(self.fields or ()))]
        if missing or unknown:
            what = f"misses {', '.join(missing)}" if missing else f"takes no {', '.join(unknown)}"
            known = ", ".join((*needed, *(self.fields or ()), *self.in_query)) or "nothing"
            raise TypeError(f"{self.name} {what}; it takes {known}")
        path = self.path
        for name in self.in_path:
            path = path.replace(f"{{{name}}}", quote(str(arguments[name]), safe=""))
        rest = {name: value for name, value in arguments.items() if name not in needed}
        fields = self.fields or ()
        body = None if self.fields is None else {name: value for name, value in rest.items() if name in fields}
        query = {name: _text(value) for name, value in rest.items() if name not in fields}
        content = arguments[CONTENT] if self.takes_bytes else None
        if content is not None and not isinstance(content, bytes):
            raise TypeError(f"{self.name} takes bytes as {CONTENT}")
        return Prepared(self.method, path, query, body, content)


def operations(document: Mapping[str, Any]) -> dict[str, Operation]:
    """Every operation of an OpenAPI document, by name."""
    found = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = _operation(document, method.upper(), path, item[method])
                found[operation.name] = operation
    return found


def _operation(document: Mapping[str, Any], method: str, path: str, said: Mapping[str, Any]) -> Operation:
    places = {kind: tuple(each["name"] for each in said["parameters"] if each["in"] == kind) for kind in _PLACES}
    fields, takes_bytes = None, False
    if "requestBody" in said:
        ((media, content),) = said["requestBody"]["content"].items()
        takes_bytes = media == _BYTES
        if not takes_bytes:
            fields = tuple(_resolved(document, content["schema"]).get("properties", ()))
    return Operation(said["operationId"], method, path, places["path"], places["query"], fields, takes_bytes)


_PLACES: Final = ("path", "query", "header")


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference stands for."""
    found: Any = schema
    while "$ref" in found:
        place = found["$ref"].removeprefix("#/").split("/")
        found = document
        for name in place:
            found = found[name]
    return dict(found)


def _text(value: object) -> str:
    """A value as it stands in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)
