"""What supervisors do over HTTP to those who wait, and to queues."""

from acd.core.messages import CloseQueue, EnqueueInteraction, MoveInteraction, SignInAgent, UpdateInteraction
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


async def test_what_is_known_better_is_patched_and_everything_else_stays(system: Client, router: MemoryRouter) -> None:
    known = (("language", "en"), ("topic", "invoice"))
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales", "skills.english >= 2", attributes=known))
    body = {"attributes": {"topic": None, "tier": "gold"}}
    status, found = await system("PATCH", "/v1/interactions/i1", body)
    assert (status, found["attributes"]) == (200, {"language": "en", "tier": "gold"})
    assert found["requirement"] == "skills.english >= 2"
    status, found = await system("PATCH", "/v1/interactions/i1", {"requirement": None})
    assert (status, found["requirement"], found["attributes"]["tier"]) == (200, "", "gold")
    status, same = await system("PATCH", "/v1/interactions/i1", {})
    assert (status, same) == (200, found)
    sent = router.last(UpdateInteraction)
    assert (sent.attributes, sent.remove, sent.requirement, sent.preferences, sent.preferred_agent) == (
        (),
        (),
        None,
        None,
        None,
    )


async def test_what_a_look_up_finds_decides_who_is_asked_next(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    router.apply(EnqueueInteraction("c2", "i2", "chat", "sales"), SECOND)
    body = {"requirement": "skills.english >= 5", "preferences": [{"skill": "english", "weight": 2}]}
    assert (await system("PATCH", "/v1/interactions/i1", body))[0] == 200
    router.apply(SignInAgent("c3", "boris", ready=True))
    assert (await system("GET", "/v1/interactions/i2"))[1]["agent"] == "boris"
    status, found = await system("PATCH", "/v1/interactions/i1", {"requirement": None, "preferences": None})
    assert (status, found["agent"]) == (200, "boris")
    status, problem = await system("PATCH", "/v1/interactions/i1", {"requirement": "skills.english >"})
    assert (status, problem["code"]) == (422, "bad-requirement")


async def test_a_customer_who_becomes_known_is_kept_encrypted(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    person = {"customer": {"number": "+8613900001111", "name": "Li"}}
    assert (await system("PATCH", "/v1/interactions/i1", person))[0] == 200
    assert router.view.interactions["i1"].customer == "ref-0"
    assert router.people["ref-0"].name == "Li"
    assert (await system("PATCH", "/v1/interactions/i1", {"customer": "+86 139 0000 1111"}))[0] == 422
