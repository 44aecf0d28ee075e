"""Callbacks and schedules over HTTP."""

import pytest

from acd.core.messages import AcceptOffer, EnqueueInteraction, MergeConsult, SignInAgent, Tick
from tests.api.harness import As, Client, MemoryRouter

SECOND = 1_000_000
RETRY_US = 1_800 * SECOND


async def test_a_callback_waits_in_the_customers_place(system: Client, router: MemoryRouter) -> None:
    body = {"id": "b1", "queue": "sales", "customer": "ref-1", "priority": 1}
    async with system.http.post("/v1/callbacks", json=body, headers=system.headers) as response:
        assert (response.status, response.headers["Location"]) == (201, "/v1/interactions/b1")
        shape = await response.json()
    assert (shape["kind"], shape["state"], shape["channel"]) == ("callback", "queued", "voice")
    command = router.last(EnqueueInteraction)
    assert (command.kind, command.not_before_us, command.priority) == ("callback", 0, 1)
    status, problem = await system("POST", "/v1/callbacks", {"queue": "sales", "customer": "ref-1"})
    assert (status, problem["code"]) == (409, "duplicate-callback")


async def test_nobody_reached_means_later_again_until_the_last_attempt(as_: As, router: MemoryRouter) -> None:
    system, anna = as_("system"), as_("anna")
    await system("POST", "/v1/callbacks", {"id": "b1", "queue": "sales", "customer": "ref-1"})
    router.apply(SignInAgent("s1", "anna", ready=True))
    for attempt in (1, 2):
        router.apply(AcceptOffer(f"a{attempt}", f"b1.{attempt}", "anna"))
        status, body = await anna("POST", "/v1/callbacks/b1/fail", {"reason": "no answer"})
        assert status == 404 if status != 200 else body["attempts"] == attempt, body
        assert (body["state"], body["due_at"] is not None) == ("scheduled", True)
        router.apply(Tick(f"t{attempt}"), RETRY_US)
    router.apply(AcceptOffer("a3", "b1.3", "anna"))
    status, body = await system("POST", "/v1/callbacks/b1/fail", {})
    assert (status, body["state"]) == (200, "failed")


async def test_nobody_reached_though_several_agents_talk(system: Client, router: MemoryRouter) -> None:
    """A voicemail, of which an adviser has heard, too: both are free, and it is tried again later."""
    await system("POST", "/v1/callbacks", {"id": "b1", "queue": "sales", "customer": "ref-1"})
    router.apply(SignInAgent("s1", "anna", ready=True))
    router.apply(AcceptOffer("a1", "b1.1", "anna"))
    router.apply(SignInAgent("s2", "boris", ready=True))
    router.apply(EnqueueInteraction("e1", "q1", "voice", "sales", parent="b1", preferred_agent="boris"))
    router.apply(AcceptOffer("a2", "q1.1", "boris"))
    router.apply(MergeConsult("m1", "q1", "anna", "conference"))
    status, body = await system("POST", "/v1/callbacks/b1/fail", {"reason": "voicemail"})
    assert (status, body["state"], body["attempts"]) == (200, "scheduled", 1)
    for agent in ("anna", "boris"):
        assert (await system("GET", f"/v1/agents/{agent}"))[1]["work"] == []


async def test_an_interaction_may_come_later(system: Client, router: MemoryRouter) -> None:
    body = {"id": "m1", "queue": "sales", "channel": "email", "not_before": "2023-11-15T06:14:20+08:00"}
    status, shape = await system("POST", "/v1/interactions", body)
    assert (status, shape["state"], shape["due_at"]) == (201, "scheduled", "2023-11-14T22:14:20.000000Z")
    assert (await system("GET", "/v1/interactions?state=scheduled"))[1]["interactions"][0]["id"] == "m1"
    router.apply(Tick("t1"), 60 * SECOND)
    _, shape = await system("GET", "/v1/interactions/m1")
    assert (shape["state"], shape["due_at"], shape["position"]) == ("queued", None, 1)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2023-11-15T06:14:20", "not_before: expected datetime with a timezone component"),
        ("tomorrow", "not_before: invalid RFC3339 encoded datetime"),
        ("1969-12-31T23:59:59Z", "not_before: lies before 1970"),
        ("9999-12-31T23:59:59-12:00", "not_before: lies after the year 9999"),
    ],
)
async def test_a_moment_has_its_zone(system: Client, moment: str, said: str) -> None:
    body = {"queue": "sales", "channel": "email", "not_before": moment}
    status, problem = await system("POST", "/v1/interactions", body)
    assert (status, problem["code"]) == (422, "invalid-field")
    assert problem["detail"].startswith(said), problem
