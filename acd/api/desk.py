"""The agents' page: /desk, the files that it is made of, and what it is told of the configuration.

Owns these routes and their headers. Must not know what the page does: that is in `acd/pages/`, as plain modules that a
browser reads as they are. The files say nothing that is not public, so they need no token. They are ours alone: no
outside script, style, font or picture, nothing inline, and a Content-Security-Policy that lets none of that in; nor may
any script make markup of a text (`require-trusted-types-for`). Besides the API the page may connect to the WebSockets
of agents' telephones in the browser, where there are any, and to nothing else.
"""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from operator import attrgetter
from typing import Final

from aiohttp import web
from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.context import API, TOGETHER
from acd.api.phones import phones_of
from acd.api.routes import Call, Example, Route, Tag
from acd.runtime.config.model import DeskConfig

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{phones}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

FILES: Final[Mapping[str, str]] = {
    "desk/index.html": "/desk",
    "desk/alerts.js": "/desk/alerts.js",
    "desk/answers.js": "/desk/answers.js",
    "desk/calls.js": "/desk/calls.js",
    "desk/clock.js": "/desk/clock.js",
    "desk/composer.js": "/desk/composer.js",
    "desk/conversation.js": "/desk/conversation.js",
    "desk/conversations.js": "/desk/conversations.js",
    "desk/describe.js": "/desk/describe.js",
    "desk/desk.js": "/desk/desk.js",
    "desk/devices.js": "/desk/devices.js",
    "desk/page-call.js": "/desk/page-call.js",
    "desk/phone.js": "/desk/phone.js",
    "desk/phone-call.js": "/desk/phone-call.js",
    "desk/voice.js": "/desk/voice.js",
    "desk/voice-page.js": "/desk/voice-page.js",
    "desk/voice-phone.js": "/desk/voice-phone.js",
    "desk/drafts.js": "/desk/drafts.js",
    "desk/before.js": "/desk/before.js",
    "desk/earlier.js": "/desk/earlier.js",
    "desk/earlier.css": "/desk/earlier.css",
    "desk/facts.js": "/desk/facts.js",
    "desk/files.js": "/desk/files.js",
    "desk/front.js": "/desk/front.js",
    "desk/handing.js": "/desk/handing.js",
    "desk/links.js": "/desk/links.js",
    "desk/missed.js": "/desk/missed.js",
    "desk/note-box.js": "/desk/note-box.js",
    "desk/notes.js": "/desk/notes.js",
    "desk/offers.js": "/desk/offers.js",
    "desk/outbox.js": "/desk/outbox.js",
    "desk/presence.js": "/desk/presence.js",
    "desk/transcript.js": "/desk/transcript.js",
    "desk/work.js": "/desk/work.js",
    "desk/calls.css": "/desk/calls.css",
    "desk/conversation.css": "/desk/conversation.css",
    "desk/desk.css": "/desk/desk.css",
    "desk/words.en.json": "/desk/words.en.json",
    "desk/words.zh.json": "/desk/words.zh.json",
    "common/dom.js": "/pages/common/dom.js",
    "common/events.js": "/pages/common/events.js",
    "common/kept.js": "/pages/common/kept.js",
    "common/requests.js": "/pages/common/requests.js",
    "common/session.js": "/pages/common/session.js",
    "common/sign-in.js": "/pages/common/sign-in.js",
    "common/words.js": "/pages/common/words.js",
    "common/page.css": "/pages/common/page.css",
    "common/icon.svg": "/pages/common/icon.svg",
    "vendor/jssip.js": "/pages/vendor/jssip.js",
    "vendor/jssip.txt": "/pages/vendor/jssip.txt",
}
"""File in `acd/pages/` → where it is served."""

SHARED: Final = frozenset({"desk/devices.js", "desk/phone.js", "desk/phone-call.js"})
"""Of these, what other pages need as well: a telephone."""

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, and asked for by its ETag each time: a page is never of two releases
}

