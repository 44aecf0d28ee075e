"""What an agent does with a call elsewhere than on the telephone: the customer on hold, and back.

Owns finding out who holds whom, from how agents stand. Must not know bridges (`conversations`) or events of the PBX.

A telephone that holds by itself has told Asterisk, which plays the music: its leg is left where it is. After a restart
of this process nothing is known of that; then the leg is put aside as for any other hold, and comes back as from one.
"""

from functools import partial

from acd.ports.channel import AgentStanding
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk
from acd_asterisk.devices import Devices


class Holding:
    """One channel instance's."""

    def __init__(self, desk: Desk, devices: Devices, conversations: Conversations) -> None:
        """`devices` has the legs by agent."""
        self._desk = desk
        self._devices = devices
        self._conversations = conversations

    async def run(self) -> None:
        """Follow all agents, for ever."""
        async for standings in self._desk.host.watch_agents():
            for standing in standings:
                self._follow(standing)

    def _follow(self, standing: AgentStanding) -> None:
        for each in self._devices.legs_of(standing.agent_id):
            found = self._desk.find(each.offer_id)
            if found is None or found[0].parent is not None:
                continue  # The talk with an adviser is nobody's customer on hold.
            call, leg = found
            held = (call.interaction_id, "held") in standing.work
            if held != leg.held and leg.is_live and not leg.held_by_phone:
                leg.held = held
                self._desk.in_lane(call, partial(self._conversations.put, call, leg))
