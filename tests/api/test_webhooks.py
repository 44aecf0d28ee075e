"""Webhooks and dead letters over the API."""

from pathlib import Path

from aiohttp import ClientSession

from acd.ports.stores import OutboxMessage
from tests.api.harness import As, MemoryRouter, living


def given_up(router: MemoryRouter, *keys: str) -> None:
    router.letters |= {key: OutboxMessage(key, "webhook:crm", b"{}", 20) for key in keys}


async def test_they_are_listed_and_tried_again(router: MemoryRouter, as_: As) -> None:
    given_up(router, "crm:1.0", "crm:2.0", "crm:3.0")
    status, body = await as_("boss")("GET", "/v1/dead-letters?limit=2")
    letter = {"key": "crm:1.0", "destination": "webhook:crm", "attempts": 20, "error": "no answer"}
    assert (status, body["dead_letters"][0], len(body["dead_letters"])) == (200, letter, 2)
    status, body = await as_("boss")("POST", "/v1/dead-letters/retry", {"keys": ["crm:2.0", "crm:9.0"]})
    assert (status, body) == (200, {"retried": 1, "unknown": ["crm:9.0"]})
    assert (await as_("boss")("POST", "/v1/dead-letters/retry"))[1] == {"retried": 2, "unknown": []}
    assert router.letters == {}


async def test_they_are_no_business_of_agents(router: MemoryRouter, as_: As) -> None:
    given_up(router, "crm:1.0")
    for method, path in (
        ("GET", "/v1/dead-letters"),
        ("POST", "/v1/dead-letters/retry"),
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks/crm/test"),
    ):
        status, problem = await as_("anna")(method, path)
        assert (status, problem["code"]) == (403, "forbidden")
    assert router.letters


async def test_webhooks_are_shown_without_what_may_be_a_secret(tmp_path: Path) -> None:
    async with living(tmp_path):
        text = (tmp_path / "acd.toml").read_text(encoding="utf-8")
    assert "127.0.0.1:9/acd" in text
    secret = text.replace("127.0.0.1:9/acd", "127.0.0.1:9/acd?key=canary#fragment")
    (tmp_path / "acd.toml").write_text(secret, encoding="utf-8")
    async with living(tmp_path) as address, ClientSession(address) as session:
        async with session.get("/v1/webhooks") as response:
            assert "canary" not in await response.text()
            (hook,) = (await response.json())["webhooks"]
        assert (hook["name"], hook["url"]) == ("crm", "http://127.0.0.1:9/acd")
        assert (hook["dead"], hook["kinds"], hook["last_success_at"]) == (0, [], None)
        async with session.post("/v1/webhooks/crm/test") as response:
            assert (response.status, (await response.json())["delivered"]) == (200, False)
            assert "canary" not in await response.text()
        async with session.post("/v1/webhooks/cms/test") as response:
            problem = await response.json()
            assert (response.status, problem["code"]) == (404, "not-found")
            assert problem["detail"] == "There is no such webhook; GET /v1/webhooks lists those that there are."


async def test_without_webhooks_there_are_none(as_: As) -> None:
    assert await as_("boss")("GET", "/v1/webhooks") == (200, {"webhooks": []})
    assert (await as_("boss")("POST", "/v1/webhooks/crm/test"))[0] == 404
