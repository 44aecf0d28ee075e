"""The contract of `acd.ports.channel`, as shipped, against a real Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
import pytest

from acd.ports.channel import Channel
from acd.testing.contract import ChannelContract, Standing
from acd.testing.contract_consult import ConsultContract
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import CallSpec, Pbx, Provisioned, SippCallers
from acd_asterisk.names import Names
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.rig import APP, INSTANCE, POLL_SECONDS, until

UNUSED_PORT = 9
DIALPLAN = f"""
[acd-inbound]
exten => _X.,1,Stasis({APP},sales)
 same => n,Hangup()

; A device that rings until it is told to do something else; what it has ever done stays in the database.
[devices]
exten => _[a-z].,1,Set(DB(rang/${{UNIQUEID}}/${{CHANNEL(name)}})=1)
 same => n,Ringing()
 same => n,Wait(600)

[answered]
exten => s,1,Answer()
 same => n,Wait(600)
"""


class AsteriskDriver:
    """Moves a PBX whose agents' devices are a context of its dialplan."""

    def __init__(self, provisioned: Provisioned) -> None:
        self.agent_id = "anna"
        self.adviser_id = "ben"
        self._provisioned = provisioned
        self._names = Names(INSTANCE, APP)
        self._stack = AsyncExitStack()
        self._channel: AsteriskChannel | None = None
        self._standing_in: AsyncExitStack | None = None
        self._customers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._pbx = await self._stack.enter_async_context(
            Pbx(self._provisioned, replace_config={"extensions.conf": DIALPLAN})
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()
        await self._stack.aclose()

    async def make(self, *, far_end: bool = True) -> Channel:
        url = self._pbx.ari_url if far_end else f"http://127.0.0.1:{UNUSED_PORT}/ari"
        options = {"url": url, "user": self._pbx.ari_user, "password": self._pbx.ari_password, "on_cancel": "hangup"}
        self._channel = open_channel(INSTANCE, options)
        await self._leave()
        return self._channel

    def address(self, agent_id: str, channel: str) -> str:
        return f"Local/{agent_id}@devices/n" if agent_id in {"anna", "ben"} and channel == "voice" else ""

    async def customer_arrives(self) -> str:
        assert self._channel is not None
        channel = self._channel
        number = f"1{len(self._customers):04}"
        calls = [CallSpec(caller=number, dialled="100")]
        await self._stack.enter_async_context(SippCallers(self._provisioned, calls, sip_port=self._pbx.sip_port))
        known = len(self._customers) + 1
        await until(lambda: channel.health()["calls"] == known, lambda: str(channel.health()))
        (channel_id,) = [
            each["id"]
            for each in await self._pbx.channels()
            if each["caller"]["number"] == number and each["name"].startswith("PJSIP/trunk")
        ]
        interaction_id = self._names.interaction(channel_id)
        self._customers[interaction_id] = channel_id
        return interaction_id

    async def customer_leaves(self, interaction_id: str) -> None:
        name = next(
            each["name"] for each in await self._pbx.channels() if each["id"] == self._customers[interaction_id]
        )
        await self._pbx.cli(f"channel request hangup {name}")

    async def device_answers(self, offer_id: str) -> None:
        assert self._channel is not None
        if self._channel.health()["link"] == "stopped":
            # Asterisk lets nobody into an application without a controller: it must believe that there is one.
            self._standing_in = AsyncExitStack()
            await self._standing_in.enter_async_context(self._listener())
        device = await self._device(offer_id)
        async with self._pbx.ami() as ami:
            await ami.action("Redirect", Channel=device, Context="answered", Exten="s", Priority="1")
        await self._until_up(self._names.leg(offer_id))

    async def device_dies(self, offer_id: str) -> None:
        await self._pbx.cli(f"channel request hangup {await self._device(offer_id)}")

    async def standing(self, interaction_id: str) -> Standing:
        shown = await self._pbx.channels()
        channels = {each["id"] for each in shown}
        bridges = {each["id"]: set(each["channels"]) for each in await self._pbx.bridges()}
        joined = set().union(*bridges.values())
        ringing = {each["id"] for each in shown if each["state"] in {"Ringing", "Up"} and each["id"] not in joined}
        caller = self._customers.get(interaction_id, self._asking)
        if caller not in channels:
            return "absent"
        talking = bridges.get(self._names.talk(interaction_id), set())
        if caller in talking and len(talking) > 1:
            return "connected"
        offers = [offer for each in ringing if (offer := self._names.offer_of(each)) is not None]
        if any(offer.startswith(f"{interaction_id}.") for offer in offers):
            return "ringing"
        return "waiting" if caller in bridges.get(self._names.hold, set()) else "absent"

    async def talking(self, interaction_id: str) -> frozenset[str]:
        """Who asks in a consult is in another bridge meanwhile, or with the music, and still the customer's agent."""
        bridges = {each["id"]: set(each["channels"]) for each in await self._pbx.bridges()}
        own = bridges.get(self._names.talk(interaction_id), set())
        asking = self._asking
        if interaction_id not in self._customers:
            there = own - {asking} if asking in own else set()
        else:
            there = own | ({asking} & set().union(*bridges.values()))
        return frozenset(
            each["name"].partition("/")[2].partition("@")[0]
            for each in await self._pbx.channels()
            if each["id"] in there and each["name"].startswith("Local/")
        )

    @property
    def _asking(self) -> str:
        """The leg of the first offer of the first customer: it has the customer's part in every consult."""
        return self._names.leg(f"{next(iter(self._customers), '')}.1")

    async def rings(self, offer_id: str) -> int:
        shown = await self._pbx.cli("database show rang")
        return sum(f"/{self._names.leg(offer_id)};2/" in line for line in shown.splitlines())

    async def _device(self, offer_id: str) -> str:
        wanted = f"{self._names.leg(offer_id)};2"
        return str(next(each["name"] for each in await self._pbx.channels() if each["id"] == wanted))

    async def _until_up(self, channel_id: str) -> None:
        async with asyncio.timeout(5):
            while not any(
                each["id"] == channel_id and each["dialplan"]["app_name"] == "Stasis"
                for each in await self._pbx.channels()
            ):
                await asyncio.sleep(POLL_SECONDS)

    async def _leave(self) -> None:
        if self._standing_in is not None:
            await self._standing_in.aclose()
            self._standing_in = None

    @asynccontextmanager
    async def _listener(self) -> AsyncIterator[None]:
        auth = aiohttp.encode_basic_auth(self._pbx.ari_user, self._pbx.ari_password)
        async with (
            aiohttp.ClientSession(headers={"Authorization": auth}) as session,
            session.ws_connect(f"{self._pbx.ari_url}/events?app={APP}"),
        ):
            yield


@pytest.mark.parametrize("check", ConsultContract.checks())
async def test_contract_of_consults(provisioned: Provisioned, check: str) -> None:
    """Likewise, for consults and conferences."""
    async with AsteriskDriver(provisioned) as driver:
        await ConsultContract(driver).run(check)


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_contract(provisioned: Provisioned, check: str) -> None:
    """One check, with a PBX of its own."""
    async with AsteriskDriver(provisioned) as driver:
        await ChannelContract(driver).run(check)
