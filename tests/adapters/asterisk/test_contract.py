"""The contract of `acd.ports.channel`, as shipped, against a real Asterisk."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
import pytest

from acd.ports.channel import Channel
from acd.testing.contract import ChannelContract, Standing
from acd.testing.contract import until as until_so
from acd.testing.contract_callback import CallbackContract
from acd.testing.contract_consult import ConsultContract
from acd_asterisk.lab import Provisioned
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.pbx_driver import UNUSED_PORT, PbxDriver
from tests.adapters.asterisk.rig import APP, INSTANCE

DIALPLAN = f"""
[acd-inbound]
exten => _X.,1,Stasis({APP},sales)
 same => n,Hangup()

; A device that rings until it is told to do something else; what it has ever done stays in the database.
[devices]
exten => _[a-z0-9].,1,Set(DB(rang/${{UNIQUEID}}/${{CHANNEL(name)}})=1)
 same => n,Ringing()
 same => n,Wait(600)

[answered]
exten => s,1,Answer()
 same => n,Wait(600)
"""


class AsteriskDriver(PbxDriver):
    """Moves a PBX whose agents' devices are a context of its dialplan."""

    adviser_id: str = "ben"
    customer_number: str = "13800138000"

    def __init__(self, provisioned: Provisioned) -> None:
        super().__init__(provisioned, "100")
        self._standing_in: AsyncExitStack | None = None

    async def __aenter__(self) -> Self:
        await self._start(DIALPLAN)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()
        await super().__aexit__(kind, error, trace)

    async def make(self, *, far_end: bool = True) -> Channel:
        url = self._pbx.ari_url if far_end else f"http://127.0.0.1:{UNUSED_PORT}/ari"
        access = {"url": url, "user": self._pbx.ari_user, "password": self._pbx.ari_password}
        callbacks = {"dial": "Local/{number}@devices/n"}
        self._channel = open_channel(INSTANCE, {**access, "on_cancel": "hangup", "callbacks": callbacks})
        await self._leave()
        return self._channel

    def address(self, agent_id: str, channel: str) -> str:
        return f"Local/{agent_id}@devices/n" if agent_id in {"anna", "ben"} and channel == "voice" else ""

    async def device_answers(self, offer_id: str) -> None:
        assert self._channel is not None
        if self._channel.health()["link"] == "stopped":
            # Asterisk lets nobody into an application without a controller: it must believe that there is one.
            self._standing_in = AsyncExitStack()
            await self._standing_in.enter_async_context(self._listener())
        await self._answer(self._names.leg(offer_id), "answered", "s", _is_ours)

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
        if self._offers(ringing, interaction_id):
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

    async def is_called(self, interaction_id: str) -> bool:
        return bool(await self._called(interaction_id, "Ringing"))

    async def calls(self, interaction_id: str) -> int:
        shown = await self._pbx.cli("database show rang")
        return sum(f"/{self._back(interaction_id)}" in line for line in shown.splitlines())

    async def customer_answers(self, interaction_id: str) -> None:
        (called,) = await self._called(interaction_id, "Ringing")
        self._customers[interaction_id] = called
        await self._answer(called, "answered", "s", _is_ours)

    async def customer_refuses(self, interaction_id: str) -> None:
        (called,) = await self._called(interaction_id, "Ringing")
        await self._hang_up(called)

        async def is_over() -> bool:
            return not await self._called(interaction_id, "Ringing")

        await until_so(is_over, "the customer's telephone to stop")

    async def _called(self, interaction_id: str, state: str) -> list[str]:
        """The channels by which the customer is called."""
        beginning = self._back(interaction_id)
        channels = await self._pbx.channels()
        found = [each["id"] for each in channels if each["state"] == state and each["id"].startswith(beginning)]
        return [each for each in found if ";" not in each]

    def _back(self, interaction_id: str) -> str:
        """How the ids of those begin, whichever attempt it is."""
        return self._names.back(f"{interaction_id}.c").removesuffix("~")

    @property
    def _asking(self) -> str:
        """The leg of the first offer of the first customer: it has the customer's part in every consult."""
        return self._names.leg(f"{next(iter(self._customers), '')}.1")

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


def _is_ours(place: Any) -> bool:  # noqa: ANN401 - as ARI says it
    """Whether a channel that stands there is in the application."""
    return bool(place["app_name"] == "Stasis")


@pytest.mark.parametrize("check", CallbackContract.checks())
async def test_contract_of_customers_who_are_called(provisioned: Provisioned, check: str) -> None:
    """Likewise, for callbacks whose customers are called before any agent."""
    async with AsteriskDriver(provisioned) as driver:
        await CallbackContract(driver).run(check)


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
