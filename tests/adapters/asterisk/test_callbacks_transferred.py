"""Customers who were called back, and whom the agent's telephone transfers into the dialplan, on a real Asterisk.

Their channels bear our name for as long as they live, and are a caller's like any other from then on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acd.core.messages import InteractionCompleted, InteractionQueued, OfferAccepted
from acd_asterisk.lab import Handset, Provisioned
from tests.adapters.asterisk.places import places, until_places
from tests.adapters.asterisk.rig import APP, PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until
from tests.adapters.asterisk.test_callbacks import LISTENS, OPTIONS, QUEUE, call_me
from tests.adapters.asterisk.test_parking import DIALPLAN as PARKING
from tests.adapters.asterisk.test_parking import LOT, LOTS
from tests.adapters.asterisk.test_transfers import ACCEPTED, AT_ONCE, DIALPLAN

OUTSIDE, BACK_AGAIN = "0123", "0999"
AGAIN = f"exten => {BACK_AGAIN},1,Stasis({APP},sales)\n same => n,Hangup()\n"
CUSTOMER = "chen"
ELSEWHERE: dict[str, object] = {"by_phone": "engine", "context": "acd-outside"}
BY_ASTERISK: dict[str, object] = {}


@asynccontextmanager
async def transferred(
    provisioned: Provisioned,
    folder: Path,
    number: str,
    how: dict[str, object] = ELSEWHERE,
    *,
    dialplan: str = DIALPLAN + AGAIN,
) -> AsyncIterator[Rig]:
    """A customer who was called back, and whom anna has transferred to this number."""
    phone = Handset("anna")
    agents = [Agent("anna", handset=phone), Agent(CUSTOMER, LISTENS)]
    options: dict[str, object] = {**OPTIONS, "transfers": how}
    lots = {"modules.conf": "load = res_parking\n", "res_parking.conf": LOTS}
    async with rig(
        provisioned, folder, agents, queues=[QUEUE], options=options, dialplan=dialplan, extra_config=lots
    ) as it:
        await it.ready("anna")
        await call_me(it)
        await until_places(it.pbx, {CUSTOMER: "talk:callback", "anna": "talk:callback"})
        dialog = await phone.rung()
        assert await phone.transfer(dialog, number) == ACCEPTED
        completed = await it.event(InteractionCompleted)
        assert (completed.interaction_id, completed.reason) == ("callback", "transferred-out")
        yield it
        for channel in await it.pbx.channels():
            await it.pbx.cli(f"channel request hangup {channel['name']}")
        await it.empty()


async def test_who_has_gone_on_is_left_alone(provisioned: Provisioned, tmp_path: Path) -> None:
    """By comparisons, too, as they come every minute and after every connect."""
    async with transferred(provisioned, tmp_path, OUTSIDE) as it:
        await until_places(it.pbx, {CUSTOMER: ""})
        await it.channel.reconcile(())
        for _ in range(AT_ONCE):
            assert await places(it.pbx) == {CUSTOMER: ""}


async def test_who_comes_back_is_a_caller(provisioned: Provisioned, tmp_path: Path) -> None:
    """They wait and talk like any other, also when another process finds them."""
    async with transferred(provisioned, tmp_path, BACK_AGAIN) as it:
        await until(lambda: len(it.all(OfferAccepted)) > 1, lambda: f"{it.events[-5:]}")
        again = it.all(InteractionQueued)[1].interaction_id
        talk = {CUSTOMER: f"talk:{again}", "anna": f"talk:{again}"}
        await until_places(it.pbx, talk)
        await it.stop_engine(crash=True)
        await it.start_engine()
        await it.channel.reconcile(())
        for _ in range(AT_ONCE):
            assert await places(it.pbx) == talk


async def test_who_is_parked_is_left_alone(provisioned: Provisioned, tmp_path: Path) -> None:
    """In a lot of Asterisk's, where their channel says all the while that it is in our application."""
    async with transferred(provisioned, tmp_path, LOT, BY_ASTERISK, dialplan=PARKING) as it:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while f"PJSIP/{CUSTOMER}" not in await it.pbx.cli("parking show default"):
                await asyncio.sleep(POLL_SECONDS)
        await it.channel.reconcile(())
        for _ in range(AT_ONCE):
            assert CUSTOMER in await places(it.pbx)
