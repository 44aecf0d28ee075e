"""A repetition with the same Idempotency-Key has one effect: after a cut connection, after a crash of the engine."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import ClientSession

from acd.api import serve
from acd.api.openapi import example_configuration
from acd.api.routes import Example, Route
from acd.api.table import ROUTES
from acd.core.messages import Recover, Tick
from acd.core.messages.codec import decode_command
from acd.runtime.config import Config, loads
from acd.runtime.config.model import ApiConfig
from acd.runtime.journal import SqliteJournalReader
from acd.runtime.router import Router
from tests.api.harness import example_url, steps_before

BY_NAME = {route.name: route for route in ROUTES}
COMMANDS = [route for route in ROUTES if route.mutates and route.name not in {"issue_ticket", "retry_dead_letters"}]
"""Neither of the two is a command: an unused ticket goes by itself, and a letter that is retried is so once."""

KEY = "the-same"


@asynccontextmanager
async def life(config: Config) -> AsyncIterator[str]:
    """The engine and its API until it crashes; its address."""
    live = Router(config, channels=())
    async with live, await serve(live, ApiConfig(port=0, open=True)) as server:
        yield server.addresses[0]
        await live.abort()


async def ask(address: str, route: Route, key: str, example: Example | None = None) -> int:
    example = example or route.example
    headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
    async with (
        ClientSession(address) as http,
        http.request(route.method, example_url(route, example), data=body_of(example), headers=headers) as response,
    ):
        return response.status


def body_of(example: Example) -> bytes:
    return msgspec.json.encode(example.body) if example.body is not None else b""


async def prepare(address: str, route: Route) -> None:
    """What the route's example comes after."""
    for before, example in steps_before(route):
        assert await ask(address, before, "", example) == before.status


async def ask_and_hang_up(address: str, route: Route) -> None:
    """Send the request, and cut the connection before anything can be answered."""
    where = urlsplit(address)
    body = body_of(route.example)
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {KEY}\r\n"
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"{route.method} {example_url(route)} HTTP/1.1\r\nHost: {where.netloc}\r\n{about}\r\n".encode() + body)
    await writer.drain()
    writer.transport.abort()


def commands(config: Config) -> Counter[str]:
    """Kinds of commands in the journal, and how many of each; what the engine tells itself left out."""
    with closing(SqliteJournalReader(config.journal.path)) as reader:
        found = [decode_command(row.entry.command) for row in reader.rows()]
    return Counter(type(each).__name__ for each in found if not isinstance(each, Tick | Recover))


@pytest.mark.parametrize("route", COMMANDS, ids=lambda route: route.name)
async def test_one_effect_although_the_connection_was_cut_and_the_engine_killed(route: Route, tmp_path: Path) -> None:
    config = loads(example_configuration(), base=tmp_path)
    async with life(config) as address:
        await prepare(address, route)
        before = commands(config)
        await ask_and_hang_up(address, route)
        assert await ask(address, route, KEY) == route.status
        after = commands(config)
        assert (after - before).total() == 1
    async with life(config) as address:
        for _ in range(2):
            assert await ask(address, route, KEY) == route.status
        assert commands(config) == after
        assert await ask(address, route, "another") in range(200, 500)
        assert (commands(config) - after).total() == 1, "another key is another command"


async def test_the_same_key_of_another_token_route_or_body_is_another(tmp_path: Path) -> None:
    config = loads(example_configuration(), base=tmp_path)
    async with life(config) as address:
        assert await ask(address, BY_NAME["enqueue"], KEY) == 201
        assert await ask(address, BY_NAME["sign_in"], KEY) == 200
        assert await ask(address, BY_NAME["enqueue"], KEY, Example(body={"queue": "support", "channel": "chat"})) == 422
        assert commands(config) == {"ApplyConfig": 1, "EnqueueInteraction": 1, "SignInAgent": 1}


@pytest.mark.parametrize("name", ["enqueue", "sign_in", "accept", "set_disposition"])
async def test_one_effect_whether_the_kill_came_before_the_commit_or_after(name: str, tmp_path: Path) -> None:
    config = loads(example_configuration(), base=tmp_path)
    route = BY_NAME[name]
    async with life(config) as address:
        await prepare(address, route)
        before = commands(config)
        await ask_and_hang_up(address, route)
    async with life(config) as address:
        assert (commands(config) - before).total() in {0, 1}
        for _ in range(2):
            assert await ask(address, route, KEY) == route.status
        assert (commands(config) - before).total() == 1
