"""Dead letters over the API."""

from acd.ports.stores import OutboxMessage
from tests.api.harness import As, MemoryRouter


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
    for method, path in (("GET", "/v1/dead-letters"), ("POST", "/v1/dead-letters/retry")):
        status, problem = await as_("anna")(method, path)
        assert (status, problem["code"]) == (403, "forbidden")
    assert router.letters
