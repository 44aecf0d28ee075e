"""Agents' side of conversations in writing: whose they are, what they read and write, and what their sockets tell."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from acd.core.messages import AcceptOffer, EndInteraction, EndWrapUp, SetPresence, SignInAgent, TransferInteraction
from acd.ports.channel import Desired
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.rooms import Room
from acd.runtime.records import InteractionRecord
from acd.testing.recording_host import RecordingHost
from tests.api.chat.pages import SOON
from tests.api.harness import TOKENS, As, Client, Http, MemoryRouter
from tests.runtime.chat.chats import options

Answer = dict[str, Any]


class Asker:
    """A client of whom the status is expected that is right."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def get(self, path: str, expect: int = 200) -> Answer:
        return await self._asked("GET", path, None, expect)

    async def post(self, path: str, body: object, expect: int = 200) -> Answer:
        return await self._asked("POST", path, body, expect)

    async def _asked(self, method: str, path: str, body: object, expect: int) -> Answer:
        status, answer = await self.client(method, path, body)
        assert status == expect, answer
        found: Answer = answer
        return found


@pytest.fixture
def anna(as_: As) -> Asker:
    return Asker(as_("anna"))


@pytest.fixture
def system(as_: As) -> Asker:
    return Asker(as_("system"))


class Linked(RecordingHost):
    """The engine of the router before which the API stands; what it wishes is what its view says."""

    def __init__(self, router: MemoryRouter) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.router = router
        self.submit = router.submit  # type: ignore[method-assign]
        self.now_us = router.now_us  # type: ignore[method-assign]

    def wish(self, interaction_id: str) -> Desired | None:
        row = self.router.view.interaction(interaction_id)
        return None if row is None or row.state not in ("queued", "offered", "active") else row.desired()


@pytest.fixture
async def shop(router: MemoryRouter, tmp_path: Path) -> AsyncIterator[WebChatChannel]:
    channel = WebChatChannel("shop", options(tmp_path))
    router.channels["shop"] = channel
    await channel.start(Linked(router))
    router.apply(SignInAgent("in", "anna", ready=True))
    router.apply(SignInAgent("in-2", "boris", ready=True))
    yield channel
    await channel.stop()


async def follow(shop: WebChatChannel, room: Room) -> None:
    """The channel does what the engine wishes of this conversation."""
    wish = shop.host.wish(room.id)
    await shop.reconcile(() if wish is None else (wish,))


async def ringing(shop: WebChatChannel, visitor: str = "cv_1") -> Room:
    room = await shop.reception.begin(visitor, Wanted("first"))
    assert isinstance(room, Room)
    await shop.reception.post(room, "", "c1", "hello")
    await follow(shop, room)
    assert list(room.conversation.ringing.values()) == ["anna"]
    return room


async def talking(router: MemoryRouter, shop: WebChatChannel) -> Room:
    room = await ringing(shop)
    (offer_id,) = room.conversation.ringing
    router.apply(AcceptOffer("take", offer_id, "anna"))
    return room


def path(room: Room, agent: str = "anna") -> str:
    return f"/v1/agents/{agent}/conversations/{room.id}"


async def test_an_agent_reads_writes_and_marks_their_own(
    router: MemoryRouter, shop: WebChatChannel, anna: Asker
) -> None:
    room = await talking(router, shop)
    said = await anna.post(f"{path(room)}/messages", {"id": "a1", "text": "good day"})
    assert (said["seq"], said["side"], said["agent"], said["text"]) == (3, "agent", "anna", "good day")
    assert said["name"] == "Anna"
    assert await anna.post(f"{path(room)}/messages", {"id": "a1", "text": "good day"}) == said
    found = await anna.get(path(room))
    assert [(each["kind"], each["side"], each["text"]) for each in found["entries"]] == [
        ("message", "customer", "hello"),
        ("joined", "system", ""),
        ("message", "agent", "good day"),
    ]
    page = await anna.get(f"{path(room)}?after=1&limit=1")
    assert ([each["seq"] for each in page["entries"]], page["more"]) == ([2], True)
    marked = await anna.post(f"{path(room)}/marks", {"read": 3})
    assert marked["agent"] == {"delivered": 3, "read": 3}
    assert (await anna.post(f"{path(room)}/typing", {}))["state"] == "active"
    listed = await anna.get("/v1/agents/anna/conversations")
    assert [(each["interaction_id"], each["state"]) for each in listed["conversations"]] == [(room.id, "active")]
    assert listed["conversations"][0]["talking"] == ["anna"]


