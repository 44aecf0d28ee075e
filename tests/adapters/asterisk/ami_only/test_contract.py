"""The contract of `acd.ports.channel`, as shipped, against a real Asterisk of which nothing but AMI is used."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import pytest

from acd.ports.channel import Channel
from acd.testing.contract import ChannelContract, Standing
from acd_asterisk.ami_only import dialplan
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import CallSpec, Pbx, Provisioned, SippCallers
from acd_asterisk.names import Names
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.rig import APP, EXAMPLES, INSTANCE, POLL_SECONDS, manager_section, only_ami, until

UNUSED_PORT = 9
DEVICES = """
; A device that rings until it is told to do something else; what it has ever done stays in the database.
[devices]
exten => ring,1,Set(DB(rang/${UNIQUEID}/${CHANNEL(name)})=1)
 same => n,Ringing()
 same => n,Wait(600)
exten => answer,1,Answer()
 same => n,Wait(600)
"""


class AmiDriver:
    """Moves a PBX whose only agent's device is a context of its dialplan. It looks by ARI; the channel has none."""

    def __init__(self, provisioned: Provisioned) -> None:
        self.agent_id = "anna"
        self._provisioned = provisioned
        self._names = Names(INSTANCE, APP)
        self._stack = AsyncExitStack()
        self._channel: AsteriskChannel | None = None
        self._customers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        extensions = (EXAMPLES / "extensions_ami.conf").read_text() + DEVICES
        self._pbx = await self._stack.enter_async_context(
            Pbx(
                self._provisioned,
                replace_config={"extensions.conf": extensions},
                extra_config={"manager.conf": manager_section()},
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def make(self, *, far_end: bool = True) -> Channel:
        port = self._pbx.ami_port if far_end else UNUSED_PORT
        self._channel = open_channel(INSTANCE, {**only_ami(port), "on_cancel": "hangup"})
        return self._channel

    def address(self, agent_id: str, channel: str) -> str:
        return "Local/ring@devices/n" if (agent_id, channel) == (self.agent_id, "voice") else ""

    async def customer_arrives(self) -> str:
        assert self._channel is not None
        channel = self._channel
        number = f"1{len(self._customers):04}"
        calls = [CallSpec(caller=number, dialled="1000")]
        await self._stack.enter_async_context(SippCallers(self._provisioned, calls, sip_port=self._pbx.sip_port))
        known = len(self._customers) + 1
        await until(lambda: channel.health()["calls"] == known, lambda: f"{channel.health()} {self._pbx.log_tail()}")
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
        device = await self._device(offer_id)
        async with self._pbx.ami() as ami:
            await ami.action("Redirect", Channel=device, Context="devices", Exten="answer", Priority="1")
        async with asyncio.timeout(5):
            while not any(
                each["id"] == self._names.leg(offer_id) and each["dialplan"]["exten"] == dialplan.LEG
                for each in await self._pbx.channels()
            ):
                await asyncio.sleep(POLL_SECONDS)

    async def device_dies(self, offer_id: str) -> None:
        await self._pbx.cli(f"channel request hangup {await self._device(offer_id)}")

    async def standing(self, interaction_id: str) -> Standing:
        shown = {each["id"]: each for each in await self._pbx.channels()}
        caller = shown.get(self._customers.get(interaction_id, ""))
        if caller is None:
            return "absent"
        for bridge in await self._pbx.bridges():
            if caller["id"] in bridge["channels"]:
                offers = [offer for each in bridge["channels"] if (offer := self._names.offer_of(each)) is not None]
                return "connected" if any(offer.startswith(f"{interaction_id}.") for offer in offers) else "absent"
        ringing = [each for each, channel in shown.items() if channel["state"] in {"Ringing", "Up"}]
        offers = [offer for each in ringing if (offer := self._names.offer_of(each)) is not None]
        if any(offer.startswith(f"{interaction_id}.") for offer in offers):
            return "ringing"
        place = caller["dialplan"]
        is_held = (place["exten"], place["app_name"]) == (dialplan.HOLD, "MusicOnHold")
        return "waiting" if is_held else "absent"

    async def rings(self, offer_id: str) -> int:
        shown = await self._pbx.cli("database show rang")
        return sum(f"/{self._names.leg(offer_id)};2/" in line for line in shown.splitlines())

    async def _device(self, offer_id: str) -> str:
        wanted = f"{self._names.leg(offer_id)};2"
        return str(next(each["name"] for each in await self._pbx.channels() if each["id"] == wanted))


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_contract(provisioned: Provisioned, check: str) -> None:
    """One check, with a PBX of its own."""
    async with AmiDriver(provisioned) as driver:
        await ChannelContract(driver).run(check)
