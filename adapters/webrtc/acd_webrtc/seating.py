"""Which call an agent's page is let into: their own, one that they are asked about, or one that they supervise.

Owns that alone; whoever opened the page has seen to it that it is theirs. Must not know what is said then.
"""

from typing import TYPE_CHECKING

from acd.ports.pages import Ending
from acd_webrtc import advising
from acd_webrtc.exchange import LOST
from acd_webrtc.pages import NORMAL, AgentPage, SupervisorPage

if TYPE_CHECKING:
    from acd_webrtc.channel import WebrtcChannel


def agent_page(channel: "WebrtcChannel", interaction_id: str, agent_id: str) -> AgentPage:
    """The page of an agent, which is ended at once where there is nothing for them."""
    wish, line = channel.host.wish(interaction_id), channel.lines.get(interaction_id)
    consult = "" if wish is None or not wish.parent else interaction_id
    page = AgentPage(channel, agent_id, consult)
    if consult:
        line = advising.look(channel.lines, channel.host, consult)
    if wish is None or line is None or agent_id not in wish.offers().values():
        page.end(Ending(NORMAL, "over", channel.lines.why(interaction_id) or LOST))
    elif consult:
        channel.exchange.settle(line)
        channel.exchange.adviser_came(line, page)
    else:
        # Whoever has accepted talks, also in the moment before the engine's order comes.
        channel.exchange.heal(line, wish)
        channel.exchange.agent_came(line, page)
    return page


def supervisor_page(channel: "WebrtcChannel", interaction_id: str, agent_id: str) -> SupervisorPage:
    """The page of a supervisor, which is ended at once where nothing was asked for."""
    page = SupervisorPage(channel, agent_id)
    channel.exchange.supervisor_came(channel.lines.get(interaction_id), page)
    return page
