"""What the drivers of the channel contract do alike on a real PBX, whatever the channel controls it by.

Owns customers, who are SIPp's, and devices, which are Local channels and note in Asterisk's database that they rang. It
looks by ARI. Must not know how the channel is opened, nor where it keeps callers.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import CallSpec, Pbx, Provisioned, SippCallers
from acd_asterisk.names import Names
from tests.adapters.asterisk.rig import APP, INSTANCE, PATIENCE_SECONDS, POLL_SECONDS, until

UNUSED_PORT = 9


class PbxDriver:
    """The half of a driver that moves the world. `dialled`: the number of the callers."""

    agent_id: str = "anna"

    def __init__(self, provisioned: Provisioned, dialled: str) -> None:
        self._provisioned = provisioned
        self._dialled = dialled
        self._names = Names(INSTANCE, APP)
        self._stack = AsyncExitStack()
        self._channel: AsteriskChannel | None = None
        self._customers: dict[str, str] = {}
        """Channel, by interaction."""

    async def _start(self, dialplan: str, manager: str = "") -> None:
        """Start the PBX. `manager`: more of its manager.conf."""
        config = {"extensions.conf": dialplan}
        pbx = Pbx(self._provisioned, replace_config=config, extra_config={"manager.conf": manager})
        self._pbx = await self._stack.enter_async_context(pbx)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def customer_arrives(self) -> str:
        assert self._channel is not None
        channel = self._channel
        number = f"1{len(self._customers):04}"
        calls = [CallSpec(caller=number, dialled=self._dialled)]
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

    async def device_dies(self, offer_id: str) -> None:
        await self._hang_up(self._names.leg(offer_id))

    async def rings(self, offer_id: str) -> int:
        shown = await self._pbx.cli("database show rang")
        return sum(f"/{self._names.leg(offer_id)};2/" in line for line in shown.splitlines())

    async def _answer(self, leg: str, context: str, extension: str, is_there: Callable[[Any], bool]) -> None:
        """The device of a channel goes there in the dialplan and answers; `is_there`: what the channel is like then."""
        device = await self._device(leg)
        async with self._pbx.ami() as ami:
            await ami.action("Redirect", Channel=device, Context=context, Exten=extension, Priority="1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(each["id"] == leg and is_there(each["dialplan"]) for each in await self._pbx.channels()):
                await asyncio.sleep(POLL_SECONDS)

    async def _hang_up(self, leg: str) -> None:
        await self._pbx.cli(f"channel request hangup {await self._device(leg)}")

    async def _device(self, leg: str) -> str:
        wanted = f"{leg};2"
        return str(next(each["name"] for each in await self._pbx.channels() if each["id"] == wanted))

    def _offers(self, channel_ids: set[str], interaction_id: str) -> bool:
        """Whether one of the channels is a leg of an offer of this interaction."""
        offers = [offer for each in channel_ids if (offer := self._names.offer_of(each)) is not None]
        return any(offer.startswith(f"{interaction_id}.") for offer in offers)
