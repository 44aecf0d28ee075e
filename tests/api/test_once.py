"""Requests with a key: one at a time, found again however long ago, answered as they were the first time."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app, once
from acd.core import limits
from acd.runtime.journal import SqliteJournalReader
from acd.runtime.repeat_store import RepeatStore
from acd.runtime.repeats import Repeats
from tests.api.external_process import Process
from tests.api.harness import CONFIG, TOKENS, Client, MemoryRouter, configure, forget_answers, living

MAIL = {"id": "m1", "queue": "sales", "channel": "email"}
KEY = "order-1"


def commands(folder: Path, kind: bytes) -> int:
    """How many commands of a kind the journal holds."""
    with closing(SqliteJournalReader(folder / "acd-journal.db")) as reader:
        return sum(kind in row.entry.command for row in reader.rows())


async def churn(client: Client) -> None:
    """So many other requests that the engine has forgotten what was before, and which interactions have ended."""
    for number in range(0, limits.OUTCOME_WINDOW + 20, 40):
        names = [f"x{number + each}" for each in range(40)]
        await asyncio.gather(*(client("POST", "/v1/interactions", {**MAIL, "id": name}) for name in names))
        await asyncio.gather(*(client("DELETE", f"/v1/interactions/{name}") for name in names))


async def ask(client: Client, body: object, key: str = KEY) -> tuple[int, dict[str, str], Any]:
    headers = {**client.headers, "Idempotency-Key": key}
    async with client.http.request("POST", "/v1/interactions", json=body, headers=headers) as response:
        kept = {name: response.headers[name] for name in ("Location", "Content-Type") if name in response.headers}
        return response.status, kept, await response.json(content_type=None)


@pytest.mark.parametrize("answers", [True, False])
async def test_one_effect_however_much_has_happened_since(tmp_path: Path, *, answers: bool) -> None:
    """Over a restart, and beyond all that the engine remembers; whether the answer was written in time or not."""
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        system = Client(http, TOKENS["system"])
        first = await ask(system, MAIL)
        refused = await ask(system, {"queue": "no-such-queue", "channel": "email"}, "order-2")
        assert (first[0], refused[0]) == (201, 422)
        assert first[1]["Location"] == "/v1/interactions/m1"
        await system("DELETE", "/v1/interactions/m1")
        await churn(system)
    if not answers:
        forget_answers(tmp_path)
    count = commands(tmp_path, b"EnqueueInteraction")
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        system = Client(http, TOKENS["system"])
        assert (await system("GET", "/v1/interactions/m1"))[0] == 404
        again = await ask(system, MAIL)
        status, _, problem = await ask(system, {"queue": "no-such-queue", "channel": "email"}, "order-2")
        assert (status, problem["code"]) == (422, "unknown-queue")
        if answers:
            assert again == first
            assert problem["detail"] == refused[2]["detail"]
        else:
            assert (again[0], again[2]["code"]) == (409, "done-before")
            assert "carried out on 20" in again[2]["detail"]
        assert commands(tmp_path, b"EnqueueInteraction") == count
        status, _, problem = await ask(system, {**MAIL, "channel": "chat"})
        assert (status, problem["code"]) == (422, "idempotency-key-reused"), "the fingerprint is in the journal"


async def test_many_at_the_same_moment_have_one_effect_and_one_answer(tmp_path: Path) -> None:
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        system = Client(http, TOKENS["system"])
        body = {"queue": "sales", "channel": "email"}
        found = await asyncio.gather(*(ask(system, body) for _ in range(50)), ask(system, {**body, "priority": 1}))
        different = found.pop()
    assert {status for status, _, _ in found} == {201}
    assert all(each == found[0] for each in found)
    assert different[0] == 422
    assert commands(tmp_path, b"EnqueueInteraction") == 1


async def test_a_person_is_stored_once(tmp_path: Path) -> None:
    """A repetition whose answer was lost stores nobody again."""
    body = {**MAIL, "customer": {"number": "+86 138 1234 5678"}}
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        first = await ask(Client(http, TOKENS["system"]), body)
    kept = (tmp_path / "acd-answers.db").read_bytes()
    assert b"m1" in kept
    assert b"13812345678" not in kept.replace(b" ", b""), "an answer has no number in it"
    forget_answers(tmp_path)
    people = (tmp_path / "acd-personal.db").stat().st_size, (tmp_path / "acd-personal.db-wal").exists()
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        again = await ask(Client(http, TOKENS["system"]), body)
        assert again[:2] == first[:2]
        assert not again[2]["partial"]
    assert ((tmp_path / "acd-personal.db").stat().st_size, (tmp_path / "acd-personal.db-wal").exists()) == people


async def outcome_of(process: Process, kind: str, **fields: object) -> bool:
    """Say a command, do what is ordered meanwhile; whether it was accepted."""
    await process.say(kind, id=f"{kind}-{fields.get('offer_id', '')}", **fields)
    while (told := await process.done_or_outcome())["type"] != "outcome":
        pass
    assert isinstance(told["accepted"], bool)
    return told["accepted"]


async def test_a_channels_command_has_one_effect_over_a_restart_however_much_has_happened_since(tmp_path: Path) -> None:
    """Said again after a crash, a requeue must not take the customer away from the agent who has them by now."""
    configure(
        tmp_path,
        '[api]\nopen = true\nport = 0\n[channels.web]\ntype = "external"\nmedia = "chat"\n'
        "[agents.anna]\n[agents.boris]\n[queues.sales]\n",
    )
    async with living(tmp_path, CONFIG, crashing=True) as address, ClientSession(address) as http:
        system, process = Client(http, TOKENS["system"]), await Process.connect(http)
        assert (await system("POST", "/v1/agents/anna/sign-in", {"ready": True}))[0] == 200
        assert await outcome_of(process, "enqueue", interaction_id="c1", queue="sales")
        assert await outcome_of(process, "accept", offer_id="c1.1", agent_id="anna")
        assert await outcome_of(process, "requeue", interaction_id="c1")
        assert (await system("POST", "/v1/agents/boris/sign-in", {"ready": True}))[0] == 200
        assert await outcome_of(process, "accept", offer_id="c1.2", agent_id="boris")
        await churn(system)
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        system, process = Client(http, TOKENS["system"]), await Process.connect(http)
        assert await outcome_of(process, "requeue", interaction_id="c1")
        _, boris = await system("GET", "/v1/agents/boris")
        assert [item["interaction_id"] for item in boris["work"]] == ["c1"]
        assert await outcome_of(process, "end", interaction_id="c1"), "what is new is carried out"
        assert (await system("GET", "/v1/interactions/c1"))[1]["state"] == "completed"
    assert commands(tmp_path, b"RequeueInteraction") == 1


async def test_a_configuration_keeps_its_key_over_a_restart(tmp_path: Path) -> None:
    carla = {"document": {"agents": {"carla": {"skills": {"english": 6}}}}}
    for _ in range(2):
        async with living(tmp_path, CONFIG, crashing=True) as address, ClientSession(address) as http:
            boss = Client(http, TOKENS["boss"])
            status, kept = await boss("PUT", "/v1/configuration", carla, If_Match="*", Idempotency_Key=KEY)
            assert (status, kept["version"]) == (200, 1)
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        boss = Client(http, TOKENS["boss"])
        status, problem = await boss("PUT", "/v1/configuration", {"document": {}}, If_Match="*", Idempotency_Key=KEY)
        assert (status, problem["code"]) == (422, "idempotency-key-reused")


async def test_a_request_that_came_to_nothing_may_be_repeated(tmp_path: Path) -> None:
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        anna, system = Client(http, TOKENS["anna"]), Client(http, TOKENS["system"])
        for path in ("/v1/offers/m1.1/accept", "/v1/interactions/m1/end"):
            assert (await anna("POST", path, {}, Idempotency_Key=KEY))[0] == 404
        await system("POST", "/v1/interactions", MAIL)
        await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
        assert (await anna("POST", "/v1/offers/m1.1/accept", {}, Idempotency_Key="accept"))[0] == 200
        assert (await anna("POST", "/v1/interactions/m1/end", {}, Idempotency_Key=KEY))[0] == 200


async def test_when_nothing_can_be_looked_up_nothing_is_done(router: MemoryRouter, tmp_path: Path) -> None:
    repeats = Repeats(RepeatStore(tmp_path / "answers.db", tmp_path / "no-journal.db", 1), router.now_us)
    async with TestClient(TestServer(build_app(router, CONFIG, repeats=repeats))) as http:
        system = Client(http, TOKENS["system"])
        found = await asyncio.gather(*(ask(system, MAIL, key) for key in ("a", "a", "b")))
        assert {(status, problem["code"]) for status, _, problem in found} == {(503, "journal-unavailable")}
        assert not router.submitted
        assert (await system("POST", "/v1/interactions", MAIL))[0] == 201
    await repeats.close()


async def test_an_answer_too_long_to_be_kept_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MAX_ANSWER", 10)
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        system = Client(http, TOKENS["system"])
        first, again = await ask(system, MAIL), await ask(system, MAIL)
        assert again[:2] == first[:2]
        await system("DELETE", "/v1/interactions/m1")
        assert (await ask(system, MAIL))[2]["state"] == "cancelled", "as it is now"
    assert commands(tmp_path, b"EnqueueInteraction") == 1
