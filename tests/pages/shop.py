"""A shop of another origin with a chat window on its pages, under a strict policy; an agent who answers by the API.

The shop is a server of its own, so that every page of it is foreign to acd's. Its policy allows acd's scripts and
connections and nothing else. Must not know how the window is made, but for the names of its controls.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode

from tests.pages.centre import Centre
from tests.pages.screen import PATIENCE_MS
from tests.runtime.chat.chats import IDENTITY_SECRET, signed
from tests.served import TOKEN, write_secret

if TYPE_CHECKING:
    from re import Pattern

    from playwright.sync_api import Dialog, Locator, Page
    from playwright.sync_api._generated import LocatorAssertions

POLL_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 15.0

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[agents.anna]
[agents.boris]
[queues.sales]
offer_timeout = "2m"
[queues.night]
offer_timeout = "2m"
[queues.gone]
when_closed = { release = "come-tomorrow" }
[channels.shop]
type = "webchat"
origins = [ORIGIN]
queues = ["sales", "night", "gone"]
widget = true
messages = true
files = true
file_megabytes = 8
names = { anna = "Anna W." }
identity_secret_file = "identity.secret"
[channels.strict]
type = "webchat"
origins = ["https://elsewhere.example"]
queues = ["sales"]
"""


class Shop:
    """Its server. `pictures`: what its policy says of them. `markup`: what others have written into its pages."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.origin = f"http://127.0.0.1:{server.server_address[1]}"
        self.centre: Centre
        self.wire = ""
        self.pictures = "img-src blob:; "
        self.markup = ""

    @property
    def address(self) -> str:
        """Where browsers find acd; set it where something is in between."""
        return self.wire or self.centre.address

    @address.setter
    def address(self, wire: str) -> None:
        self.wire = wire

    @property
    def policy(self) -> str:
        """What CHAT.md says that a shop has to allow, and nothing else but its own style sheet."""
        acd = self.address
        return (
            f"default-src 'none'; script-src {acd}; connect-src {acd} {acd.replace('http', 'ws', 1)}; "
            f"{self.pictures}style-src 'self'; base-uri 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def page(self, attributes: dict[str, str], *, loud: bool, lang: str) -> str:
        """The page's text."""
        said = "".join(f' {name}="{escape(text)}"' for name, text in attributes.items())
        style = '<link rel="stylesheet" href="/loud.css">' if loud else ""
        script = f'<script type="module" src="{self.address}/chat/widget.js"{said}></script>'
        head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title>{style}'
        body = f'{self.markup}<h1>Shop</h1><button id="own">Buy</button><p>Shoes.</p>'
        return f'<!doctype html><html lang="{lang}"><head>{head}{script}</head><body>{body}</body></html>'


def vouching(account: str, *, seconds: int = 600, audience: str = "shop", **claims: object) -> str:
    """What the shop's server signs of a customer, for so long from now."""
    return signed({"sub": account, "aud": audience, "exp": int(time.time()) + seconds, **claims})


LOUD: Final = """* { background: black; color: black !important; display: none; font-size: 60px; opacity: 0.1; }
html, body, h1 { display: block; }"""


