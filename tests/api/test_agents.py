"""Agents over HTTP: presence, offers, work items."""

import msgspec

from acd.core.messages import (
    AgentSettings,
    ApplyConfig,
    ConfigureAgents,
    DeclineOffer,
    QueueSettings,
    TransferInteraction,
)
from tests.api.harness import SETTINGS, Client, MemoryRouter


async def test_agents_are_listed_with_skills_and_presence(system: Client) -> None:
    status, body = await system("GET", "/v1/agents")
    assert status == 200
    assert [agent["id"] for agent in body["agents"]] == ["anna", "boris", "陈伟"]
    assert body["agents"][0] == {
        "id": "anna",
        "name": "Anna",
        "presence": "signed-out",
        "reason": "",
        "next_presence": None,
        "since": "2023-11-14T22:13:20.000000Z",
        "idle_since": None,
        "retired": False,
        "skills": {"english": 8},
        "labels": [],
        "queues": [],
        "levels": {},
        "position": 0,
        "capacity": {"total": 100, "channels": {"*": {"cost": 100, "most": 1, "interrupts": []}}},
        "work": [],
        "devices": {},
    }


async def test_a_chinese_agent_signs_in_and_out(system: Client) -> None:
    path = "/v1/agents/%E9%99%88%E4%BC%9F"
    status, body = await system("POST", f"{path}/sign-in", {"ready": False, "reason": "早会"})
    assert (status, body["id"], body["presence"], body["reason"]) == (200, "陈伟", "not-ready", "早会")
    status, body = await system("PUT", f"{path}/presence", {"presence": "ready"})
    assert (status, body["presence"]) == (200, "ready")
    assert body["idle_since"] is not None
    status, body = await system("POST", f"{path}/sign-out")
    assert (status, body["presence"]) == (200, "signed-out")
    assert (await system("GET", path))[1]["presence"] == "signed-out"


async def test_a_device_in_use_keeps_offers_away_until_it_is_clear(system: Client) -> None:
    await system("POST", "/v1/agents/anna/sign-in", {"ready": True})
    path = "/v1/agents/anna/devices/chat"
    status, body = await system("PUT", path, {"state": "in-use", "lasts": "90s"})
    assert (status, body["devices"]) == (200, {"chat": {"state": "in-use", "until": "2023-11-14T22:14:50.000000Z"}})
    enqueued = {"id": "c1", "queue": "sales", "channel": "chat", "preferred_agent": "anna"}
    assert (await system("POST", "/v1/interactions", enqueued))[1]["state"] == "queued"
    status, body = await system("PUT", path, {"state": "clear"})
    assert (status, body["devices"]) == (200, {})
    assert (await system("GET", "/v1/interactions/c1"))[1]["agent"] == "anna"


async def test_what_is_wrong_with_a_device_is_said(system: Client) -> None:
    path = "/v1/agents/anna/devices/voice"
    for body, said in (
        ({"state": "ringing"}, "state"),
        ({"state": "in-use", "lasts": "25h"}, "lasts: has to be more than nothing, and a day at most."),
        ({"state": "in-use", "lasts": "soon"}, "lasts: is no duration"),
    ):
        status, problem = await system("PUT", path, body)
        assert (status, problem["code"]) == (422, "invalid-field")
        assert said in problem["detail"]
    status, problem = await system("PUT", "/v1/agents/zoe/devices/voice", {"state": "in-use"})
    assert (status, problem["code"]) == (404, "unknown-agent")
    for number in range(8):
        assert (await system("PUT", f"/v1/agents/anna/devices/line{number}", {"state": "in-use"}))[0] == 200
    status, problem = await system("PUT", path, {"state": "in-use"})
    assert (status, problem["code"]) == (409, "too-many-devices")


