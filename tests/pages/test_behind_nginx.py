"""Desk and chat window in a real Chromium, behind a real nginx with the settings of deploy/nginx/acd.conf."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.deploy.nginx import PATIENCE_SECONDS, POLL_SECONDS, started
from tests.pages.centre import token_of
from tests.pages.conftest import NOTING
from tests.pages.screen import CONNECTED, PATIENCE_MS
from tests.pages.shop import CONFIG, Shop, Window, expect, opened
from tests.served import write_secret

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MEGABYTES: Final = 3
"""Of the file that is sent: more than a proxy passes on that has been told nothing."""

DESK: Final = """\
[api]
port = 0
sessions = { secure = true }
[api.desk]
enabled = true
[[api.tokens]]
name = "anna"
token_file = "anna.token"
roles = ["agent"]
agent = "anna"
"""


@contextmanager
def nginx(folder: Path, acd: str) -> Iterator[str]:
    """In front of acd, until it is no longer needed; the address that the world sees."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process, _ = started(folder, acd.removeprefix("http://"), port)
    with process:
        try:
            _listens(process, port)
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert process.poll() is None, "nginx has ended"
        assert time.monotonic() < deadline, "nginx does not listen"
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(POLL_SECONDS)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Its pages load acd's script from nginx; one page of an address may chat."""
    write_secret(tmp_path, "anna.token", token_of("anna"))
    config = CONFIG.replace("[api]\nport = 0\n", DESK).replace("widget = true", "widget = true\nper_address = 1")
    with opened(tmp_path, config) as found, nginx(tmp_path, found.centre.address) as address:
        found.address = address
        yield found


@pytest.fixture
def pages(chromium: Browser) -> Iterator[tuple[Page, Page]]:
    """Two windows of different people, who trust the certificate."""
    contexts = [chromium.new_context(locale="en-GB", timezone_id="UTC", ignore_https_errors=True) for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(NOTING)
    one, two = (context.new_page() for context in contexts)
    yield one, two
    for context in contexts:
        context.close()


def _upgraded(shop: Shop, **headers: str) -> int:
    """What a chat's socket is answered at the proxy, for a page that says so of itself."""
    url = shop.address.removeprefix("https://")
    connection = http.client.HTTPSConnection(url, context=ssl._create_unverified_context())  # noqa: S323 - our own
    wanted = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    wanted |= {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OTAxMjM0NQ==", "Sec-WebSocket-Protocol": "acd.chat.v1+json"}
    connection.request("GET", "/v1/chat?channel=shop", headers={**wanted, "Origin": shop.origin, **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def test_they_write_and_send_a_file_and_an_address_is_bounded(shop: Shop, pages: tuple[Page, Page]) -> None:
    desk, page = pages
    desk.goto(f"{shop.address}/desk")
    desk.get_by_label("Your token").fill(token_of("anna"))
    desk.get_by_role("button", name="Sign in").click()
    desk.get_by_role("button", name="Ready", exact=True).click()
    expect(desk.get_by_text(CONNECTED, exact=True)).to_be_visible()
    (cookie,) = desk.context.cookies()
    assert (cookie["name"], cookie["secure"]) == ("__Host-acd-session", True)
    window = Window(page, shop).visit().open()
    window.writes("Hello")
    desk.get_by_role("button", name=re.compile("^Accept: ")).click()
    field = desk.locator("#conversation textarea")
    field.fill("Good day!")
    field.press("Enter")
    window.shows(["Hello", "Good day!"])
    large = {"name": "list.txt", "mimeType": "text/plain", "buffer": b"tea\n" * (MEGABYTES * 250_000)}
    window.dialog.locator("input[type=file]").set_input_files(large)  # type: ignore[arg-type]
    with desk.expect_download() as download:
        desk.locator("#conversation").get_by_text("list.txt").click()
    assert download.value.path().stat().st_size == MEGABYTES * 1_000_000
    assert _upgraded(shop) == http.client.TOO_MANY_REQUESTS
    assert _upgraded(shop, **{"X-Forwarded-For": "192.0.2.7"}) == http.client.TOO_MANY_REQUESTS
    window.check()
    assert desk.evaluate("window.violations") == []
