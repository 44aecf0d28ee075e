"""The scripts of calls between browsers: modules that a customer's page, the desk, or a page of yours imports.

Owns where they are served. Must not know what they do: that is in `acd/pages/call/`. Unlike the desk's they are for
pages of any origin: there is nothing in them that is not public, and who may call is asked at the socket.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from acd.api.desk import media_of, page_file
from acd.api.routes import Route

FILES: Final[Mapping[str, str]] = {
    f"call/{name}.js": f"/pages/call/{name}.js"
    for name in (
        "agent",
        "call",
        "connection",
        "copy",
        "customer",
        "devices",
        "line",
        "peers",
        "problems",
        "session",
        "stats",
        "supervisor",
    )
}
"""File in `acd/pages/` → where it is served."""

_FOR_ALL: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def _route(name: str, path: str) -> Route:
    operation = "page_" + name.replace("/", "_").replace(".", "_")
    summary = f"A script of calls between browsers: {name}."
    handler = partial(page_file, name, _FOR_ALL)
    return Route(operation, "conversations", "GET", path, "public", handler, summary, media=media_of(name))


ROUTES: Final = tuple(_route(name, path) for name, path in FILES.items())
