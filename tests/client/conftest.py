"""Fixtures: the API before a router in memory, which can be cut off and come back on the same port."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer, unused_port

from acd.api import build_app
from acd.api.events import SOCKETS
from acd.client import Client
from tests.api.harness import CONFIG, TOKENS, MemoryRouter


class Service:
    """The API, up or down."""

    def __init__(self, router: MemoryRouter) -> None:
        self.router = router
        self.port = unused_port()
        self.server: TestServer | None = None
        self.url = f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        self.server = TestServer(build_app(self.router, CONFIG), port=self.port)
        await self.server.start_server()

    async def down(self) -> None:
        if self.server is not None:
            await self.server.close()

    def cut(self) -> int:
        """Every socket, in the middle of whatever; returns how many there were."""
        assert self.server is not None
        sockets = tuple(self.server.app[SOCKETS]._open)
        for socket in sockets:
            socket._transport.abort()
        return len(sockets)


@pytest.fixture
def router() -> MemoryRouter:
    return MemoryRouter()


@pytest.fixture
async def service(router: MemoryRouter) -> AsyncIterator[Service]:
    service = Service(router)
    await service.up()
    yield service
    await service.down()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with Client(service.url, TOKENS["boss"]) as client:
        yield client
