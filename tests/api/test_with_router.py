"""The API before the real Router: journal, personal store, clock, ticks."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from acd.api import ApiRouter, serve
from acd.core.messages import EnqueueInteraction
from acd.errors import RouterClosed
from acd.runtime.config import load
from acd.runtime.router import Router
from tests.api.harness import Client

CANARY = "13612345678"
TOKEN = "system-token-0123456789"
CONFIG = f"""
[api]
port = 0

[[api.tokens]]
name = "system"
token = "{TOKEN}"
roles = ["system"]

[agents.anna]
name = "Anna"
skills = {{ english = 8 }}

[queues.sales]
title = "Sales"
wrap_up = "5s"
service_level = "30s"
"""


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "acd.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
async def live(config_file: Path) -> AsyncIterator[Router]:
    async with Router(config_file, channels=()) as router:
        yield router


@pytest.fixture
async def client(live: Router) -> AsyncIterator[Client]:
    api: ApiRouter = live
    config = load(live._in_force.config.source).api
    assert config is not None
    async with await serve(api, config) as server, ClientSession(server.addresses[0]) as http:
        yield Client(http, TOKEN)


async def test_a_call_from_entry_to_wrap_up(client: Client) -> None:
    assert (await client("GET", "/v1/queues/sales"))[1]["service_level"]["threshold_seconds"] == 30.0
    body = {"queue": "sales", "channel": "chat", "customer": {"number": CANARY, "name": "王小明"}}
    first = await client("POST", "/v1/interactions", body, Idempotency_Key="order-1")
    again = await client("POST", "/v1/interactions", body, Idempotency_Key="order-1")
    assert first[0] == again[0] == 201
    assert first[1]["id"] == again[1]["id"]
    interaction_id = first[1]["id"]
    _, shape = await client("GET", f"/v1/interactions/{interaction_id}?reveal=true")
    assert shape["customer"]["known"] is True
    assert shape["customer"]["number"].endswith(CANARY)
    _, shape = await client("GET", f"/v1/interactions/{interaction_id}")
    assert shape["customer"]["number"].endswith("****5678")
    status, agent = await client("POST", "/v1/agents/anna/sign-in", {"ready": True})
    assert (status, agent["name"], agent["work"][0]["state"]) == (200, "Anna", "offered")
    offer_id = agent["work"][0]["offer_id"]
    assert (await client("POST", f"/v1/offers/{offer_id}/accept", {"agent_id": "anna"}))[0] == 200
    assert (await client("POST", f"/v1/interactions/{interaction_id}/end", {"by": "agent"}))[1]["state"] == "completed"
    assert (await client("POST", f"/v1/agents/anna/work/{interaction_id}/end-wrap-up"))[0] == 200
    assert (await client("GET", "/v1/agents/anna"))[1]["work"] == []
    figures = (await client("GET", "/v1/queues/sales"))[1]["totals"]
    assert (figures["entered"], figures["answered"], figures["completed"]) == (1, 1, 1)


async def test_a_number_stays_in_the_personal_store(
    client: Client, live: Router, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        body: dict[str, object] = {"queue": "sales", "channel": "chat"}
        for number in (CANARY, f"+86{CANARY}"):
            body["customer"] = {"number": number, "name": f"N{CANARY}"}
            assert (await client("POST", "/v1/interactions", body))[0] == 201
            assert (await client("POST", "/v1/interactions", {**body, "priority": "high"}))[0] == 422
        assert (await client("POST", "/v1/interactions", {**body, "customer": CANARY}))[0] == 422
        texts = [str(await client("GET", path)) for path in ("/v1/interactions", "/readyz", "/v1/decisions")]
        async with client.http.get("/metrics") as response:
            texts.append(await response.text())
    output = capfd.readouterr()
    assert CANARY not in "".join([*texts, caplog.text, output.out, output.err, repr(live.view.interactions)])
    written = contents(tmp_path)
    assert {"acd-journal.db", "acd-personal.db"} <= written.keys()
    assert [name for name, content in written.items() if CANARY.encode() in content] == []


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_many_commands_at_once(client: Client, live: Router) -> None:
    bodies = [{"id": f"i{number}", "queue": "sales", "channel": "chat"} for number in range(50)]
    answers = await asyncio.gather(*(client("POST", "/v1/interactions", body) for body in bodies))
    assert {status for status, _ in answers} == {201}
    assert live.view.queues["sales"].waiting == 50
    assert live.meter.batches.total == live.seq


async def test_ready_and_closed(client: Client, live: Router) -> None:
    await live.ready()
    assert (await client("GET", "/readyz"))[0] == 200
    await live.abort()
    with pytest.raises(RouterClosed):
        await live.submit(EnqueueInteraction("x", "x", "chat", "sales"))
    status, body = await client("GET", "/readyz")
    assert (status, body["ready"], body["status"]) == (503, False, "closed")
    status, problem = await client("POST", "/v1/agents/anna/sign-in")
    assert (status, problem["code"]) == (503, "closed")
    status, problem = await client("GET", "/v1/agents")
    assert (status, problem["code"]) == (503, "closed"), "what is remembered grows old"
