"""Who talks with whom in one call: an agent who asks another for advice, or holds; several agents with one customer.

Owns consults, conferences and hold on the PBX: where the leg of an agent is who is not with the customer, and when it
goes back. Must not know events, nor how the connection stands.

A consult is a call whose customer is the agent who asks: that agent's leg waits in the hold bridge, and talks with the
adviser in a bridge of the consult's own. The customer stays in the bridge of their own call, and hears music there as
long as nobody is with them.
"""

import asyncio

from acd.core.messages import EndInteraction, JoinAgent, OpenConsult
from acd.errors import ChannelError
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.names import is_nameable
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard


class Conversations:
    """The verbs of consults and conferences. All raise `AriUnavailable`, and `ChannelError` for what is not known."""

    def __init__(self, desk: Desk, switchboard: Switchboard, orders: Orders) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        orders.put = self.put

    async def open(self, effect: OpenConsult) -> None:
        """Let the agent who asks wait for an adviser, and the customer hear music meanwhile."""
        if self._desk.options.control == "ami":
            # It takes a bridge with a name; the talk that it is about goes on.
            await self._end(effect.interaction_id, "no-consults-over-ami")
            return
        if not is_nameable(effect.interaction_id):
            await self._desk.end_unusable(effect.interaction_id)
            return
        parent = self._desk.calls.get(effect.parent_id)
        leg = None if parent is None else parent.leg_of(effect.agent_id)
        if parent is None or leg is None:
            raise ChannelError(f"{self._desk.name}: the agent who asks for advice does not talk with the customer")
        try:
            consult = self._desk.add_consult(effect.interaction_id, parent, leg)
        except NotTaken as error:
            raise ChannelError(f"{self._desk.name}: no consult: {error.code}") from None
        if not consult.is_talking:
            await self.wait(consult)

    async def _end(self, consult_id: str, reason: str) -> None:
        await self._desk.tell(EndInteraction(self._desk.host.new_id(), consult_id, by="system", reason=reason))

    async def wait(self, consult: Call) -> None:
        """The agent who asks waits: for the first adviser, or for another one.

        Who has accepted at their desk, and has yet to pick up or to hear the briefing, is moved when they have met the
        customer.
        """
        parent, leg = self._asking(consult)
        if parent is not None and leg is not None:
            await self._orders.let_go(consult)
            await self.put(parent, leg)

    async def release(self, call: Call) -> None:
        """Let go of everything that belongs to a call; an agent who has asked goes back to the customer."""
        if call.parent is None:
            await self._orders.release(call)
            return
        call.is_ended = True
        await asyncio.gather(self._return(call), *(self._orders.end_leg(leg) for leg in call.live_legs()))
        await self._remove(call)

    async def bring_in(self, call: Call, effect: JoinAgent) -> None:
        """The adviser joins the customer and the agent who asked; the consult is no more."""
        consult = self._desk.calls.get(effect.consult_id)
        leg = call.leg_for(effect.offer_id)
        if consult is not None:
            consult.is_ended = True
            leg = leg or consult.legs.pop(effect.offer_id, None)
        if leg is None:
            raise ChannelError(f"{self._desk.name}: the adviser's leg is not known")
        if leg.offer_id not in call.legs:
            leg.accepted = True
            leg.joining = leg.joined = False
            self._desk.add_guest(call, leg)
            if leg.state == "answered":
                await self._orders.join(call, leg)
            elif not leg.is_live:
                await self._orders.lose_leg(call, leg)
        if consult is not None:
            await self._return(consult)
            await self._remove(consult)

    async def put(self, call: Call, leg: Leg) -> None:
        """Put an agent's leg where it belongs, with the customer or not; not one that has yet to meet them."""
        async with call.moving:
            if leg.is_talking:
                await self._place(call, leg)

    async def _return(self, consult: Call) -> None:
        """The agent who asked goes where they belong now."""
        parent, leg = self._asking(consult)
        if parent is None or leg is None:
            return
        async with parent.moving:
            if consult.interaction_id in leg.away:
                leg.away.remove(consult.interaction_id)
                if leg.is_talking:
                    await self._place(parent, leg)

    async def _place(self, parent: Call, leg: Leg) -> None:
        """With the adviser who came last; else in the hold bridge, if there is anybody to wait for.

        Else apart, as long as the customer is on hold; else with the customer.
        """
        if not leg.is_live or not parent.is_present:
            return
        channel = self._desk.names.leg(leg.offer_id)
        consults = [each for name in leg.away if (each := self._desk.calls.get(name)) and not each.is_ended]
        talking = [each for each in consults if each.is_talking]
        if talking:
            is_there = await self._switchboard.join(talking[-1].interaction_id, (channel,))
        elif consults:
            await self._switchboard.hold(channel)
            is_there = True
        elif leg.held:
            await self._switchboard.put_aside(channel)
            is_there = True
        else:
            is_there = await self._switchboard.join(parent.interaction_id, (channel,), make=False)
        # Not before: a telephone's own hold ends with its leaving the bridge, and the music of that with it.
        await self._orders.tune(parent)
        if not is_there and leg.is_live and parent.is_present:
            self._desk.reconcile_soon()

    async def _remove(self, consult: Call) -> None:
        if consult.bridging is not None:
            await asyncio.wait((consult.bridging,))
        if consult.has_bridge:
            self._desk.spawn(self._switchboard.demolish(consult.interaction_id))
        self._desk.forget(consult)

    def _asking(self, consult: Call) -> tuple[Call | None, Leg | None]:
        parent = consult.parent
        return parent, None if parent is None else parent.leg_for(consult.asking)
