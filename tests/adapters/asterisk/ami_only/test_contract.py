"""The contract of `acd.ports.channel`, as shipped, against a real Asterisk of which nothing but AMI is used."""

from typing import Self

import pytest

from acd.ports.channel import Channel
from acd.testing.contract import ChannelContract, Standing
from acd_asterisk.ami_only import dialplan
from acd_asterisk.lab import Provisioned
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.pbx_driver import UNUSED_PORT, PbxDriver
from tests.adapters.asterisk.rig import EXAMPLES, INSTANCE, manager_section, only_ami

DEVICES = """
; A device that rings until it is told to do something else; what it has ever done stays in the database.
[devices]
exten => ring,1,Set(DB(rang/${UNIQUEID}/${CHANNEL(name)})=1)
 same => n,Ringing()
 same => n,Wait(600)
exten => answer,1,Answer()
 same => n,Wait(600)
"""


class AmiDriver(PbxDriver):
    """Moves a PBX whose only agent's device is a context of its dialplan."""

    def __init__(self, provisioned: Provisioned) -> None:
        super().__init__(provisioned, "1000")

    async def __aenter__(self) -> Self:
        extensions = (EXAMPLES / "extensions_ami.conf").read_text() + DEVICES
        await self._start(extensions, manager_section())
        return self

    async def make(self, *, far_end: bool = True) -> Channel:
        port = self._pbx.ami_port if far_end else UNUSED_PORT
        self._channel = open_channel(INSTANCE, {**only_ami(port), "on_cancel": "hangup"})
        return self._channel

    def address(self, agent_id: str, channel: str) -> str:
        return "Local/ring@devices/n" if (agent_id, channel) == (self.agent_id, "voice") else ""

    async def device_answers(self, offer_id: str) -> None:
        await self._answer(self._names.leg(offer_id), "devices", "answer", lambda place: place["exten"] == dialplan.LEG)

    async def standing(self, interaction_id: str) -> Standing:
        shown = {each["id"]: each for each in await self._pbx.channels()}
        caller = shown.get(self._customers.get(interaction_id, ""))
        if caller is None:
            return "absent"
        for bridge in await self._pbx.bridges():
            if caller["id"] in bridge["channels"]:
                return "connected" if self._offers(set(bridge["channels"]), interaction_id) else "absent"
        ringing = {each for each, channel in shown.items() if channel["state"] in {"Ringing", "Up"}}
        if self._offers(ringing, interaction_id):
            return "ringing"
        place = caller["dialplan"]
        is_held = (place["exten"], place["app_name"]) == (dialplan.HOLD, "MusicOnHold")
        return "waiting" if is_held else "absent"


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_contract(provisioned: Provisioned, check: str) -> None:
    """One check, with a PBX of its own."""
    async with AmiDriver(provisioned) as driver:
        await ChannelContract(driver).run(check)
