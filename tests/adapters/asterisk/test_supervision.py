"""Supervisors on the real Asterisk: everybody says a tone, and every telephone's ear is listened to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd.core.messages import EndInteraction, InteractionCompleted, OfferAccepted, TransferInteraction
from acd.errors import ChannelError
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from tests.adapters.asterisk.recording.sounds import heard
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until

HZ = {"caller": 400, "anna": 900, "boss": 1_700}
PACKETS = 40
"""Of 20 ms: so much is listened to at a time."""

LOUD, QUIET = 1_500.0, 300.0


@dataclass
class Floor:
    """A call that is going on, and a supervisor's telephone."""

    it: Rig
    ears: Mapping[str, Ear]
    call: str

    @property
    def channel(self) -> AsteriskChannel:
        assert isinstance(self.it.channel, AsteriskChannel)
        return self.it.channel

    async def supervise(self, mode: str) -> None:
        await self.channel.supervise(self.call, "boss", mode)  # type: ignore[arg-type]

    async def there(self) -> None:
        await until(lambda: [each.state for each in self.channel.supervisors(self.call)] == ["there"], self.standing)

    def standing(self) -> str:
        return str(self.channel.supervisors(self.call))

    async def hear(self, **expected: str) -> None:
        """Wait until each hears who is named, blanks between them, and nobody else besides."""
        begun = {name: ear.packets for name, ear in self.ears.items()}

        def is_so() -> bool:
            # What changes a moment ago is in the past of what has been heard: look at the last packets alone.
            return all(self._hears(name, set(whom.split()), begun[name]) for name, whom in expected.items())

        await until(is_so, lambda: str({name: self._amounts(name) for name in expected}), 8)

    def _hears(self, name: str, whom: set[str], since: int) -> bool:
        if self.ears[name].packets < since + PACKETS:
            return False
        amounts = self._amounts(name)
        return all(amounts[each] > LOUD if each in whom else amounts[each] < QUIET for each in amounts)

    def _amounts(self, name: str) -> dict[str, float]:
        ear = self.ears[name]
        return {each: heard(ear, hertz, max(ear.packets - PACKETS, 0)) for each, hertz in HZ.items() if each != name}

    async def alone(self) -> None:
        """Wait until nothing of a supervisor is left on the PBX, and the call goes on."""

        async def left() -> list[str]:
            found = [each["id"] for each in (*await self.it.pbx.channels(), *await self.it.pbx.bridges())]
            return [each for each in found if any(word in each for word in (":boss:", ":watch:", ":spy-"))]

        async with asyncio.timeout(PATIENCE_SECONDS):
            while await left():
                await asyncio.sleep(POLL_SECONDS)
        await until(lambda: self.channel.supervisors(self.call) == (), self.standing)


@asynccontextmanager
async def floor(provisioned: Provisioned, folder: Path, **more: object) -> AsyncIterator[Floor]:
    async with AsyncExitStack() as stack:
        ears = {name: await stack.enter_async_context(Ear(hertz)) for name, hertz in HZ.items()}
        # Long enough for the caller to hear music, and so to learn where to speak to.
        agents = [Agent(name, AgentBehaviour(ring_ms=300, ear=ears[name].port)) for name in ("anna", "boss")]
        it = await stack.enter_async_context(rig(provisioned, folder, agents, **more))  # type: ignore[arg-type]
        await it.ready("anna")
        await stack.enter_async_context(it.callers(CallSpec("10001", "sales", ear=ears["caller"].port)))
        accepted = await it.event(OfferAccepted)
        made = Floor(it, ears, accepted.interaction_id)
        await made.hear(caller="anna", anna="caller")
        yield made


async def test_listen_whisper_barge_and_leave(provisioned: Provisioned, tmp_path: Path) -> None:
    async with floor(provisioned, tmp_path) as on:
        await on.supervise("listen")
        await on.there()
        await on.hear(boss="caller anna", anna="caller", caller="anna")
        await on.supervise("whisper")
        await on.hear(boss="caller anna", anna="caller boss", caller="anna")
        await on.supervise("barge")
        await on.hear(boss="caller anna", anna="caller boss", caller="anna boss")
        await on.supervise("listen")
        await on.hear(boss="caller anna", anna="caller", caller="anna")
        await on.supervise("off")
        await on.alone()
        await on.hear(anna="caller", caller="anna")
        assert not on.it.all(InteractionCompleted)


