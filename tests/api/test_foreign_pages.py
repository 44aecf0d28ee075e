"""Every route of the API, asked with somebody's cookie by a page of elsewhere: refused before anything is looked at."""

from collections.abc import AsyncIterator
from typing import Final

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.api.routes import Route
from acd.api.table import ROUTES
from tests.api.harness import CONFIG, Http, MemoryRouter, example_url
from tests.api.listening import bearer

ASKING: Final[tuple[dict[str, str], ...]] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)
"""What a browser says of a page of elsewhere, when it only asks; a socket is opened by asking."""

CHANGING: Final[tuple[dict[str, str], ...]] = (*ASKING[:2], {})
"""Likewise when it changes something; without an `Origin` it is no page of ours either."""

SOCKET: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

CLOSED: Final = [route for route in ROUTES if route.access != "public"]


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    async with TestClient(TestServer(build_app(router, CONFIG)), cookie_jar=DummyCookieJar()) as client:
        yield client


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.name)
async def test_a_page_of_elsewhere_gets_nothing_by_a_cookie(http: Http, router: MemoryRouter, route: Route) -> None:
    own = {"Origin": f"http://{http.host}:{http.port}"}
    async with http.post("/v1/session", headers={**bearer("boss"), **own}) as response:
        assert response.status == 201
        cookie = {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}
    before = len(router.submitted)
    for said in ASKING if route.method == "GET" else CHANGING:
        for more in ({}, SOCKET) if route.method == "GET" else ({},):
            async with http.request(route.method, example_url(route), headers={**cookie, **said, **more}) as response:
                assert (response.status, (await response.json())["code"]) == (403, "foreign-origin"), (said, more)
    assert len(router.submitted) == before
    async with http.get("/v1/session", headers=cookie) as response:
        assert response.status == 200, "whoever is signed in still is"
