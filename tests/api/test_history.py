"""Explanations and the audit over HTTP, of a real router."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.api.harness import CONFIG, TOKENS, Client, living

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
MAIL = {"id": "mail-1", "queue": "sales", "channel": "email", "customer": {"number": "13812345678"}}


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[ClientSession]:
    async with living(tmp_path, CONFIG) as address, ClientSession(address) as http:
        yield http


async def test_why_it_still_waits_and_why_it_was_offered(session: ClientSession) -> None:
    system = Client(session, TOKENS["system"])
    await system("POST", "/v1/interactions", MAIL)
    status, body = await system("GET", "/v1/interactions/mail-1/explanation")
    assert (status, body["decisions"], body["ended"]) == (200, [], False)
    assert body["waiting"]["obstacles"] == {"ready": 2}
    assert (body["waiting"]["position"], body["waiting"]["state"]) == (1, "queued")
    assert {each["id"] for each in body["waiting"]["candidates"]} == {"anna", "boris"}
    waited_at = body["as_of"]
    await system("POST", "/v1/agents/anna/sign-in", {"ready": True})
    status, body = await system("GET", "/v1/interactions/mail-1/explanation?candidates=1")
    (decision,) = body["decisions"]
    assert (decision["agent_id"], decision["sought"], decision["command"]) == ("anna", "interaction", "SignInAgent")
    assert (decision["decided_by"], decision["candidates"][0]["place"]) == ("the only one", 1)
    assert body["waiting"]["candidates_left_out"] == 1
    _, body = await system("GET", "/v1/interactions/mail-1/explanation?agent=boris")
    (candidate,) = body["waiting"]["candidates"]
    assert (candidate["id"], candidate["offerable"], candidate["obstacles"][0]["clause"]) == ("boris", False, "ready")
    _, body = await system("GET", f"/v1/interactions/mail-1/explanation?at={waited_at}")
    assert (body["decisions"], body["as_of"]) == ([], waited_at)
    status, problem = await system("GET", "/v1/interactions/nothing/explanation")
    assert (status, problem["code"]) == (404, "not-found")
    assert (await system("GET", "/v1/interactions/mail-1/explanation?at=yesterday"))[0] == 400


async def test_the_audit_says_which_token_asked_for_what(session: ClientSession) -> None:
    system, anna = Client(session, TOKENS["system"]), Client(session, TOKENS["anna"])
    await system("POST", "/v1/interactions", MAIL)
    await anna("POST", "/v1/agents/anna/sign-in", {"ready": True, "reason": "13812345678"}, traceparent=TRACE)
    await anna("POST", "/v1/offers/mail-1.9/accept", {})
    status, body = await system("GET", "/v1/audit")
    assert (status, body["next_cursor"]) == (200, None)
    assert [(each["actor"], each["command"], each["refusal"]) for each in body["commands"]] == [
        ("anna-desktop", "AcceptOffer", "unknown-offer"),
        ("anna-desktop", "SignInAgent", None),
        ("pbx", "EnqueueInteraction", None),
    ]
    assert body["commands"][0]["interaction"] == "mail-1"
    assert (body["commands"][1]["trace"], body["commands"][1]["agent"]) == (TRACE, "anna")
    assert "13812345678" not in str(body)
    _, body = await system("GET", "/v1/audit?actor=pbx&limit=1")
    assert [each["interaction"] for each in body["commands"]] == ["mail-1"]
    assert (await system("GET", f"/v1/audit?cursor={body['next_cursor']}"))[1]["commands"] == []


async def test_a_repetition_is_one_command(session: ClientSession) -> None:
    system = Client(session, TOKENS["system"])
    for _ in range(3):
        assert (await system("POST", "/v1/interactions", MAIL, Idempotency_Key="k1"))[0] == 201
    assert len((await system("GET", "/v1/audit"))[1]["commands"]) == 1


async def test_without_a_history_there_is_none(system: Client) -> None:
    for path in ("/v1/audit", "/v1/interactions/mail-1/explanation"):
        status, problem = await system("GET", path)
        assert (status, problem["code"]) == (404, "not-found")
