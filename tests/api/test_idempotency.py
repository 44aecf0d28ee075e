"""A repetition with the same Idempotency-Key has one effect: after a cut connection, after a crash of the engine."""

import asyncio
from collections import Counter
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from acd.api.routes import Example, Route
from acd.api.table import ROUTES
from acd.core.messages import Recover, Tick
from acd.core.messages.codec import decode_command
from acd.runtime.journal import SqliteJournalReader
from tests.api.harness import (
    COMMANDS,
    CONFIG,
    TOKENS,
    Client,
    example_body,
    example_headers,
    example_url,
    forget_answers,
    living,
    steps_before,
)

BY_NAME = {route.name: route for route in ROUTES}

KEY = "the-same"


async def ask(address: str, route: Route, key: str, example: Example | None = None) -> int:
    example = example or route.example
    headers = {**example_headers(example), **({"Idempotency-Key": key} if key else {})}
    async with (
        ClientSession(address) as http,
        http.request(
            route.method, example_url(route, example), data=example_body(example), headers=headers
        ) as response,
    ):
        return response.status


async def prepare(address: str, route: Route) -> None:
    """What the route's example comes after."""
    for before, example in steps_before(route):
        assert await ask(address, before, "", example) == before.status


async def ask_and_hang_up(address: str, route: Route) -> None:
    """Send the request, and cut the connection before anything can be answered."""
    where = urlsplit(address)
    body = example_body(route.example)
    headers = {**example_headers(route.example), "Content-Length": str(len(body)), "Idempotency-Key": KEY}
    about = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"{route.method} {example_url(route)} HTTP/1.1\r\nHost: {where.netloc}\r\n{about}\r\n".encode() + body)
    await writer.drain()
    writer.transport.abort()


def commands(folder: Path) -> Counter[str]:
    """Kinds of commands in the journal, and how many of each; what the engine tells itself left out."""
    with closing(SqliteJournalReader(folder / "acd-journal.db")) as reader:
        found = [decode_command(row.entry.command) for row in reader.rows()]
    return Counter(type(each).__name__ for each in found if not isinstance(each, Tick | Recover))


@pytest.mark.parametrize("route", COMMANDS, ids=lambda route: route.name)
async def test_one_effect_although_the_connection_was_cut_and_the_engine_killed(route: Route, tmp_path: Path) -> None:
    async with living(tmp_path, crashing=True) as address:
        await prepare(address, route)
        before = commands(tmp_path)
        await ask_and_hang_up(address, route)
        assert await ask(address, route, KEY) == route.status
        after = commands(tmp_path)
        assert (after - before).total() == 1
    async with living(tmp_path, crashing=True) as address:
        for _ in range(2):
            assert await ask(address, route, KEY) == route.status
        assert commands(tmp_path) == after
        status = await ask(address, route, "another")
        assert status in range(200, 500)
        assert (commands(tmp_path) - after).total() == 1 or status >= 400, "another key is another request"


async def test_an_agents_repetition_is_answered_although_what_it_was_about_is_nearly_forgotten(tmp_path: Path) -> None:
    """After a restart an interaction that has ended is known by its id and state, not by whose it was."""
    async with living(tmp_path, CONFIG, crashing=True) as address, ClientSession(address) as http:
        system, anna = Client(http, TOKENS["system"]), Client(http, TOKENS["anna"])
        await system("POST", "/v1/interactions", {"id": "c1", "queue": "support", "channel": "chat"})
        await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
        await anna("POST", "/v1/offers/c1.1/accept", {})
        first = await anna("POST", "/v1/interactions/c1/end", {}, Idempotency_Key=KEY)
        assert (first[0], first[1]["state"]) == (200, "completed")
    forget_answers(tmp_path)
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        anna = Client(http, TOKENS["anna"])
        before = commands(tmp_path)
        status, again = await anna("POST", "/v1/interactions/c1/end", {}, Idempotency_Key=KEY)
        assert (status, again["state"], again["partial"]) == (200, "completed", True)
        assert (await anna("POST", "/v1/interactions/c1/end", {}, Idempotency_Key="another"))[0] == 404
        assert (await anna("POST", "/v1/interactions/c1/end", {}))[0] == 404
        assert commands(tmp_path) == before


async def test_the_same_key_of_another_token_route_or_body_is_another(tmp_path: Path) -> None:
    async with living(tmp_path, crashing=True) as address:
        assert await ask(address, BY_NAME["enqueue"], KEY) == 201
        assert await ask(address, BY_NAME["sign_in"], KEY) == 200
        assert await ask(address, BY_NAME["enqueue"], KEY, Example(body={"queue": "support", "channel": "chat"})) == 422
        assert commands(tmp_path) == {"ApplyConfig": 1, "EnqueueInteraction": 1, "SignInAgent": 1}


@pytest.mark.parametrize("name", ["enqueue", "sign_in", "accept", "set_disposition"])
async def test_one_effect_whether_the_kill_came_before_the_commit_or_after(name: str, tmp_path: Path) -> None:
    route = BY_NAME[name]
    async with living(tmp_path, crashing=True) as address:
        await prepare(address, route)
        before = commands(tmp_path)
        await ask_and_hang_up(address, route)
    async with living(tmp_path, crashing=True) as address:
        assert (commands(tmp_path) - before).total() in {0, 1}
        for _ in range(2):
            assert await ask(address, route, KEY) == route.status
        assert (commands(tmp_path) - before).total() == 1
