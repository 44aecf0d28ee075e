"""The pages of the demo: the shop's server, the ports, and whether a browser would find everything in its place.

Owns the shop's address, so that its pages are foreign to acd's, with the policy that CHAT.md names; and the requests by
which the verdict knows. Must not know how the engine runs, nor what is on the pages.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import aiohttp
from aiohttp import web

from examples.demo.audience import CALLS, CHAT, SEATS, Places, configuration, draw_tokens, invitation, reminder
from examples.demo.verdict import Check

HOST: Final = "127.0.0.1"
FIRST_PORT: Final = 8420
"""The API's, as the documentation has it; the shop's is the next one."""

PAIRS: Final = 20
"""So many are tried, one after another, where somebody has these."""

LOOK_SECONDS: Final = 5.0

SHOP: Final = Path(__file__).parent.parent / "shop"
_ADDRESS_IN_PAGES: Final = "http://127.0.0.1:8420"
_FILES: Final = {"/": "index.html", **{f"/{name}": name for name in ("index.html", "zh.html", "shop.css", "leaf.svg")}}
_MEDIA: Final = {"html": "text/html", "css": "text/css", "svg": "image/svg+xml"}
_POLICY: Final = (
    "default-src 'none'; script-src {acd}; connect-src {acd} {sockets}; style-src 'self'; img-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

_STRANGER: Final = "http://shop.example"
_SOCKETS: Final = {
    "chat": (f"/v1/chat?channel={CHAT}", "acd.chat.v1+json"),
    "calls": (f"/v1/call?channel={CALLS}", "acd.call.v1+json"),
}
_SCRIPT: Final = re.compile(r'<script [^>]*src="([^"]+)"')


class Pages:
    """Open from `open` until `close`. `port` is the API's, however often the engine is killed.

    `tokens`: of the seats, by their ids. `places`: where browsers find the pages.
    """

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self.port = 0
        self.tokens = draw_tokens()
        self.places = Places("", "")
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Find the ports, serve the shop. Raises `OSError` when there are none."""
        self.port, shop = _ports()
        app = web.Application()
        app.router.add_get("/{name:.*}", self._file)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, shop).start()
        self.places = Places(f"http://{HOST}:{self.port}", f"http://{HOST}:{shop.getsockname()[1]}")

    async def close(self) -> None:
        """Idempotent."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def configuration(self, folder: Path) -> str:
        """What `acd.toml` has about them; the tokens go into the folder."""
        return configuration(self.places, folder, self.tokens)

    def invitation(self, until: str) -> list[str]:
        """For the audience."""
        return invitation(self.places, self.tokens, until)

    def reminder(self) -> list[str]:
        """The same, shorter."""
        return reminder(self.places, self.tokens)

    async def look(self) -> list[Check]:
        """As a browser would: the pages with their scripts, the sign-in, the customers' sockets."""
        timeout = aiohttp.ClientTimeout(total=LOOK_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            looking = _Looking(session, self.places)
            return [
                await _check(
                    "desk, wallboard and shop are served, each with its script",
                    {
                        "desk": partial(looking.page, self.places.desk),
                        "wallboard": partial(looking.page, self.places.wallboard),
                        "shop": partial(looking.page, f"{self.places.shop}/"),
                        "中文": partial(looking.page, f"{self.places.shop}/zh.html"),
                    },
                ),
                await _check(
                    "the tokens sign in, and nothing else does",
                    {
                        **{seat.name: partial(looking.signs_in, self.tokens[seat.id]) for seat in SEATS},
                        "a stranger's": partial(looking.signs_in, "x" * 20, wanted=401),
                    },
                ),
                await _check(
                    "the shop's pages are answered at the sockets for chat and calls, others are not",
                    {name: partial(looking.answers, *socket) for name, socket in _SOCKETS.items()},
                ),
            ]

    async def _file(self, request: web.Request) -> web.Response:
        name = _FILES.get(request.path)
        if name is None:
            raise web.HTTPNotFound
        acd = self.places.acd
        text = (SHOP / name).read_text(encoding="utf-8").replace(_ADDRESS_IN_PAGES, acd)
        headers = {
            "Content-Security-Policy": _POLICY.format(acd=acd, sockets=acd.replace("http://", "ws://")),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",  # the addresses in it are those of this performance
        }
        return web.Response(text=text, content_type=_MEDIA[name.rpartition(".")[2]], headers=headers)


class _Looking:
    """What a browser would do. Each method says whether it is as it should be."""

    def __init__(self, session: aiohttp.ClientSession, places: Places) -> None:
        self._session = session
        self._places = places

    async def page(self, url: str) -> bool:
        """The page under a policy, and its script."""
        async with self._session.get(url) as answer:
            found = _SCRIPT.search(await answer.text())
            if (
                answer.status != web.HTTPOk.status_code
                or found is None
                or "Content-Security-Policy" not in answer.headers
            ):
                return False
            script = urljoin(url, found[1])
        async with self._session.get(script) as answer:
            return answer.status == web.HTTPOk.status_code and answer.content_type == "text/javascript"

    async def signs_in(self, token: str, wanted: int = 201) -> bool:
        """A session begins, and is ended."""
        headers = {"Origin": self._places.acd, "Authorization": f"Bearer {token}"}
        async with self._session.post(f"{self._places.acd}/v1/session", headers=headers) as answer:
            if answer.status != wanted:
                return False
            cookies = "; ".join(f"{name}={each.value}" for name, each in answer.cookies.items())
        if not cookies:
            return wanted != web.HTTPCreated.status_code
        headers = {"Origin": self._places.acd, "Cookie": cookies}
        async with self._session.delete(f"{self._places.acd}/v1/session", headers=headers) as answer:
            return answer.ok

    async def answers(self, path: str, protocol: str) -> bool:
        """To the shop's pages a welcome, to a stranger's 403."""
        url, said = f"{self._places.acd}{path}", {}
        async with self._session.ws_connect(url, origin=self._places.shop, protocols=(protocol,)) as link:
            await link.send_json({"type": "hello"})
            said = await link.receive_json()
        try:
            async with self._session.ws_connect(url, origin=_STRANGER, protocols=(protocol,)):
                return False
        except aiohttp.WSServerHandshakeError as refused:
            return said.get("type") == "welcome" and refused.status == web.HTTPForbidden.status_code


async def _check(claim: str, looks: dict[str, Callable[[], Awaitable[bool]]]) -> Check:
    found: list[str] = []
    for name, look in looks.items():
        good = False
        with suppress(aiohttp.ClientError, TimeoutError, TypeError, ValueError):
            good = await look()
        if not good:
            found.append(name)
    counted = f"{len(looks) - len(found)} of {len(looks)}{': not ' if found else ''}{', '.join(found)}"
    return Check(claim, held=not found, counted=counted)


def _ports() -> tuple[int, socket.socket]:
    """The API's, and the shop's, held: so two demos that begin at once take different ones."""
    for first in range(FIRST_PORT, FIRST_PORT + 2 * PAIRS, 2):
        try:
            shop = socket.create_server((HOST, first + 1))
        except OSError:
            continue
        with suppress(OSError), socket.create_server((HOST, first)):
            return first, shop
        shop.close()
    raise OSError(f"no two free ports next to each other from {FIRST_PORT} to {FIRST_PORT + 2 * PAIRS - 1} on {HOST}")