async def test_who_is_asked_may_read_and_not_write(shop: WebChatChannel, anna: Asker) -> None:
    room = await ringing(shop)
    found = (await anna.get(path(room)))["conversation"]
    assert (found["state"], found["talking"]) == ("offered", [])
    for what, body in (("messages", {"id": "a", "text": "hello"}), ("marks", {"read": 1}), ("typing", {})):
        refused = await anna.post(f"{path(room)}/{what}", body, expect=409)
        assert refused["code"] == "not-talking"


async def test_anothers_conversation_is_not_there(
    router: MemoryRouter, shop: WebChatChannel, anna: Asker, system: Asker
) -> None:
    room = await talking(router, shop)
    await follow(shop, room)
    router.apply(TransferInteraction("away", room.id, "anna", "", "boris"))
    await follow(shop, room)
    (offer_id,) = room.conversation.ringing
    router.apply(AcceptOffer("take-2", offer_id, "boris"))
    await follow(shop, room)
    for agent in ("anna", "boris"):
        await anna.get(path(room, agent), expect=404)
        await anna.post(f"{path(room, agent)}/messages", {"id": "a9", "text": "psst"}, expect=404)
        await anna.post(f"{path(room, agent)}/typing", {}, expect=404)
        await anna.post(f"{path(room, agent)}/marks", {"read": 1}, expect=404)
    assert (await anna.get("/v1/agents/anna/conversations"))["conversations"] == []
    await anna.get("/v1/agents/boris/conversations", expect=404)
    # The new agent has all that was said before.
    seen = await system.get(path(room, "boris"))
    assert [each["kind"] for each in seen["entries"]] == ["message", "joined", "left", "joined"]
    await system.get(path(room, "nobody"), expect=404)


@pytest.mark.parametrize("knows", ["the end", "nothing"])
async def test_an_ended_conversation_is_the_last_agents_also_after_a_restart(
    router: MemoryRouter, shop: WebChatChannel, anna: Asker, system: Asker, knows: str
) -> None:
    """Then the engine knows no more than that it has ended; a page that was cut off meanwhile still shows how."""
    room = await talking(router, shop)
    said = {"id": "a1", "text": "good day"}
    await anna.post(f"{path(room)}/messages", said)
    router.apply(EndInteraction("end", room.id, by="customer"))
    await follow(shop, room)
    router.apply(EndWrapUp("done", "anna", room.id))
    router.view.ended.discard(room.id)
    if knows == "the end":
        router.view.ended.add(InteractionRecord.partly_known(room.id, "completed", -1))
    found = await anna.get(path(room))
    assert [each["kind"] for each in found["entries"]] == ["message", "joined", "message", "ended"]
    assert (await anna.post(f"{path(room)}/messages", said))["seq"] == 3, "whatever became of the answer"
    assert (await anna.post(f"{path(room)}/messages", {"id": "a2", "text": "and?"}, expect=409))["code"] == "ended"
    await anna.get(path(room, "boris"), expect=404)
    await system.get(path(room, "boris"), expect=404)


async def test_bad_messages_are_refused_by_name(router: MemoryRouter, shop: WebChatChannel, anna: Asker) -> None:
    room = await talking(router, shop)
    for body, code in (
        ({"id": "a", "text": ""}, "invalid-field"),
        ({"id": "a", "text": "x" * 4_001}, "invalid-field"),
        ({"id": "a", "text": "\x00"}, "invalid-field"),
        ({"id": "", "text": "x"}, "invalid-field"),
        ({"text": "x"}, "missing-field"),
        ({"id": "a", "text": "x", "html": "x"}, "unknown-field"),
    ):
        assert (await anna.post(f"{path(room)}/messages", body, expect=422))["code"] == code
    router.apply(EndInteraction("end", room.id, by="agent"))
    await shop.reconcile(())
    ended = await anna.post(f"{path(room)}/messages", {"id": "b", "text": "bye"}, expect=409)
    assert ended["code"] == "ended"
    assert (await anna.get(path(room)))["conversation"]["state"] == "ended"


