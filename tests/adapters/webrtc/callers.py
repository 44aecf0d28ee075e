"""Pages on both sides of a channel, without sockets: what tests of it share, and the contract's driver."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from acd.core.messages import AcceptOffer, FailOffer
from acd.ports.channel import Channel, Desired
from acd.ports.pages import Ending, Page
from acd.testing.contract import Standing
from acd.testing.recording_host import RecordingHost
from acd_webrtc.channel import WebrtcChannel
from acd_webrtc.options import WebrtcOptions
from acd_webrtc.signalling import Limits

ORIGIN: Final = "https://shop.example"
SECOND: Final = 1_000_000
SOON: Final = 5.0


def options(folder: Path, **more: object) -> WebrtcOptions:
    found = {"media": "voice", "origins": (ORIGIN,), "queues": ("sales", "support"), **more}
    return WebrtcOptions(key=folder / "calls.key", **found)  # type: ignore[arg-type]


class Caller:
    """A page that connects, says things, and keeps all that it is told; `side` as the channel has it."""

    def __init__(self) -> None:
        self.page: Page | None = None
        self.token = ""
        self.key = ""
        self.told: list[dict[str, Any]] = []
        self._reading: asyncio.Task[None] | None = None

    def connect(self, page: Page) -> None:
        self.page = page
        self._reading = asyncio.create_task(self._read(page))

    async def hello(self, channel: WebrtcChannel, address: str = "") -> None:
        """As a customer, with whatever is known from before."""
        self.connect(channel.customer_page(address))
        await self.say(type="hello", token=self.token, call=self.key)
        self.token = (await self.until("welcome"))["token"]

    async def call(self, channel: WebrtcChannel, key: str = "b-1", **more: object) -> str:
        """A customer's call; the interaction's id."""
        await self.hello(channel)
        self.key = key
        await self.say(type="begin", id=key, **more)
        return str((await self.until("call"))["id"])

    def lose(self) -> None:
        """The socket is gone."""
        assert self.page is not None
        self.page.end(Ending(1000, "gone", ""))

    async def say(self, **said: object) -> None:
        assert self.page is not None
        await self.page.receive(json.dumps(said))

    async def signal(self, **text: object) -> None:
        """Of the last talk."""
        await self.say(type="signal", talk=self.last("talk")["talk"], text=text)

    def last(self, kind: str) -> dict[str, Any]:
        return next(each for each in reversed(self.told) if each["type"] == kind)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.told if each["type"] == kind]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What signalling told."""
        return [each["text"]["body"] for each in self.of("signal") if "body" in each["text"]]

    async def until(self, kind: str, **like: object) -> dict[str, Any]:
        """The first such text that has not been asked for yet; waits for it."""
        async with asyncio.timeout(SOON):
            while True:
                for each in self.told:
                    fits = each["type"] == kind and not each.get("seen")
                    if fits and all(each.get(name) == value for name, value in like.items()):
                        each["seen"] = True
                        return each
                await asyncio.sleep(0)

    async def ended(self) -> tuple[int, str]:
        assert self.page is not None
        async with asyncio.timeout(SOON):
            ending = await asyncio.shield(self.page.ended)
        return ending.close_code, ending.code

    async def _read(self, page: Page) -> None:
        outgoing = page.outgoing()
        while not page.ended.done():
            reading = asyncio.ensure_future(anext(outgoing))
            await asyncio.wait((reading, page.ended), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                self.told.append(json.loads(reading.result()))
            else:
                reading.cancel()


class WebrtcDriver:
    """`acd.testing.contract.Driver`: the far end are pages, which come back when cut off, and agents' desks."""

    agent_id = "anna"
    adviser_id = "boris"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.channel: WebrtcChannel
        self.host: RecordingHost
        self.dead: set[str] = set()
        self.rung: set[str] = set()
        self.callers: dict[str, Caller] = {}

    async def make(self, *, far_end: bool = True) -> Channel:
        folder = self.folder if far_end else self.folder / "not-there"
        self.channel = WebrtcChannel(
            "talk", options(folder, away_us=SECOND // 2, limits=Limits(2 * SECOND, 2 * SECOND))
        )
        return self.channel

    def address(self, agent_id: str, channel: str) -> str:
        return f"{channel}:{agent_id}"

    async def customer_arrives(self) -> str:
        caller = Caller()
        call = await caller.call(self.channel, f"b-{len(self.callers)}")
        self.callers[call] = caller
        return call

    async def customer_leaves(self, interaction_id: str) -> None:
        await self.callers[interaction_id].say(type="leave")

    async def device_answers(self, offer_id: str) -> None:
        await self.host.submit(AcceptOffer(self.host.new_id(), offer_id, self.agent_id))

    async def device_dies(self, offer_id: str) -> None:
        self.dead.add(offer_id)
        await self.host.submit(FailOffer(self.host.new_id(), offer_id, "failed"))

    async def standing(self, interaction_id: str) -> Standing:
        """As the customer's page shows it, and, where that says no more, the channel."""
        if interaction_id not in self.callers:
            return self._consult(interaction_id)
        caller = self.callers[interaction_id]
        assert caller.page is not None
        if caller.page.ended.done() and self.channel.health()["connected"]:
            await caller.hello(self.channel)
        state = caller.last("call")["state"]
        if state == "over":
            return "absent"
        line = self.channel.lines.get(interaction_id)
        if state == "talking":
            return "connected"
        ringing = set() if line is None else line.ringing.keys() - self.dead
        self.rung |= ringing
        return "ringing" if ringing else "waiting"

    async def talking(self, interaction_id: str) -> frozenset[str]:
        """As the channel has it: in a call, or in a consult."""
        line = self.channel.lines.get(interaction_id)
        if line is not None:
            return frozenset(line.talking.values())
        advice = self._advice(interaction_id)
        return frozenset(() if advice is None or advice.state != "connected" else advice.offers().values())

    def _advice(self, consult_id: str) -> Desired | None:
        line = self.channel.lines.consults.get(consult_id)
        return None if line is None else line.advice[consult_id]

    def _consult(self, consult_id: str) -> Standing:
        advice = self._advice(consult_id)
        if advice is None:
            return "absent"
        return {"waiting": "waiting", "offered": "ringing", "connected": "connected"}[advice.state]  # type: ignore[return-value]

    async def rings(self, offer_id: str) -> int:
        return int(offer_id in self.rung)
