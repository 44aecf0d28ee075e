"""What differs from what is desired while calls go on, and nobody is doing anything about: what the patrol looks for.

Owns telling what is stuck from what is under way. Must not know how differences are found or healed.
"""

from collections.abc import Callable
from typing import Final

from acd.ports.channel import Desired
from acd_asterisk import mending
from acd_asterisk.desk import Desk
from acd_asterisk.differences import interaction_of
from acd_asterisk.mending import Repair
from acd_asterisk.orders import Orders
from acd_asterisk.snapshot import World
from acd_asterisk.switchboard import Switchboard

MANY: Final = 32
"""Effects that are being performed, from which on nobody looks. A PBX that keeps up has a few at a time. Of one that
does not, others may wait for those, of which nothing is known here; and a comparison would be one thing more to do."""

Find = Callable[[World, tuple[Desired, ...], set[str]], list[Repair]]
"""Every difference; channels that are being seen to are left out."""


class Looks:
    """At one PBX."""

    def __init__(self, desk: Desk, switchboard: Switchboard, orders: Orders, find: Find) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._find = find

    async def look(self) -> list[Repair]:
        """What differs at the moment, with nothing stopped and nothing changed; much of it may be on its way.

        Nothing of whom something is being done about, nor of anybody where there is too much of that: under an overload
        it takes longer than there is between two looks. Raises `AriUnavailable`.
        """
        if len(self._desk.performing) >= MANY:
            return []
        world = await self._switchboard.look_around()
        # Whoever is known to this process and not to the engine is being seen to, in a menu for example.
        busy = {call.channel_id for call in self._desk.calls.values() if not call.is_enqueued}
        found = self._find(world, self._desk.host.desired(), busy | self._desk.attended)
        found = [each for each in found if not self._desk.is_seen_to(interaction_of(self._desk.names, each))]
        silent = {each.interaction_id for each in found if isinstance(each, mending.Park)} | self._left_in_silence(
            world
        )
        return [
            *(each for each in found if not isinstance(each, mending.Park) and self._is_stuck(each)),
            *(mending.Park(each) for each in sorted(silent) if self._waits(each) and not self._desk.is_seen_to(each)),
        ]

    def _is_stuck(self, repair: Repair) -> bool:
        """Whether nobody is doing anything about it, as far as that can be known."""
        match repair:
            case mending.Join(interaction_id):
                return self._has_parted(interaction_id)
            case mending.CallBack(interaction_id) | mending.Welcome(interaction_id):
                callbacks = self._orders.callbacks
                return callbacks is not None and callbacks.is_forgotten(interaction_id)
            case _:
                return True

    def _has_parted(self, interaction_id: str) -> bool:
        """Whether somebody has been with the caller who should be; others may still have to hear or press something."""
        call = self._desk.calls.get(interaction_id)
        legs = () if call is None else call.live_legs()
        return bool(legs) and all(leg.joined and leg.state == "answered" for leg in legs)

    def _left_in_silence(self, world: World) -> set[str]:
        """Those who are where they have been told something, and are told nothing any more."""
        calls = (self._desk.by_channel.get(listener) for listener in world.spoken_to.values() if listener in world.held)
        return {call.interaction_id for call in calls if call is not None}

    def _waits(self, interaction_id: str) -> bool:
        """Whether there is music to be heard, and nobody is about to see to that."""
        call = self._desk.calls.get(interaction_id)
        if call is None or self._orders.prompts.is_playing(call.channel_id):
            return False
        if call.parent is None:
            return call.is_waiting
        asking = call.parent.leg_for(call.asking)
        return asking is not None and asking.joined and asking.is_live
