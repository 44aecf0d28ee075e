"""Every operation of an API by its name, as the document says that the API itself serves (`/v1/openapi.json`).

Owns what becomes of arguments: path, query or body. Must not know any single route: one that an engine adds can be
called by its name at once.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

_METHODS: Final = ("get", "post", "put", "delete", "patch")


class Prepared(Struct, frozen=True):
    """A request that is ready to be sent."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, object] | None


class Operation(Struct, frozen=True):
    """One operation: which arguments go where. `fields`: of the body, None if it takes none."""

    name: str
    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    fields: tuple[str, ...] | None

    def prepare(self, arguments: Mapping[str, object]) -> Prepared:
        """The request. An argument goes into the path, else the body, else the query. Raises `TypeError`."""
        missing = [name for name in self.in_path if name not in arguments]
        unknown = [name for name in arguments if name not in (*self.in_path, *self.in_query, *(self.fields or ()))]
        if missing or unknown:
            what = f"misses {', '.join(missing)}" if missing else f"takes no {', '.join(unknown)}"
            known = ", ".join((*self.in_path, *(self.fields or ()), *self.in_query)) or "nothing"
            raise TypeError(f"{self.name} {what}; it takes {known}")
        path = self.path
        for name in self.in_path:
            path = path.replace(f"{{{name}}}", quote(str(arguments[name]), safe=""))
        rest = {name: value for name, value in arguments.items() if name not in self.in_path}
        fields = self.fields or ()
        body = None if self.fields is None else {name: value for name, value in rest.items() if name in fields}
        query = {name: _text(value) for name, value in rest.items() if name not in fields}
        return Prepared(self.method, path, query, body)


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
    fields = None
    if "requestBody" in said:
        (content,) = said["requestBody"]["content"].values()
        fields = tuple(_resolved(document, content["schema"]).get("properties", ()))
    return Operation(said["operationId"], method, path, places["path"], places["query"], fields)


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
