"""Conversations that were out of everybody's reach, for a call in their place, when the process came to its end.

Owns the reason that their customers are told, and what becomes of them with the next start: over if the call has begun,
else back within reach, at the place that they have kept. Must not know how a call begins, nor which channel has it
(`acd.ports.continuing`).
"""

from collections.abc import Iterable

from acd.core.messages import EndInteraction, UpdateInteraction
from acd.ports.channel import ChannelHost
from acd.ports.continuing import BEFORE, CALLED, CALLED_REASON
from acd.runtime.chat.rooms import Room


async def give_back(host: ChannelHost, rooms: Iterable[Room]) -> None:
    """Have no customer left aside. Raises what the host raises; then it is to be called again."""
    for room in rooms:
        standing = host.interaction(room.id) if room.waits else None
        known = {} if standing is None else dict(standing.attributes)
        call_id = known.get(CALLED)
        if call_id is None:
            continue
        if host.interaction(call_id) is not None:
            await host.submit(EndInteraction(host.new_id(), room.id, by="system", reason=CALLED_REASON))
        else:
            before = known.get(BEFORE, "")
            await host.submit(UpdateInteraction(host.new_id(), room.id, (), (CALLED, BEFORE), requirement=before))


def why_over(host: ChannelHost, room: Room) -> str:
    """That a call has taken its place, if it has; else empty."""
    standing = host.interaction(room.id)
    return CALLED_REASON if standing is not None and standing.reason == CALLED_REASON else ""
