"""Which pages get in, at every door of the real `acd serve`: by sockets, by cookie, with files.

What an origin may look like is tried in one place, so that no door is forgotten.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.served import CONFIG, TOKEN, Served, write_centre

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP: Final = "https://shop.example"
MORE: Final = f"""\
[api.desk]
enabled = true
[channels.shop]
type = "webchat"
origins = ["{SHOP}"]
queues = ["sales"]
files = true
[channels.talk]
type = "webrtc"
origins = ["{SHOP}"]
queues = ["sales"]
"""
ODD: Final = (
    *("null", "NULL", "", "file://", "shop.example", "//shop.example", "ws://shop.example", "http://shop.example"),
    *("https://shop.example.", "https://shop.example:443", "https://shop.example:444", "https://shop.example/"),
    *("https://shop.example.evil.example", "https://evilshop.example", "https://www.shop.example"),
    *("https://shop.example@evil.example", "https://evil.example#https://shop.example", "https://shop.example%00"),
    *("https://shop.example, https://evil.example", "https://xn--hop-5cd.example", "https://\u0455hop.example"),
    *("http://127.0.0.1", "http://127.0.0.1:1", "http://localhost", "https://evil.example"),
)
TWICE: Final = ((SHOP, "https://evil.example"), ("https://evil.example", SHOP), (SHOP, SHOP))
UPGRADE: Final = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
CHAT, CALL, EVENTS = "/v1/chat?channel=shop", "/v1/call?channel=talk", "/v1/events"
FILE: Final = "/v1/chat/files?channel=shop&conversation=chat-1&id=f-1&name=a.txt"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(write_centre(tmp_path_factory.mktemp("origins"), CONFIG + MORE))
    found.ready()
    yield found
    found.kill()


def status(
    served: Served, path: str, origins: tuple[str, ...], *more: tuple[str, str], method: str = "GET"
) -> tuple[int, dict[str, str]]:
    """What a request with these headers `Origin` is answered with, and its headers."""
    host = served.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.putrequest(method, path)
        for origin in origins:
            connection.putheader("Origin", origin.encode())
        for name, value in more:
            connection.putheader(name, value)
        if method != "GET":
            connection.putheader("Content-Length", "2")
            connection.putheader("Content-Type", "application/json")
        connection.endheaders(b"{}" if method != "GET" else None)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def cookie(served: Served) -> tuple[str, str]:
    """Of somebody who has signed in at acd's own page."""
    found, headers = status(
        served, "/v1/session", (served.address,), ("Authorization", f"Bearer {TOKEN}"), method="POST"
    )
    assert found == 201
    return "Cookie", headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("door", [CHAT, CALL])
def test_customers_sockets_are_for_listed_pages(served: Served, door: str) -> None:
    assert status(served, door, (SHOP,), *UPGRADE)[0] == 101
    assert status(served, door, (), *UPGRADE)[0] == 403
    assert {odd: status(served, door, (odd,), *UPGRADE)[0] for odd in ODD} == dict.fromkeys(ODD, 403)
    assert [status(served, door, each, *UPGRADE)[0] for each in TWICE] == [403, 403, 403]


def test_customers_files_are_for_listed_pages(served: Served) -> None:
    bearer = ("Authorization", "Bearer none")
    assert status(served, FILE, (SHOP,), bearer, method="POST")[0] == 401  # it is asked who that is
    assert status(served, FILE, (), bearer, method="POST")[0] == 403
    found = {odd: status(served, FILE, (odd,), bearer, method="POST") for odd in ODD}
    assert {odd: each[0] for odd, each in found.items()} == dict.fromkeys(ODD, 403)
    assert not any("access-control-allow-origin" in headers for _, headers in found.values())
    assert [status(served, FILE, each, bearer, method="POST")[0] for each in TWICE] == [403, 403, 403]


def test_a_session_s_socket_is_for_the_page_that_signed_in(served: Served) -> None:
    mine = cookie(served)
    assert status(served, EVENTS, (served.address,), mine, *UPGRADE)[0] == 101
    assert status(served, EVENTS, (), mine, *UPGRADE)[0] == 403
    odd = (*ODD, SHOP, served.address.replace("127.0.0.1", "localhost"), served.address.replace("http:", "https:"))
    assert {each: status(served, EVENTS, (each,), mine, *UPGRADE)[0] for each in odd} == dict.fromkeys(odd, 403)
    assert status(served, EVENTS, (served.address, served.address), mine, *UPGRADE)[0] == 403
    assert status(served, "/v1/agents", (), mine)[0] == 200  # a browser leaves it out where a page reads its own


@pytest.mark.parametrize("path", ["/v1/tickets", "/v1/session", "/v1/agents/anna/sign-in"])
def test_no_foreign_page_changes_anything_by_cookie_or_token(served: Served, path: str) -> None:
    for who in (cookie(served), ("Authorization", f"Bearer {TOKEN}")):
        found = {odd: status(served, path, (odd,), who, method="POST")[0] for odd in (*ODD, SHOP)}
        assert found == dict.fromkeys((*ODD, SHOP), 403)
    state = http.client.HTTPConnection(served.address.removeprefix("http://"), timeout=60)
    state.request("GET", "/v1/agents/anna", headers={"Authorization": f"Bearer {TOKEN}"})
    assert json.loads(state.getresponse().read())["presence"] == "signed-out"
    state.close()
