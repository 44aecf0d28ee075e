"""Pages of other origins, in the browser of somebody who is signed in: they get nothing, do nothing and show nothing.

The foreign page is of the same host and another port, so that the browser takes it for the same site and sends the
cookie along, `SameSite=Strict` or not: what keeps it out is the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.pages.centre import Centre
from tests.pages.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Page

SEND = """(url) => fetch(url, {method: "POST", mode: "no-cors", credentials: "include"})
                 .then(() => "sent", () => "failed")"""
READ = """(url) => fetch(url, {credentials: "include"}).then((answer) => answer.text(), () => "not read")"""
FETCH = """(url) => fetch(url, {mode: "no-cors", credentials: "include"}).then(() => "sent")"""
CONNECT = """(url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => done("open");
  socket.onclose = () => done("refused");
})"""
FRAME = """(url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.onload = () => done();
  frame.src = url;
  document.body.append(frame);
})"""
NULL = """(url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<script>fetch("${url}", {method: "POST", mode: "no-cors", credentials: "include"})
                    .finally(() => parent.postMessage("done", "*"))</script>`;
  addEventListener("message", () => done("sent"), {once: true});
  document.body.append(frame);
})"""


class Blank(BaseHTTPRequestHandler):
    """Every page is empty. `cookies`: what browsers sent for them."""

    cookies: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


@contextmanager
def another_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def foreign(screen: Screen) -> Iterator[Page]:
    """A page of elsewhere, beside that of an agent who is ready."""
    screen.sign_in("anna", name="Anna Example")
    screen.button("Ready").click()
    screen.is_pressed("Ready")
    with another_server() as address:
        page = screen.page.context.new_page()
        page.goto(address)
        yield page
        page.close()


def test_the_browser_gives_the_cookie_to_others_and_the_server_refuses_it(foreign: Page, centre: Centre) -> None:
    with foreign.expect_response("**/sign-out") as found:
        assert foreign.evaluate(SEND, f"{centre.address}/v1/agents/anna/sign-out") == "sent"
    assert found.value.status == 403
    assert any("acd-session=" in each for each in Blank.cookies), "cookies do not know ports"
    assert centre.presence("anna") == ("ready", "")


def test_an_origin_of_nobody_is_refused(foreign: Page, centre: Centre) -> None:
    with foreign.expect_response("**/sign-out") as found:
        assert foreign.evaluate(NULL, f"{centre.address}/v1/agents/anna/sign-out") == "sent"
    assert found.value.status == 403
    assert centre.presence("anna") == ("ready", "")


def test_nothing_can_be_read(foreign: Page, centre: Centre) -> None:
    """Neither by the page, whom the browser shows nothing, nor by the browser on its behalf."""
    assert foreign.evaluate(READ, f"{centre.address}/v1/agents/anna") == "not read"
    with foreign.expect_response("**/v1/agents/anna") as found:
        foreign.evaluate(FETCH, f"{centre.address}/v1/agents/anna")
    assert found.value.status == 403


def test_no_socket_is_opened(foreign: Page, centre: Centre) -> None:
    address = centre.address.replace("http://", "ws://")
    assert foreign.evaluate(CONNECT, f"{address}/v1/events") == "refused"


def test_the_page_is_shown_in_no_frame(foreign: Page, centre: Centre) -> None:
    """What a browser shows instead is a page of its own; a page that may be framed is there under its address."""
    foreign.evaluate(FRAME, f"{centre.address}/desk")
    foreign.evaluate(FRAME, foreign.url)
    assert [frame.url for frame in foreign.frames[1:]] == ["chrome-error://chromewebdata/", foreign.url]


def test_our_own_page_may_do_all_of_it(screen: Screen, centre: Centre, foreign: Page) -> None:
    """The same requests, so that the others are refused for where they come from."""
    page, address = screen.page, centre.address.replace("http://", "ws://")
    assert page.evaluate(CONNECT, f"{address}/v1/events") == "open"
    assert '"anna"' in page.evaluate(READ, f"{centre.address}/v1/agents/anna")
    assert foreign.url.startswith("http://127.0.0.1:")