_PAGES: Final = {"desk/index.html": "The agents' page", "wallboard/index.html": "The supervisors' page"}

_MEDIA: Final = {
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "css": "text/css",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}

DESK: Final[web.AppKey[DeskConfig | None]] = web.AppKey("acd_desk")
"""What the desk is configured with; None where it is not served."""


class AnswerShape(Struct):
    """A canned answer: its name, and what it says."""

    name: str
    text: str


class DeskShape(Struct):
    """What the desk is configured with. `reasons`: for which an agent can be not ready, in this order.

    `answers`: canned ones, in this order; `{agent}` and `{customer}` in them stand for names. `notes`: agents may write
    some.
    """

    reasons: tuple[str, ...]
    answers: tuple[AnswerShape, ...]
    notes: bool


async def show_desk(call: Call[Nothing, NoQuery]) -> DeskShape:
    """What the desk is configured with."""
    config = call.request.app[DESK] or DeskConfig()
    answers = tuple(AnswerShape(name, text) for name, text in config.answers)
    return DeskShape(config.reasons, answers, config.notes and bool(config.keep_us))


async def page_file(name: str, more: Mapping[str, str], call: Call[Nothing, NoQuery]) -> web.Response:
    """A file of `acd/pages/`, or that it has not changed; with `more` headers, or others than usual."""
    body, etag = _read(name)
    headers = {**_HEADERS, "Content-Security-Policy": _policy(call), **more, "ETag": etag}
    if etag in {each.strip() for each in call.request.headers.get("If-None-Match", "").split(",")}:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=media_of(name), charset="utf-8", headers=headers)


def _policy(call: Call[Nothing, NoQuery]) -> str:
    """Where several domains share the address, the page is everybody's, and so are the telephones' addresses."""
    apps = TOGETHER.get() or (call.request.app,)
    urls = {url for phones in phones_of(app[API].router for app in apps) for url in phones.urls}
    return POLICY.format(phones="".join(f" {each}" for each in sorted(urls)))


@cache
def _read(name: str) -> tuple[bytes, str]:
    """The file, and its tag: of the same contents in every process, and of every release."""
    body = files("acd").joinpath("pages", *name.split("/")).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


@cache
def release() -> str:
    """A word for all files of the pages together: another one when any of them differs."""
    digest = hashlib.sha256()
    folders = [files("acd").joinpath("pages")]
    for folder in folders:
        for each in sorted(folder.iterdir(), key=attrgetter("name")):
            if each.is_dir():
                folders.append(each)
            else:
                digest.update(each.read_bytes())
    return digest.hexdigest()[:16]


def media_of(name: str) -> str:
    """Its media type."""
    return _MEDIA[name.rpartition(".")[2]]


def page_routes(served: Mapping[str, str], tag: Tag) -> tuple[Route, ...]:
    """The routes of these files. What all pages have in common is there wherever people sign in."""
    return tuple(_route(name, path, _tag(name, tag)) for name, path in served.items())


def _tag(name: str, tag: Tag) -> Tag:
    return "sessions" if name in SHARED or name.startswith(("common/", "vendor/")) else tag


def _route(name: str, path: str, tag: Tag) -> Route:
    operation = "page_" + name.replace("/", "_").replace(".", "_")
    page = _PAGES.get(name)
    summary = f"{page}." if page else f"A file of the pages for people who sign in: {name}."
    return Route(operation, tag, "GET", path, "public", partial(page_file, name, {}), summary, media=media_of(name))


ROUTES: Final = (
    Route(
        "show_desk",
        "desk",
        "GET",
        "/v1/desk",
        "token",
        show_desk,
        "What the agents' page is configured with.",
        DeskShape,
        example=Example(shows={"reasons": ["break", "lunch", "training", "meeting"], "answers": [], "notes": True}),
        scoped=True,
    ),
    *page_routes(FILES, "desk"),
)