async def test_an_agent_writes_first_to_a_visitor_they_know(
    router: MemoryRouter, shop: WebChatChannel, anna: Asker, system: Asker
) -> None:
    asked = {"channel": "shop", "visitor": "cv_1", "id": "i1", "text": "May I help you?"}
    await anna.post("/v1/agents/anna/conversations", asked, expect=404)
    room = await talking(router, shop)
    await follow(shop, room)
    active = await anna.post("/v1/agents/anna/conversations", asked, expect=409)
    assert active["code"] == "conversation-active"
    router.apply(EndInteraction("end", room.id, by="agent"))
    await shop.reconcile(())
    made = await anna.post("/v1/agents/anna/conversations", asked, expect=201)
    assert made["interaction_id"] != room.id
    assert await anna.post("/v1/agents/anna/conversations", asked, expect=201) == made
    fresh = shop.reception.living("cv_1")
    assert fresh is not None
    assert [(each.agent_id, each.text) for each in fresh.conversation.entries] == [("anna", "May I help you?")]
    row = router.view.interaction(fresh.id)
    assert row is not None
    assert row.queue == "sales"
    for change, status in (({"channel": "pbx"}, 404), ({"queue": "management"}, 422), ({"text": " "}, 422)):
        await system.post("/v1/agents/anna/conversations", {**asked, "visitor": "cv_9", **change}, expect=status)
    assert shop.reception.living("cv_9") is None


class Desk:
    """An agent's event socket."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws

    async def notice(self, news: str) -> dict[str, object]:
        while True:
            message = await self.ws.receive(SOON)
            assert message.type == WSMsgType.TEXT
            event = json.loads(message.data)
            if event["type"] == "acd.conversation" and event["data"]["news"] == news:
                found: dict[str, object] = event["data"]
                return found


async def desk(http: Http, router: MemoryRouter, query: str = "?conversations=true") -> Desk:
    names = {"ready": True, "channels": {"shop": {"connected": True}}}
    router.health = lambda: names  # type: ignore[method-assign]
    headers = {"Authorization": f"Bearer {TOKENS['anna']}"}
    return Desk(await http.ws_connect(f"/v1/events{query}", headers=headers))


async def test_an_agents_socket_tells_that_something_is_new(
    http: Http, router: MemoryRouter, shop: WebChatChannel
) -> None:
    anna, second = await desk(http, router), await desk(http, router)
    room = await talking(router, shop)
    await follow(shop, room)
    await shop.reception.post(room, "", "c2", "canary 13800138000")
    for each in (anna, second):
        while (told := await each.notice("entries"))["seq"] != 3:
            pass
        assert told["interaction_id"] == room.id
        assert "canary" not in repr(told)
    shop.reception.typing(room, "")
    assert (await anna.notice("typing"))["side"] == "customer"
    shop.reception.mark(room, "customer", read=3)
    assert (await anna.notice("marks"))["side"] == "customer"


async def test_a_socket_that_did_not_ask_and_other_agents_are_told_nothing(
    http: Http, router: MemoryRouter, shop: WebChatChannel
) -> None:
    plain, asked = await desk(http, router, ""), await desk(http, router)
    router.apply(SetPresence("rest", "anna", "not-ready", "lunch"))
    other = await shop.reception.begin("cv_2", Wanted("first"))
    assert isinstance(other, Room)
    await follow(shop, other)
    (offer_id,) = other.conversation.ringing
    router.apply(AcceptOffer("take-0", offer_id, "boris"))
    await follow(shop, other)
    await shop.reception.post(other, "", "c1", "for boris")
    router.apply(SetPresence("back", "anna", "ready"))
    room = await talking(router, shop)
    await follow(shop, room)
    told = await asked.notice("entries")
    assert told["interaction_id"] == room.id
    router.apply(SignInAgent("last", "陈伟"))
    router.apply(EndInteraction("end", room.id, by="agent"))
    seen = []
    while "acd.interaction-completed" not in seen:
        message = await plain.ws.receive(SOON)
        seen.append(json.loads(message.data)["type"])
    assert "acd.conversation" not in seen