@contextmanager
def opened(folder: Path, config: str = CONFIG) -> Iterator[Shop]:
    """The shop, and acd behind it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            is_style = path == "/loud.css"
            asked = json.loads(unquote(query)) if query else {}
            lang = asked.pop("lang", "en")
            text = LOUD if is_style else shop.page({"data-channel": "shop", **asked}, loud=path == "/loud", lang=lang)
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"text/{'css' if is_style else 'html'}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", shop.policy)
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop = Shop(server)
        write_secret(folder)
        write_secret(folder, "identity.secret", IDENTITY_SECRET)
        (folder / "acd.toml").write_text(config.replace("ORIGIN", json.dumps(shop.origin)))
        shop.centre = Centre(folder)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield shop
        finally:
            server.shutdown()
            shop.centre.served.kill()


class Agent:
    """An agent at a desk of somebody else's making."""

    def __init__(self, centre: Centre, name: str = "anna") -> None:
        self.centre = centre
        self.name = name
        self.said = 0

    def asks(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """The answer's JSON; raises with the problem for any that is no success."""
        return self._asks(method, path, None if body is None else json.dumps(body).encode(), "application/json")

    def _asks(self, method: str, path: str, body: bytes | None, media: str) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.centre.address}{path}",
            method=method,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": media},
            data=body,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                text = response.read()
        except HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        return json.loads(text) if text else None

    def sign_in(self) -> Agent:
        self.asks("POST", f"/v1/agents/{self.name}/sign-in", {"ready": True})
        return self

    def sign_out(self) -> None:
        """Whatever is in hand is over."""
        for each in self.conversations():
            if each["state"] == "active":
                self.ends(each["interaction_id"])
        self.asks("POST", f"/v1/agents/{self.name}/sign-out", {})

    def conversations(self) -> list[dict[str, Any]]:
        return list(self.asks("GET", f"/v1/agents/{self.name}/conversations")["conversations"])

    def accepts(self) -> str:
        """Whatever rings next; returns its id."""
        offers = self.until(lambda: self.asks("GET", f"/v1/agents/{self.name}/offers")["offers"])
        self.asks("POST", f"/v1/offers/{offers[0]['id']}/accept", {"agent_id": self.name})
        return str(offers[0]["interaction"]["id"])

    def says(self, conversation: str, text: str) -> None:
        self.said += 1
        path = f"/v1/agents/{self.name}/conversations/{conversation}/messages"
        self.asks("POST", path, {"id": f"{self.name}-{self.said}", "text": text})

    def does(self, conversation: str, what: str, body: object) -> None:
        self.asks("POST", f"/v1/agents/{self.name}/conversations/{conversation}/{what}", body)

    def entries(self, conversation: str) -> list[dict[str, Any]]:
        path = f"/v1/agents/{self.name}/conversations/{conversation}"
        return list(self.asks("GET", path)["entries"])

    def texts(self, conversation: str, side: str = "customer") -> list[str]:
        return [each["text"] for each in self.entries(conversation) if each["side"] == side]

    def files(self, conversation: str, side: str = "customer") -> list[dict[str, Any]]:
        return [each for each in self.entries(conversation) if each["kind"] == "file" and each["side"] == side]

    def hears(self, conversation: str, texts: list[str]) -> None:
        """Those that the customer has written, in order and once."""
        self.until(lambda: len(self.texts(conversation)) >= len(texts))
        assert self.texts(conversation) == texts

    def marks(self) -> dict[str, int]:
        """How far the customer of the only conversation has got."""
        (conversation,) = self.conversations()
        return dict(conversation["customer"])

    def sends(self, conversation: str, data: bytes, name: str) -> int:
        """A file; returns its number."""
        self.said += 1
        query = urlencode({"id": f"{self.name}-{self.said}", "name": name})
        path = f"/v1/agents/{self.name}/conversations/{conversation}/files?{query}"
        return int(self._asks("POST", path, data, "application/octet-stream")["seq"])

    def gets(self, conversation: str, seq: int) -> bytes:
        """A file's bytes."""
        path = f"/v1/agents/{self.name}/conversations/{conversation}/files/{seq}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(f"{self.centre.address}{path}", headers=headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            found: bytes = response.read()
        return found

    def ends(self, conversation: str) -> None:
        self.asks("POST", f"/v1/interactions/{conversation}/end", {"by": "agent"})

    def queue(self, queue: str, *, opens: bool) -> None:
        self.asks("POST", f"/v1/queues/{queue}/{'open' if opens else 'close'}", {} if opens else {"reason": "night"})

    def until(self, found: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is found
        """What `found` returns as soon as that is something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (result := found()):
            assert time.monotonic() < deadline, found
            time.sleep(POLL_SECONDS)
        return result


class Window:
    """One tab with a page of the shop's. `noted`: what no test is to see."""

    def __init__(self, page: Page, shop: Shop) -> None:
        self.page = page
        self.shop = shop
        self.noted: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.noted.append(f"error: {error}"))

    def visit(self, path: str = "/", **attributes: str) -> Window:
        query = quote(json.dumps(attributes)) if attributes else ""
        self.page.goto(f"{self.shop.origin}{path}?{query}")
        return self.is_there()

    def reload(self) -> Window:
        self.page.reload()
        return self.is_there()

    def is_there(self) -> Window:
        """The policy lets the driver wait for no function: that needs `eval`."""
        self.page.locator(".acd-chat").wait_for(state="attached")
        return self

    def open(self) -> Window:
        self.launch.click()
        expect(self.dialog).to_be_visible()
        return self

    @property
    def launch(self) -> Locator:
        return self.page.locator(".acd-chat .launch")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def field(self) -> Locator:
        return self.dialog.get_by_label("Your message", exact=True)

    def button(self, name: str) -> Locator:
        return self.dialog.get_by_role("button", name=name, exact=True)

    def writes(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def shows(self, texts: list[str], *, timeout: float = PATIENCE_MS) -> None:
        """All messages, of both sides, in order and once."""
        expect(self.dialog.locator(".message .text")).to_have_text(texts, timeout=timeout)

    def stands(self, text: str | Pattern[str]) -> None:
        expect(self.dialog.locator(".status")).to_have_text(text, timeout=PATIENCE_MS)

    def last_state(self, text: str) -> None:
        expect(self.dialog.locator(".customer .state").last).to_have_text(text, timeout=PATIENCE_MS)

    def says(self, text: str) -> None:
        expect(self.dialog.get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)

    def stored(self) -> list[str]:
        """Everything that the browser keeps for the shop's pages, and for acd's."""
        kept = self.page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie]")
        databases = self.page.evaluate("indexedDB.databases().then((all) => all.map(({name}) => name))")
        cookies = [each["name"] for each in self.page.context.cookies()]
        return [each for each in (*kept, *databases, *cookies) if each]

    def check(self) -> None:
        """It has violated no policy, raised no error and shown no dialog."""
        assert self.page.evaluate("window.violations") == []
        assert self.noted == []

    def _dialog(self, dialog: Dialog) -> None:
        self.noted.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def expect(locator: Locator) -> LocatorAssertions:
    from playwright.sync_api import expect as expected  # noqa: PLC0415 - where it is missing, tests say so

    return expected(locator)
