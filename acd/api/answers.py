"""Successful responses as JSON. Owns the encoding and its headers; must not know what is in them."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """`body` (a Struct, or dicts and lists of them) as JSON that nobody caches."""
    return encoded(msgspec.json.encode(body), status, headers)


def encoded(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON that has been encoded already."""
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={**_HEADERS, **(headers or {})},
    )
