"""What has to be done again and again: winding up the dead-man's switches, and sparing people during an outage.

Owns the two periods. Must not know events or effects.

The dead-man's switch: the dialplan sets `TIMEOUT(absolute)` before `Stasis()`; as long as this runs, it is set
anew for every waiting caller, so that it never fires. If the engine dies, the caller is in the dialplan's `T`
extension a little later. A caller who talks with an agent has none; one who has talked, and is asked something, has.
Whoever was called back is in no dialplan: theirs only keeps a line from being held for ever, also while they hear who
calls.

A switch is wound up only as long as it cannot have fired. Over ARI Asterisk refuses to do so for whoever has left the
application; over AMI it sets a timeout on any channel, and that of a caller who is in the fallback by now (this
process, or its machine, stood still) would end what somebody there has begun with them.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

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
"""How long before its end an offer that cannot ring is given back, so that nobody is punished for not answering; and
the turn of a customer who cannot be called, so that it is no attempt."""

_EARLIEST: Final = 0.8
"""A heartbeat comes between this share of its period and the whole, so that they spread out."""

_DOUBTED: Final = 0.25
"""A switch that has less than this share of its time left is not wound up: that takes its time, too."""

_log = structlog.get_logger(__name__)


class Heartbeat:
    """The rounds of one channel instance. `is_live`: whether the PBX is connected and compared; `compare` does that."""

    def __init__(
        self,
        desk: Desk,
        switchboard: Switchboard,
        orders: Orders,
        is_live: Callable[[], bool],
        compare: Callable[[], Awaitable[None]],
    ) -> None:
        """Nothing runs yet."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._is_live = is_live
        self._compare = compare
        self._has_doubts = False
        self._heard = 0.0
        """When the last round was over, on the event loop's clock: what had happened by then has been heard since."""

    async def run(self) -> None:
        """For ever."""
        while True:
            self._heard = asyncio.get_running_loop().time()
            await asyncio.sleep(ROUND_SECONDS)
            if self._is_live():
                if self._desk.options.heartbeat_us:
                    await self._wind_up()
            else:
                await self._spare()

    async def _wind_up(self) -> None:
        now = asyncio.get_running_loop().time()
        calls = (*self._desk.calls.values(), *self._desk.lingering.values())
        due = [call for call in calls if call.switch_off or (call.is_guarded and call.beat_due <= now)]
        # Those who talk first: of those who wait there may be many, and a talk must not end because of them.
        due.sort(key=lambda call: not call.switch_off)
        self._doubt([call for call in due if not call.switch_off and self._may_have_fired(call)])
        free = asyncio.Semaphore(MAX_AT_ONCE)

        async def beat(call: Call) -> None:
            async with free:
                if call.switch_off:
                    await self._orders.clear_switch(call)
                elif call.is_guarded and not self._may_have_fired(call):
                    await self._beat(call, now)

        await asyncio.gather(*(beat(call) for call in due))

    def _may_have_fired(self, call: Call) -> bool:
        """Whether nobody has wound up a switch for nearly as long as it waits.

        Whose beat is due for the first time was found in the application since the last round.
        """
        options = self._desk.options
        waits = options.dead_man_us * (1 - _DOUBTED) - options.heartbeat_us
        return asyncio.get_running_loop().time() > (call.beat_due or self._heard) + waits / 1e6

    def _doubt(self, doubtful: list[Call]) -> None:
        """Do nothing for a round, to hear what has happened meanwhile; whoever is still there then is looked for."""
        if doubtful and self._has_doubts:
            _log.warning(
                "callers may have been sent on by the dead-man's switch: comparing",
                instance=self._desk.name,
                count=len(doubtful),
            )
            self._desk.spawn(self._look_for(doubtful))
        self._has_doubts = bool(doubtful)

    async def _look_for(self, doubtful: list[Call]) -> None:
        await self._compare()
        for call in doubtful:
            call.beat_due = 0.0  # It is known again only if it is there.

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

    async def _spare(self) -> None:
        soon = self._desk.host.now_us() + int(SPARE_SECONDS * 1e6)
        for wish in self._desk.host.desired():
            for offer_id, _ in wish.ringing():
                expires = self._desk.offered.expires_at_us(offer_id)
                if expires is not None and expires <= soon:
                    await self._desk.tell(FailOffer(self._desk.host.new_id(), offer_id, reason="failed"))
        if self._orders.callbacks is not None:
            await self._orders.callbacks.spare(soon)
