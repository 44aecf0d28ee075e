"""The chat window that a shop puts into its own pages: the files that it is made of, under /chat.

Owns these routes and their headers. Must not know what the window does: that is in `acd/pages/widget/`, as plain
modules that a browser reads as they are. They are made for pages of any origin, say nothing that is not public, and set
no cookie; who may chat is looked at where the chat begins (`acd.api.chats`). They are there where a web chat has
`widget = true`.
"""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Final

from aiohttp import web

from acd.api.bodies import NoQuery, Nothing
from acd.api.chats import CHAT_PATH
from acd.api.context import API, TOGETHER
from acd.api.problems import not_found
from acd.api.routes import Call, Route
from acd.runtime.chat.channel import WebChatChannel

FILES: Final[Mapping[str, str]] = {
    f"widget/{name}": f"/chat/{name}"
    for name in (
        "widget.js",
        "callbar.js",
        "calling.js",
        "chat.js",
        "composer.js",
        "dom.js",
        "filelines.js",
        "files.js",
        "forms.js",
        "keeping.js",
        "link.js",
        "log.js",
        "panel.js",
        "settings.js",
        "texts.js",
        "tickets.js",
        "turns.js",
        "words.js",
        "widget.css",
        "words.en.json",
        "words.zh.json",
    )
}
"""File in `acd/pages/` → where it is served."""

ANY_PAGE: Final = frozenset({CHAT_PATH, *FILES.values()})
"""What pages of every origin may read, as long as they send no cookie: it is the same for everybody."""

MAX_AGE: Final = 600
"""Seconds for which a browser does not ask again: a shop's every page has the window, and acd other things to do. All
files are read together, so that a page has them of one release but for this long after an update."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": f"public, max-age={MAX_AGE}",
    "Vary": "Accept-Encoding",
}

_MEDIA: Final = {"js": "text/javascript", "json": "application/json", "css": "text/css"}


async def _file(name: str, call: Call[Nothing, NoQuery]) -> web.Response:
    if not _is_wanted(call):
        raise not_found("page")
    coding = "gzip" if "gzip" in call.request.headers.get("Accept-Encoding", "").lower() else ""
    body, etag = _read(name, coding)
    headers = {**_HEADERS, "ETag": etag, **({"Content-Encoding": coding} if coding else {})}
    if etag in {each.strip() for each in call.request.headers.get("If-None-Match", "").split(",")}:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=_media(name), charset="utf-8", headers=headers)


def _is_wanted(call: Call[Nothing, NoQuery]) -> bool:
    """Whether a web chat of any domain at this address has the window."""
    for app in TOGETHER.get() or (call.request.app,):
        router = app[API].router
        names = router.health().get("channels")
        for name in names if isinstance(names, Iterable) else ():
            channel = router.channel(str(name))
            if isinstance(channel, WebChatChannel) and channel.options.widget:
                return True
    return False


@cache
def _read(name: str, coding: str) -> tuple[bytes, str]:
    """The file as it travels, and its tag: of the same contents in every process, and of every release."""
    body = files("acd").joinpath("pages", *name.split("/")).read_bytes()
    tag = hashlib.sha256(body).hexdigest()[:32]
    return (gzip.compress(body, mtime=0), f'"{tag}-{coding}"') if coding else (body, f'"{tag}"')


def _media(name: str) -> str:
    return _MEDIA[name.rpartition(".")[2]]


def _route(name: str, path: str) -> Route:
    operation = "page_" + name.replace("/", "_").replace(".", "_")
    summary = f"A file of the chat window for shops' pages: {name.rpartition('/')[2]}."
    return Route(operation, "conversations", "GET", path, "public", partial(_file, name), summary, media=_media(name))


ROUTES: Final = tuple(_route(name, path) for name, path in FILES.items())
