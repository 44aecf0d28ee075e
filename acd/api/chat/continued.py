"""Calls that have gone on from a conversation in writing: which one that is, and that whoever has the call may read it.

Owns that. Must not know how a call begins. The attribute alone proves nothing: both have to be the same customer's.
"""

from acd.api.auth import Principal
from acd.ports.continuing import CONTINUES
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.records import InteractionRecord
from acd.runtime.view import View


def continued(view: View, call: InteractionRecord) -> str:
    """The conversation from which a call has gone on; empty for none, or one that nobody remembers."""
    found = view.interaction(dict(call.attributes).get(CONTINUES, ""))
    return found.id if found is not None and found.customer and found.customer == call.customer else ""


async def is_called(view: View, agent_id: str, channel: WebChatChannel, visitor: str) -> bool:
    """Whether the agent talks with this visitor, in a call that has gone on from a conversation of the channel's."""
    agent = view.agents.get(agent_id)
    calls = [view.interaction(each) for each in (() if agent is None else tuple(agent.work))]
    for call in calls:
        found = continued(view, call) if call is not None and call.state == "active" else ""
        room = await channel.reception.find(found) if found else None
        if room is not None and room.visitor == visitor:
            return True
    return False


def is_continued(view: View, agent_id: str, conversation: InteractionRecord, who: Principal) -> bool:
    """Whether the agent is asked to take, or has in hand, the call that has gone on from the conversation."""
    return who.may_see(conversation) and has_call_from(view, agent_id, conversation.id, who)


def has_call_from(view: View, agent_id: str, conversation_id: str, who: Principal) -> bool:
    """The same; whether whoever asks may see the conversation is the caller's to know."""
    agent = view.agents.get(agent_id)
    calls = (view.interaction(each) for each in (() if agent is None else tuple(agent.work)))
    return any(call is not None and who.sees(call) and continued(view, call) == conversation_id for call in calls)
