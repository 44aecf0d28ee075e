"""What supervisors do over HTTP to those who wait, and to queues."""

from acd.core.messages import CloseQueue, EnqueueInteraction, MoveInteraction, SignInAgent
from tests.api.harness import Client, MemoryRouter

SECOND = 1_000_000


async def test_another_priority_changes_the_place_in_line(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    router.apply(EnqueueInteraction("c2", "i2", "chat", "sales"), SECOND)
    assert (await system("GET", "/v1/interactions/i2"))[1]["position"] == 2
    status, body = await system("PUT", "/v1/interactions/i2/priority", {"priority": 3})
    assert (status, body["priority"]) == (200, 3)
    assert (await system("GET", "/v1/interactions/i2"))[1]["position"] == 1
    status, problem = await system("PUT", "/v1/interactions/i2/priority", {})
    assert (status, problem["detail"]) == (422, "priority: is required.")


async def test_moving_takes_it_to_another_queue_with_or_without_its_place(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    status, body = await system("POST", "/v1/interactions/i1/move", {"queue": "客服", "reason": "wrong queue"})
    assert (status, body["queue"], body["state"]) == (200, "客服", "queued")
    sent = router.last(MoveInteraction)
    assert (sent.keep_place, sent.reason) == (True, "wrong queue")
    await system("POST", "/v1/interactions/i1/move", {"queue": "sales", "keep_place": False})
    assert router.last(MoveInteraction).keep_place is False
    status, problem = await system("POST", "/v1/interactions/i1/move", {"queue": "nowhere"})
    assert (status, problem["code"]) == (422, "unknown-queue")


async def test_a_ringing_offer_is_taken_back(system: Client, router: MemoryRouter) -> None:
    router.apply(SignInAgent("c1", "anna", ready=True))
    router.apply(EnqueueInteraction("c2", "i1", "chat", "sales"))
    assert (await system("GET", "/v1/interactions/i1"))[1]["agent"] == "anna"
    status, body = await system("POST", "/v1/interactions/i1/recall")
    assert (status, body["state"], body["agent"]) == (200, "queued", None)


async def test_a_queue_closes_and_opens(system: Client, router: MemoryRouter) -> None:
    status, body = await system("POST", "/v1/queues/sales/close", {"reason": "fire drill"})
    assert (status, body["closed"]) == (200, "fire drill")
    status, problem = await system("POST", "/v1/interactions", {"queue": "sales", "channel": "chat"})
    assert (status, problem["code"]) == (409, "queue-closed")
    status, body = await system("POST", "/v1/queues/sales/open")
    assert (status, body["closed"]) == (200, None)
    assert (await system("POST", "/v1/queues/sales/close"))[1]["closed"] == "closed"
    assert router.last(CloseQueue).reason == "closed"
    for action in ("open", "close"):
        assert (await system("POST", f"/v1/queues/nowhere/{action}"))[0] == 404


async def test_interactions_are_found_by_agent_customer_and_kind(system: Client, router: MemoryRouter) -> None:
    async def found(query: str) -> list[str]:
        status, body = await system("GET", f"/v1/interactions?{query}")
        assert status == 200, body
        return [row["id"] for row in body["interactions"]]

    router.apply(SignInAgent("c1", "anna", ready=True))
    router.apply(EnqueueInteraction("c2", "i1", "chat", "sales", customer="ref-1"))
    router.apply(EnqueueInteraction("c3", "i2", "chat", "sales", customer="ref-2", kind="callback"))
    assert await found("agent=anna") == ["i1"]
    assert await found("agent=boris") == []
    assert await found("customer=ref-2") == ["i2"]
    assert await found("kind=callback") == ["i2"]
    assert await found("kind=live&customer=ref-2") == []
    assert (await system("GET", "/v1/interactions?kind=both"))[0] == 400
