"""What tests of the web chat share: options, a page that notes what it is told, and the contract's driver."""

import asyncio
import base64
import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from acd.core.messages import AcceptOffer, Command, EndInteraction, EnqueueInteraction, FailOffer, Outcome
from acd.ports.channel import Channel, Desired
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Side
from acd.runtime.chat.options import ChatOptions
from acd.runtime.chat.rooms import News, Room
from acd.testing.contract import Standing
from acd.testing.recording_host import RecordingHost

ORIGIN = "https://shop.example"
IDENTITY_SECRET = "canary-of-the-shop-s-identity-secret-0123456789"
HEADER = {"alg": "HS256", "typ": "JWT"}


def signed(
    claims: object, head: Mapping[str, object] = HEADER, *, secret: str = IDENTITY_SECRET, raw: bytes = b""
) -> str:
    """What a shop's server says of a customer, as any library makes it; `raw`: in place of the claims."""
    parts = [json.dumps(head).encode(), raw or json.dumps(claims).encode()]
    text = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(secret.encode(), text, sha256)).rstrip(b"=")
    return b".".join((text, signature)).decode()


def options(folder: Path, **more: object) -> ChatOptions:
    found = {"media": "chat", "origins": (ORIGIN,), "queues": ("sales", "support"), **more}
    return ChatOptions(path=folder / "chat.db", key=folder / "chat.key", **found)  # type: ignore[arg-type]


class Page:
    """A customer's page that notes what it was told."""

    def __init__(self) -> None:
        self.news: list[tuple[str, News, Side | None]] = []
        self.stops = 0

    def notice(self, room: Room, news: News, side: Side | None = None) -> None:
        self.news.append((room.id, news, side))

    def stopped(self) -> None:
        self.stops += 1


class Host(RecordingHost):
    """Answers as the test says; what it lets in is wished for from then on."""

    def __init__(self) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.answer: Outcome | Exception = Outcome()
        self.gate = asyncio.Event()
        self.gate.set()

    async def submit(self, command: Command) -> Outcome:
        await self.gate.wait()
        await super().submit(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(command, EnqueueInteraction) and self.answer.refusal is None:
            self.wished[command.interaction_id] = Desired(command.interaction_id, "waiting")
        return self.answer


class ChatDriver:
    """`acd.testing.contract.Driver`: the far end is the file, and agents' desks that answer through the API."""

    agent_id = "anna"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.channel: WebChatChannel
        self.host: RecordingHost
        self.dead: set[str] = set()
        self.visitors = 0

    async def make(self, *, far_end: bool = True) -> Channel:
        folder = self.folder if far_end else self.folder / "not-there"
        self.channel = WebChatChannel("shop", options(folder))
        return self.channel

    def address(self, agent_id: str, channel: str) -> str:
        return f"{channel}:{agent_id}"

    async def customer_arrives(self) -> str:
        self.visitors += 1
        room = await self.channel.reception.begin(f"cv_{self.visitors}", Wanted("first"))
        assert isinstance(room, Room)
        return room.id

    async def customer_leaves(self, interaction_id: str) -> None:
        room = await self.channel.reception.find(interaction_id)
        assert room is not None
        await self.channel.reception.leave(room)
        assert isinstance(self.host.commands[-1], EndInteraction)

    async def device_answers(self, offer_id: str) -> None:
        await self.host.submit(AcceptOffer(self.host.new_id(), offer_id, self.agent_id))

    async def device_dies(self, offer_id: str) -> None:
        self.dead.add(offer_id)
        await self.host.submit(FailOffer(self.host.new_id(), offer_id, "failed"))

    async def standing(self, interaction_id: str) -> Standing:
        room = self.channel.rooms.get(interaction_id)
        if room is None or room.conversation.is_over:
            return "absent"
        if room.conversation.talking:
            return "connected"
        return "ringing" if room.conversation.ringing.keys() - self.dead else "waiting"

    async def rings(self, offer_id: str) -> int:
        return sum(offer_id in room.conversation.ringing for room in self.channel.rooms)
