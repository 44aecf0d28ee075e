"""Conversations that have ended, and of which the engine has forgotten whose they were, as after a restart.

Owns that question: the file says who talked last, and the engine who has the call that took its place. Must not know
live ones: those are whose the interaction is.
"""

from typing import Any

from acd.api.chat.continued import has_call_from
from acd.api.routes import Call
from acd.errors import ChatDamaged
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.rooms import Room


async def ended_conversation(call: Call[Any, Any]) -> tuple[WebChatChannel, Room] | None:
    """The one in the path, if its agent was the last to talk in it or has its call, and whoever asks may see it."""
    who, agent_id = call.who, call.path("agent")
    if not who.sees_all and who.agent != agent_id:
        return None
    channels = call.context.router.health().get("channels")
    for name in channels if isinstance(channels, dict) else ():
        channel = call.context.router.channel(name)
        if not isinstance(channel, WebChatChannel):
            continue
        try:
            room = await channel.reception.find(call.path("interaction"))
        except ChatDamaged:
            continue  # it says nothing for anybody
        if room is None or not room.conversation.is_over:
            continue
        if room.conversation.last_agent != agent_id and not has_call_from(call.context.view, agent_id, room.id, who):
            continue
        seen = who.scope is None or (
            who.scope.has_queue(room.conversation.head.queue) and who.scope.has_channel(channel.media)
        )
        return (channel, room) if seen else None
    return None
