"""What has to be done again and again: winding up the dead-man's switches, and sparing agents during an outage.

Owns the two periods. Must not know events or effects.

The dead-man's switch: the dialplan sets `TIMEOUT(absolute)` before `Stasis()`; as long as this runs, it is set
anew for every waiting caller, so that it never fires. If the engine dies, the caller is in the dialplan's `T`
extension a little later. A caller who talks with an agent has none; one who has talked, and is asked something, has.
Whoever was called back is in no dialplan: theirs only keeps a line from being held for ever.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

from acd.core.messages import FailOffer
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard

ROUND_SECONDS: Final = 0.25
MAX_AT_ONCE: Final = 8
"""Requests of one round that are under way at a time."""

LEAST_BACK_SECONDS: Final = 600.0
"""So long whoever was called back, and waits, stays at least after the last heartbeat: they are in no dialplan that
could go on with them, so that the switch hangs up, and a callback that has reached them is over. Nor for ever: it may
be a voicemail."""

SPARE_SECONDS: Final = 1.0
"""How long before its end an offer that cannot ring is given back, so that nobody is punished for not answering."""

_EARLIEST: Final = 0.8
"""A heartbeat comes between this share of its period and the whole, so that they spread out."""


class Heartbeat:
    """The rounds of one channel instance. `is_live`: whether the PBX is connected and compared."""

    def __init__(self, desk: Desk, switchboard: Switchboard, orders: Orders, is_live: Callable[[], bool]) -> None:
        """Nothing runs yet."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._is_live = is_live

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            if self._is_live():
                if self._desk.options.heartbeat_us:
                    await self._wind_up()
            else:
                await self._spare_agents()

    async def _wind_up(self) -> None:
        now = asyncio.get_running_loop().time()
        calls = (*self._desk.calls.values(), *self._desk.lingering.values())
        due = [call for call in calls if call.switch_off or (call.is_guarded and call.beat_due <= now)]
        free = asyncio.Semaphore(MAX_AT_ONCE)

        async def beat(call: Call) -> None:
            async with free:
                if call.switch_off:
                    await self._orders.clear_switch(call)
                elif call.is_guarded:
                    await self._beat(call, now)

        await asyncio.gather(*(beat(call) for call in due))

    async def _beat(self, call: Call, now: float) -> None:
        seconds = self._desk.options.dead_man_us / 1e6
        if call.back is not None and not call.lingers:
            seconds = max(seconds, LEAST_BACK_SECONDS)
        try:
            await self._switchboard.set_dead_mans_switch(call.channel_id, seconds)
        except AriUnavailable:
            return  # It stays due.
        period = self._desk.options.heartbeat_us / 1e6
        call.beat_due = now + period * random.uniform(_EARLIEST, 1.0)  # noqa: S311 - not a secret
        if call.is_talking and not call.lingers:
            # It was joined while the request was under way; the last word must be that there is no switch.
            call.switch_off = True
            await self._orders.clear_switch(call)

    async def _spare_agents(self) -> None:
        soon = time.time_ns() // 1_000 + int(SPARE_SECONDS * 1e6)
        for wish in self._desk.host.desired():
            for offer_id, _ in wish.ringing():
                expires = self._desk.offered.expires_at_us(offer_id)
                if expires is not None and expires <= soon:
                    await self._desk.tell(FailOffer(self._desk.host.new_id(), offer_id, reason="failed"))
