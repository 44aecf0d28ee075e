"""The documentation that the router serves of itself: /v1/openapi.json, and /docs to read it in a browser.

Owns these routes and the page's headers. The page is our own: no outside script, style, font or picture, and a
Content-Security-Policy that would not let one in. It says nothing that is not public, so it needs no token.
"""

from functools import cache
from importlib.resources import files
from typing import Final

from aiohttp import web

from acd.api.bodies import NoQuery, Nothing
from acd.api.context import DOCUMENT
from acd.api.routes import Call, Handler, Route

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


async def openapi(call: Call[Nothing, NoQuery]) -> web.Response:
    """The OpenAPI document."""
    return web.Response(
        body=call.request.app[DOCUMENT],
        content_type="application/json",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"},
    )


async def page(_call: Call[Nothing, NoQuery]) -> web.Response:
    """The page."""
    return _file("page.html", "text/html")


async def script(_call: Call[Nothing, NoQuery]) -> web.Response:
    """Its script."""
    return _file("page.js", "text/javascript")


async def style(_call: Call[Nothing, NoQuery]) -> web.Response:
    """Its style."""
    return _file("page.css", "text/css")


def _file(name: str, content_type: str) -> web.Response:
    return web.Response(body=_read(name), content_type=content_type, charset="utf-8", headers=_HEADERS)


@cache
def _read(name: str) -> bytes:
    return files("acd.api").joinpath("docs", name).read_bytes()


def _route(name: str, path: str, handler: Handler, summary: str, media: str) -> Route:
    return Route(name, "documentation", "GET", path, "public", handler, summary, media=media)


ROUTES: Final = (
    _route("openapi", "/v1/openapi.json", openapi, "This document.", "application/json"),
    _route("docs", "/docs", page, "This document, to be read in a browser.", "text/html"),
    _route("docs_script", "/docs/page.js", script, "The page's script.", "text/javascript"),
    _route("docs_style", "/docs/page.css", style, "The page's style.", "text/css"),
)