async def test_an_unknown_agent_is_a_problem(system: Client) -> None:
    for method, path in (
        ("GET", "/v1/agents/zoe"),
        ("GET", "/v1/agents/zoe/offers"),
        ("POST", "/v1/agents/zoe/sign-in"),
    ):
        status, body = await system(method, path)
        assert (status, body["status"]) == (404, 404)
        assert body["code"] in {"not-found", "unknown-agent"}


async def test_from_offer_to_wrap_up(system: Client, anna: Client) -> None:
    await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "chat"})
    status, body = await anna("GET", "/v1/agents/anna/offers")
    assert status == 200
    (offer,) = body["offers"]
    assert (offer["id"], offer["agent_id"], offer["interaction"]["id"]) == ("c1.1", "anna", "c1")
    assert offer["expires_at"] == "2023-11-14T22:13:40.000000Z"
    status, body = await anna("POST", "/v1/offers/c1.1/accept", {})
    assert (status, body["state"], body["agent"]) == (200, "active", "anna")
    assert (await anna("GET", "/v1/agents/anna/offers"))[1] == {"offers": []}
    for action, state in (("hold", "held"), ("resume", "active")):
        status, _ = await anna("POST", f"/v1/agents/anna/work/c1/{action}")
        assert status == 200
        (work,) = (await anna("GET", "/v1/agents/anna"))[1]["work"]
        assert (work["state"], work["queue"], work["channel"]) == (state, "sales", "chat")
    status, body = await anna("POST", "/v1/interactions/c1/end", {"reason": "solved"})
    assert (status, body["state"], body["end_reason"]) == (200, "completed", "solved")
    (work,) = (await anna("GET", "/v1/agents/anna"))[1]["work"]
    assert (work["state"], work["deadline"]) == ("wrap-up", "2023-11-14T22:13:25.000000Z")
    status, _ = await anna("POST", "/v1/agents/anna/work/c1/end-wrap-up")
    assert status == 200
    assert (await anna("GET", "/v1/agents/anna"))[1]["work"] == []


async def test_a_wrap_up_is_asked_for_extended_and_ended_with_a_disposition(
    system: Client, anna: Client, router: MemoryRouter
) -> None:
    queue = QueueSettings("sales", wrap_up_policy="optional", dispositions=("solved",), disposition_required=True)
    router.apply(ApplyConfig("p0", msgspec.structs.replace(SETTINGS, queues=(queue,))))
    await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "chat"})
    await anna("POST", "/v1/offers/c1.1/accept", {})
    work = "/v1/agents/anna/work/c1"
    assert (await anna("POST", f"{work}/request-wrap-up"))[0] == 200
    assert (await anna("GET", "/v1/agents/anna"))[1]["work"][0]["wants_wrap_up"] is True
    await anna("POST", "/v1/interactions/c1/end", {})
    longer = QueueSettings("sales", wrap_up_policy="extended", wrap_up_us=1_000_000, wrap_up_most_us=60_000_000)
    assert (await anna("PUT", f"{work}/disposition", {"code": "solved"}))[0] == 200
    (item,) = (await anna("GET", "/v1/agents/anna"))[1]["work"]
    assert (item["state"], item["deadline"], item["disposition"]) == ("wrap-up", None, "solved")
    assert (await anna("POST", f"{work}/end-wrap-up"))[0] == 200
    router.apply(ApplyConfig("p1", msgspec.structs.replace(SETTINGS, queues=(longer,))))
    await system("POST", "/v1/interactions", {"id": "c2", "queue": "sales", "channel": "chat"})
    await anna("POST", "/v1/offers/c2.1/accept", {})
    await anna("POST", "/v1/interactions/c2/end", {})
    assert (await anna("POST", "/v1/agents/anna/work/c2/extend-wrap-up", {"by": "9s500ms"}))[0] == 200
    (item,) = (await anna("GET", "/v1/agents/anna"))[1]["work"]
    assert item["deadline"] == "2023-11-14T22:13:30.500000Z"
    for by in (0, "soon", -1, "400d", 1e300):
        status, problem = await anna("POST", "/v1/agents/anna/work/c2/extend-wrap-up", {"by": by})
        assert (status, problem["code"], problem["detail"][:4]) == (422, "invalid-field", "by: "), by
    assert (await anna("POST", "/v1/agents/anna/work/c2/extend-wrap-up", {"by": 0.5}))[0] == 200


