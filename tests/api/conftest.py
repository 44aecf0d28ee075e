"""Fixtures: a router in memory, the API before it, and clients with tokens of each role."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from tests.api.harness import CONFIG, TOKENS, As, Client, Http, MemoryRouter
from tests.api.listening import Connect


@pytest.fixture
def router() -> MemoryRouter:
    return MemoryRouter()


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    app = build_app(router, CONFIG)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def as_(http: Http) -> As:
    """A client by the name of its token; an unknown name is a token that nobody has, "" is none."""
    return lambda name: Client(http, TOKENS.get(name, name))


@pytest.fixture
def system(as_: As) -> Client:
    return as_("system")


@pytest.fixture
def anna(as_: As) -> Client:
    return as_("anna")


@pytest.fixture
async def connect(http: Http) -> AsyncIterator[Connect]:
    connect = Connect(http)
    yield connect
    await connect.close()
