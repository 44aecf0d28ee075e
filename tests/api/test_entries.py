"""Single agents, queues, capacities and calendars over HTTP, with a real router behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from acd.api.entries import MAX_DEPTH
from acd.runtime.config.model import TokenConfig
from acd.runtime.config.secrets import Secret
from tests.api.harness import CONFIG, TOKENS, Client, living

CARLA = "/v1/configuration/agents/carla"


@pytest.fixture
async def boss(tmp_path: Path) -> AsyncIterator[Client]:
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        yield Client(http, TOKENS["boss"])


async def skills(client: Client, agent: str) -> Any:  # noqa: ANN401 - JSON
    return (await client("GET", f"/v1/agents/{agent}"))[1].get("skills")


async def test_one_agent_comes_learns_and_goes(boss: Client) -> None:
    status, made = await boss("PUT", CARLA, {"entry": {"skills": {"english": 6}}, "note": "a new colleague"})
    assert (status, made["owner"], made["version"], made["entry"]) == (201, "api", 1, {"skills": {"english": 6}})
    assert await skills(boss, "carla") == {"english": 6}
    async with boss.http.get(CARLA, headers=boss.headers) as response:
        assert (await response.json(), response.headers["ETag"]) == (made, made["etag"])
    status, learnt = await boss("PATCH", CARLA, {"entry": {"skills": {"german": 3}}})
    assert (status, learnt["version"], learnt["entry"]) == (200, 2, {"skills": {"english": 6, "german": 3}})
    assert await skills(boss, "carla") == {"english": 6, "german": 3}
    status, other = await boss("PUT", CARLA, {"entry": {"name": "Carla"}})
    assert (status, other["entry"], await skills(boss, "carla")) == (200, {"name": "Carla"}, {})
    status, gone = await boss("DELETE", CARLA)
    assert (status, gone["entry"], gone["etag"], gone["version"]) == (200, None, None, 4)
    assert (await boss("GET", "/v1/agents/carla"))[0] == 404
    for method, body in (("GET", None), ("PATCH", {"entry": {}}), ("DELETE", None)):
        status, problem = await boss(method, CARLA, body)
        assert (status, problem["code"], problem["detail"]) == (404, "not-found", "There is no such agent.")
    _, page = await boss("GET", "/v1/configuration/versions")
    assert [(each["version"], each["note"], each["actor"]) for each in page["versions"]][-1] == (
        1,
        "a new colleague",
        "boss",
    )
    _, second = await boss("GET", "/v1/configuration/versions/2")
    assert second["document"]["agents"] == {"carla": {"skills": {"english": 6, "german": 3}}}
    status, back = await boss("POST", "/v1/configuration/rollback", {"version": 2}, If_Match="*")
    assert (status, back["document"]) == (200, second["document"])
    assert await skills(boss, "carla") == {"english": 6, "german": 3}


async def test_edits_at_the_same_time_all_take_effect(boss: Client) -> None:
    paths = [f"/v1/configuration/agents/a{number}" for number in range(12)]
    found = await asyncio.gather(*(boss("PUT", path, {"entry": {"skills": {"english": 5}}}) for path in paths))
    assert sorted(body["version"] for _, body in found) == list(range(1, 13))
    patches = [{"entry": {"skills": {f"s{number}": 1 + number}}} for number in range(8)]
    await asyncio.gather(*(boss("PATCH", paths[0], patch) for patch in patches))
    assert await skills(boss, "a0") == {"english": 5, **{f"s{number}": 1 + number for number in range(8)}}
    assert (await boss("GET", "/v1/configuration"))[1]["version"] == 20


async def test_whoever_names_what_is_replaced_replaces_nothing_else(boss: Client) -> None:
    _, made = await boss("PUT", CARLA, {"entry": {}})
    status, changed = await boss("PATCH", CARLA, {"entry": {"name": "Carla"}}, If_Match=made["etag"])
    assert (status, changed["etag"] != made["etag"]) == (200, True)
    for method, body in (("PATCH", {"entry": {}}), ("PUT", {"entry": {}}), ("DELETE", None)):
        status, problem = await boss(method, CARLA, body, If_Match=made["etag"])
        assert (status, problem["code"]) == (412, "version-changed")
    status, problem = await boss("PUT", "/v1/configuration/agents/dora", {"entry": {}}, If_Match="*")
    assert (status, problem["code"]) == (412, "version-changed")
    await boss("PUT", "/v1/configuration/agents/dora", {"entry": {}})
    assert (await boss("DELETE", CARLA, If_Match=changed["etag"]))[0] == 200, "others may have changed meanwhile"


async def test_what_belongs_to_the_file_is_shown_and_stays(boss: Client) -> None:
    status, anna = await boss("GET", "/v1/configuration/agents/anna")
    assert (status, anna["owner"], anna["etag"], anna["entry"]["skills"]) == (200, "file", None, {"english": 8})
    for method, body in (("PUT", {"entry": {}}), ("PATCH", {"entry": {}}), ("DELETE", None)):
        for path in ("agents/anna", "queues/sales"):
            status, problem = await boss(method, f"/v1/configuration/{path}", body)
            assert (status, problem["code"]) == (409, "entry-of-file")
            assert "belongs to the configuration file; change it there" in problem["detail"]
    assert await skills(boss, "anna") == {"english": 8}


async def test_queues_capacities_and_calendars_likewise(boss: Client) -> None:
    async def put(path: str, entry: dict[str, object]) -> int:
        return (await boss("PUT", f"/v1/configuration/{path}", {"entry": entry}))[0]

    assert await put("capacities/desk", {"channels": {"chat": {"cost": 50, "most": 2}}}) == 201
    assert await put("calendars/office", {"time_zone": "UTC", "hours": {"mon-sun": "00:00-24:00"}}) == 201
    assert await put("queues/claims", {"requirement": "skills.english >= 4", "calendar": "office"}) == 201
    assert await put("agents/carla", {"capacity": "desk", "skills": {"english": 6}}) == 201
    assert (await boss("GET", "/v1/queues/claims"))[1]["requirement"] == "skills.english >= 4"
    for path in ("capacities/desk", "calendars/office"):
        status, problem = await boss("DELETE", f"/v1/configuration/{path}")
        assert (status, problem["code"]) == (422, "configuration-invalid")
    assert (await boss("PATCH", "/v1/configuration/queues/claims", {"entry": {"calendar": None}}))[0] == 200
    assert (await boss("DELETE", "/v1/configuration/calendars/office"))[0] == 200


async def test_a_queue_that_goes_serves_whoever_waits(boss: Client) -> None:
    await boss("PUT", "/v1/configuration/queues/claims", {"entry": {"requirement": "skills.english >= 4"}})
    waiting = {"id": "c1", "queue": "claims", "channel": "email"}
    assert (await boss("POST", "/v1/interactions", waiting))[0] == 201
    assert (await boss("DELETE", "/v1/configuration/queues/claims"))[0] == 200
    status, problem = await boss("POST", "/v1/interactions", {**waiting, "id": "c2"})
    assert (status, problem["code"]) == (422, "unknown-queue")
    await boss("POST", "/v1/agents/anna/sign-in", {"ready": True})
    assert (await boss("GET", "/v1/interactions/c1"))[1]["agent"] == "anna"


async def test_an_agent_who_goes_finishes_first(boss: Client) -> None:
    await boss("PUT", CARLA, {"entry": {"skills": {"english": 6}}})
    await boss("POST", "/v1/agents/carla/sign-in", {"ready": True})
    await boss("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "email"})
    assert (await boss("POST", "/v1/offers/c1.1/accept", {"agent_id": "carla"}))[0] == 200
    assert (await boss("DELETE", CARLA))[0] == 200
    _, carla = await boss("GET", "/v1/agents/carla")
    assert (carla["presence"], carla["next_presence"]) == ("draining", "signed-out")
    await boss("POST", "/v1/interactions/c1/end", {"by": "system"})
    assert (await boss("GET", "/v1/agents/carla"))[1]["work"][0]["state"] == "wrap-up"
    assert (await boss("POST", "/v1/agents/carla/work/c1/end-wrap-up"))[0] in (200, 404)
    assert (await boss("GET", "/v1/agents/carla"))[0] == 404


async def test_an_agent_of_a_token_stays_as_long_as_it_is_in_force(tmp_path: Path) -> None:
    """Also one that has come since the start."""
    desktop = TokenConfig("carla-desktop", Secret("carla-token-0123456789"), ("agent",), agent="carla")
    written = [*CONFIG.tokens]
    async with (
        living(tmp_path, CONFIG, reread=lambda: tuple(written)) as address,
        ClientSession(address) as http,
    ):
        admin = Client(http, TOKENS["system"])
        carla = Client(http, "carla-token-0123456789")
        assert (await admin("PUT", CARLA, {"entry": {}}))[0] == 201
        written.append(desktop)
        assert (await admin("POST", "/v1/tokens/reload"))[1]["added"] == ["carla-desktop"]
        without: dict[str, Any] = {"document": {}}
        for method, path, body in (("DELETE", CARLA, None), ("PUT", "/v1/configuration", without)):
            status, problem = await admin(method, path, body, If_Match="*")
            assert (status, problem["code"]) == (422, "configuration-invalid")
            assert 'api.tokens: "carla" is not an agent then' in problem["detail"]
            assert '"carla-desktop"' in problem["detail"]
        status, checked = await admin("POST", "/v1/configuration/check", {})
        assert (status, checked["usable"]) == (200, False)
        assert (await admin("PUT", CARLA, {"entry": {"skills": {"english": 7}}}))[0] == 200
        assert (await carla("GET", "/v1/agents/carla"))[1]["skills"] == {"english": 7}
        written.remove(desktop)
        assert (await admin("POST", "/v1/tokens/reload"))[1]["removed"] == ["carla-desktop"]
        assert (await admin("DELETE", CARLA))[0] == 200
        assert (await admin("GET", "/v1/agents/carla"))[0] == 404


async def test_what_is_wrong_is_said_with_key_reason_and_fix(boss: Client) -> None:
    status, problem = await boss("PUT", CARLA, {"entry": {"skills": {"english": 11}}})
    assert (status, problem["code"]) == (422, "configuration-invalid")
    assert "the API's part: agents.carla.skills.english" in problem["detail"]
    status, problem = await boss("PUT", CARLA, {"entry": {"capacity": "nothing"}})
    assert '"nothing" is not a capacity' in problem["detail"]
    deep: dict[str, Any] = {}
    for _ in range(MAX_DEPTH + 1):
        deep = {"skills": deep}
    for method in ("PUT", "PATCH"):
        status, problem = await boss(method, CARLA, {"entry": deep})
        assert (status, problem["code"]) == (422, "invalid-field")
    status, problem = await boss("PUT", "/v1/configuration/agents/not%20an%20id", {"entry": {}})
    assert status == 422
    assert (await boss("GET", "/v1/configuration"))[1]["version"] == 0


async def test_a_repetition_changes_nothing_and_the_audit_knows_who(boss: Client) -> None:
    first = await boss("PUT", CARLA, {"entry": {}}, Idempotency_Key="k1")
    await boss("PATCH", CARLA, {"entry": {"name": "Carla"}})
    assert await boss("PUT", CARLA, {"entry": {}}, Idempotency_Key="k1") == first
    assert (await boss("GET", CARLA))[1]["entry"] == {"name": "Carla"}
    _, audit = await boss("GET", "/v1/audit?command=ConfigureAgents")
    assert [(each["actor"], each["refusal"]) for each in audit["commands"]] == [("boss", None), ("boss", None)]


async def test_an_agent_may_not(tmp_path: Path) -> None:
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        anna = Client(http, TOKENS["anna"])
        for method, body in (("GET", None), ("PUT", {"entry": {}}), ("PATCH", {"entry": {}}), ("DELETE", None)):
            assert (await anna(method, "/v1/configuration/agents/anna", body))[0] == 403