async def test_a_customer_is_handed_on(system: Client, anna: Client, router: MemoryRouter) -> None:
    await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "chat"})
    await anna("POST", "/v1/offers/c1.1/accept", {})
    body = {"to_queue": "客服", "to_agent": "boris", "with_context": False, "reason": "wrong queue"}
    status, shown = await anna("POST", "/v1/agents/anna/work/c1/transfer", body)
    assert (status, shown["state"], shown["queue"], shown["agent"]) == (200, "queued", "客服", None)
    (work,) = (await anna("GET", "/v1/agents/anna"))[1]["work"]
    assert (work["state"], work["interaction_id"]) == ("wrap-up", "c1")
    sent = router.last(TransferInteraction)
    assert (sent.agent_id, sent.to_agent, sent.with_context, sent.reason) == ("anna", "boris", False, "wrong queue")


async def test_a_decline_names_its_outcome(system: Client, anna: Client, router: MemoryRouter) -> None:
    await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
    await system("POST", "/v1/interactions", {"id": "c.1", "queue": "sales", "channel": "chat"})
    status, body = await system("POST", "/v1/offers/c.1.1/decline", {"agent_id": "anna", "reason": "busy"})
    assert (status, body) == (200, {"offer_id": "c.1.1", "outcome": "declined"})
    assert router.last(DeclineOffer).reason == "busy"
    status, body = await system("POST", "/v1/offers/c.1.1/accept", {"agent_id": "anna"})
    assert (status, body["code"]) == (409, "offer-ended")


async def test_whoever_is_no_agent_names_one(system: Client) -> None:
    status, body = await system("POST", "/v1/offers/c1.1/accept", {})
    assert (status, body["code"], body["detail"]) == (422, "missing-field", "agent_id: is required.")


async def test_agents_come_in_pages(system: Client) -> None:
    _, first = await system("GET", "/v1/agents?limit=2")
    assert [agent["id"] for agent in first["agents"]] == ["anna", "boris"]
    _, second = await system("GET", f"/v1/agents?limit=2&cursor={first['next_cursor']}")
    assert ([agent["id"] for agent in second["agents"]], second["next_cursor"]) == (["陈伟"], None)
    status, problem = await system("GET", "/v1/agents?cursor=%FF")
    assert (status, problem["code"]) == (400, "invalid-parameter")
    assert (await system("GET", "/v1/agents?limit=501"))[0] == 400


async def test_agents_are_found_by_what_they_can_and_do(system: Client, anna: Client, router: MemoryRouter) -> None:
    async def found(query: str, client: Client = system) -> list[str]:
        status, body = await client("GET", f"/v1/agents?{query}")
        assert status == 200, body
        return [row["id"] for row in body["agents"]]

    await system("POST", "/v1/agents/anna/sign-in", {"ready": True})
    assert await found("skill=english") == ["anna", "boris"]
    assert await found("queue=%E5%AE%A2%E6%9C%8D") == ["陈伟"], "by the queue's requirement"
    assert await found("queue=sales") == ["anna", "boris", "陈伟"]
    assert await found("queue=nowhere") == []
    assert await found("presence=ready") == ["anna"]
    assert await found("presence=signed-out&skill=english") == ["boris"]
    assert await found("label=vip") == []
    router.apply(ConfigureAgents("edit", (AgentSettings("boris", labels=("vip",)),)))
    assert await found("label=vip") == ["boris"]
    assert await found("skill=english") == ["anna"]
    assert await found("skill=english", anna) == ["anna"]
    assert await found("presence=signed-out", anna) == []
    assert await found("limit=1&presence=signed-out") == ["boris"]
    assert (await system("GET", "/v1/agents?presence=asleep"))[0] == 400
