"""Several agents in one call between browsers: who hears whom, and who is let go.

Owns that alone. One agent, who has been there longest, has the talk with the customer; the others have a leg
(`besides`) with the customer and with every agent. Hold is everybody's own: who holds hears none of them, and is heard
by none.
Must not know sockets, nor why agents talk together (the engine).
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from acd.core.messages import Command, LeaveInteraction
from acd_webrtc.advising import is_asked, is_others
from acd_webrtc.besides import CUSTOMER, Pairing, agent_seat
from acd_webrtc.translate import AGENT_LOST

if TYPE_CHECKING:
    from acd_webrtc.lines import Line


def pairings(line: "Line") -> list[Pairing]:
    """Those of everybody who is not in the talk."""
    if line.talk is None:
        return []
    agents = list(dict.fromkeys(line.talking.values()))
    away = {*line.held, *([line.talk.agent_id] if is_asked(line) else [])}
    found = []
    for agent_id in agents[1:]:
        there = agent_id not in away
        found.append(Pairing(agent_seat(agent_id), CUSTOMER, there, there, holds=False))
    for earlier, later in combinations(agents, 2):
        there = not away & {earlier, later}
        found.append(Pairing(agent_seat(later), agent_seat(earlier), there, there, holds=False))
    return found


def lost(line: "Line", new_id: Callable[[], str]) -> Iterator[Command]:
    """Who has no connection with the customer any more leaves the conference; the others go on."""
    for agent_id in list(line.talking.values())[1:]:
        leg = line.legs.get((agent_seat(agent_id), CUSTOMER))
        if leg is not None and leg.call.ended is not None and not is_others(leg):
            reason = "media-failed" if leg.call.ended == "failed" else AGENT_LOST
            yield LeaveInteraction(new_id(), line.id, agent_id, reason)
