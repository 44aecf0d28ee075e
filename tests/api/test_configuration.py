"""The configuration over HTTP: checked, compared, applied, rolled back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from acd.api.problems import MAX_BODY
from tests.api.harness import CONFIG, TOKENS, Client, living

CARLA = {"agents": {"carla": {"skills": {"english": 6}}}}
WRONG = {"agents": {"anna": {}}, "queues": {f"q{number}": {"strategy": "x"} for number in range(9)}}


@pytest.fixture
async def boss(tmp_path: Path) -> AsyncIterator[Client]:
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        yield Client(http, TOKENS["boss"])


async def put(client: Client, document: object, tag: str, **headers: str) -> tuple[int, Any]:
    return await client("PUT", "/v1/configuration", {"document": document}, If_Match=tag, **headers)


async def test_from_the_first_version_to_the_third_and_back(boss: Client) -> None:
    async with boss.http.get("/v1/configuration", headers=boss.headers) as response:
        body, tag = await response.json(), response.headers["ETag"]
    assert (body["version"], body["etag"], body["at"], body["actor"]) == (0, tag, None, "")
    status, first = await put(boss, CARLA, tag)
    assert (status, first["version"], first["actor"], first["document"]["agents"]) == (200, 1, "boss", CARLA["agents"])
    assert (await boss("GET", "/v1/agents/carla"))[1]["skills"] == {"english": 6}
    status, second = await put(boss, {}, first["etag"])
    assert (status, second["version"]) == (200, 2)
    assert (await boss("GET", "/v1/agents/carla"))[0] == 404
    body = {"version": 1, "note": "she came back"}
    status, third = await boss("POST", "/v1/configuration/rollback", body, If_Match=second["etag"])
    assert (status, third["version"], third["document"], third["note"]) == (200, 3, first["document"], "she came back")
    assert (await boss("GET", "/v1/agents/carla"))[0] == 200
    _, page = await boss("GET", "/v1/configuration/versions?limit=2")
    assert [each["version"] for each in page["versions"]] == [3, 2]
    _, page = await boss("GET", f"/v1/configuration/versions?limit=2&cursor={page['next_cursor']}")
    assert ([each["version"] for each in page["versions"]], page["next_cursor"]) == ([1], None)
    assert (await boss("GET", "/v1/configuration/versions/1"))[1] == first
    for missing in ("9", "-1", "one", "9" * 30, "١"):
        assert (await boss("GET", f"/v1/configuration/versions/{missing}"))[0] == 404
    status, problem = await boss("POST", "/v1/configuration/rollback", {"version": 9}, If_Match="*")
    assert (status, problem["code"]) == (404, "not-found")


async def test_the_version_that_is_replaced_is_named(boss: Client) -> None:
    _, before = await boss("GET", "/v1/configuration")
    assert (await put(boss, CARLA, before["etag"]))[0] == 200
    status, problem = await put(boss, {}, before["etag"])
    assert (status, problem["code"]) == (412, "version-changed")
    status, problem = await boss("PUT", "/v1/configuration", {"document": {}})
    assert (status, problem["code"]) == (428, "if-match-required")
    assert (await boss("GET", "/v1/configuration"))[1]["version"] == 1
    assert (await put(boss, {}, "*"))[1]["version"] == 2


async def test_what_is_wrong_is_said_and_changes_nothing(boss: Client) -> None:
    status, problem = await put(boss, WRONG, "*")
    assert (status, problem["code"]) == (422, "configuration-invalid")
    assert "agents.anna: is named by the file and by the API" in problem["detail"]
    assert problem["detail"].endswith("… and 5 more; POST /v1/configuration/check names them all")
    status, checked = await boss("POST", "/v1/configuration/check", WRONG)
    assert (status, checked["usable"], len(checked["problems"])) == (200, False, 10)
    first = checked["problems"][0]
    assert (first["severity"], first["key"], first["line"]) == ("error", "agents.anna", None)
    assert (await boss("POST", "/v1/configuration/check", CARLA))[1]["usable"] is True
    status, problem = await boss("POST", "/v1/configuration/check", {"api": {}})
    assert (status, problem["code"]) == (422, "unknown-field")
    assert (await boss("GET", "/v1/configuration"))[1]["version"] == 0


async def test_the_difference_is_shown_before_anything_changes(boss: Client) -> None:
    await put(boss, CARLA, "*")
    document = {"agents": {"carla": {"skills": {"english": 7}}, "dora": {}}}
    status, found = await boss("POST", "/v1/configuration/difference", document)
    assert (status, found["etag"]) == (200, (await boss("GET", "/v1/configuration"))[1]["etag"])
    keys = [{"key": "skills", "before": {"english": 6}, "after": {"english": 7}}]
    assert found["changes"] == [
        {"section": "agents", "name": "carla", "what": "changed", "keys": keys},
        {"section": "agents", "name": "dora", "what": "added", "keys": []},
    ]


async def test_a_repetition_changes_nothing_and_the_audit_knows_who(boss: Client) -> None:
    _, before = await boss("GET", "/v1/configuration")
    first = await put(boss, CARLA, before["etag"], Idempotency_Key="k1")
    assert await put(boss, CARLA, before["etag"], Idempotency_Key="k1") == first
    assert first[0] == 200
    _, audit = await boss("GET", "/v1/audit?command=ApplyConfig")
    assert [(each["actor"], each["refusal"]) for each in audit["commands"]] == [("boss", None)]


async def test_a_configuration_may_be_long_and_nothing_else(boss: Client) -> None:
    document = {"agents": {f"agent-{number}": {"skills": {"english": 6}} for number in range(2_000)}}
    assert len(str(document)) > MAX_BODY
    status, checked = await boss("POST", "/v1/configuration/check", document)
    assert (status, checked["usable"]) == (200, True)
    status, problem = await boss("POST", "/v1/interactions", {"queue": "sales", "channel": "x" * MAX_BODY})
    assert (status, problem["code"]) == (413, "body-too-large")


async def test_without_versions_there_are_none(system: Client) -> None:
    status, problem = await system("GET", "/v1/configuration")
    assert (status, problem["code"]) == (404, "not-found")