@pytest.mark.parametrize("mode", ["listen", "barge"])
async def test_it_ends_with_the_agents_part(provisioned: Provisioned, tmp_path: Path, mode: str) -> None:
    async with floor(provisioned, tmp_path) as on:
        await on.supervise(mode)
        await on.there()
        await on.hear(boss="caller anna")
        ended = EndInteraction(on.it.router.new_id(), on.call, "agent")
        assert (await on.it.router.submit(ended)).refusal is None
        await on.alone()
        await on.it.empty()


async def test_it_ends_when_the_customer_goes_elsewhere(provisioned: Provisioned, tmp_path: Path) -> None:
    async with floor(provisioned, tmp_path) as on:
        await on.supervise("barge")
        await on.there()
        await on.hear(caller="anna boss")
        moved = TransferInteraction(on.it.router.new_id(), on.call, "anna", "sales")
        assert (await on.it.router.submit(moved)).refusal is None
        await on.alone()


async def test_who_hangs_up_supervises_no_more(provisioned: Provisioned, tmp_path: Path) -> None:
    async with floor(provisioned, tmp_path) as on:
        await on.supervise("whisper")
        await on.there()
        await on.hear(anna="caller boss")
        (phone,) = [each["name"] for each in await on.it.pbx.channels() if ":boss:" in each["id"]]
        await on.it.pbx.cli(f"channel request hangup {phone}")
        await on.alone()
        await on.hear(anna="caller", caller="anna")


async def test_an_engine_that_was_killed_leaves_nobody_listening(provisioned: Provisioned, tmp_path: Path) -> None:
    async with floor(provisioned, tmp_path) as on:
        await on.supervise("listen")
        await on.there()
        await on.hear(boss="caller anna")
        await on.it.stop_engine(crash=True)
        await on.it.start_engine()
        await on.alone()
        await on.hear(anna="caller", caller="anna")


async def test_a_supervisor_stays_over_a_lost_connection(provisioned: Provisioned, tmp_path: Path) -> None:
    async with floor(provisioned, tmp_path, proxied=True) as on:
        await on.supervise("listen")
        await on.there()
        await on.hear(boss="caller anna")
        await on.it.proxy.cut()
        await on.it.connected(connected=False)
        await on.it.connected()
        await on.hear(boss="caller anna", anna="caller")
        await on.supervise("barge")
        await on.hear(caller="anna boss")


async def test_what_cannot_be_is_said(provisioned: Provisioned, tmp_path: Path) -> None:
    nowhere = Agent("nowhere", address="PJSIP/nobody-of-this-name")
    async with rig(provisioned, tmp_path, [Agent("anna", AgentBehaviour(ring_ms=10)), nowhere]) as it:
        assert isinstance(it.channel, AsteriskChannel)
        with pytest.raises(ChannelError, match="nobody talks"):
            await it.channel.supervise("pbx1-1.0", "anna", "listen")
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "sales")):
            accepted = await it.event(OfferAccepted)
            call = it.channel._desk.calls[accepted.interaction_id]
            await until(lambda: any(leg.joined for leg in call.legs.values()), lambda: "not joined")
            with pytest.raises(ChannelError, match="has a part"):
                await it.channel.supervise(accepted.interaction_id, "anna", "listen")
            with pytest.raises(ChannelError, match="cannot be reached"):
                await it.channel.supervise(accepted.interaction_id, "nowhere", "listen")
            with pytest.raises(ChannelError, match="no usable address"):
                await it.channel.supervise(accepted.interaction_id, "unheard-of", "listen")
            await it.channel.supervise(accepted.interaction_id, "boris", "off")
            assert it.channel.supervisors(accepted.interaction_id) == ()
