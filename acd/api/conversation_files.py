"""Routes by which agents send and get files of their conversations.

Owns /v1/agents/{agent}/conversations/{interaction}/files and what is under it. Must not know whose a conversation is
(`acd.api.conversations`), nor how bytes travel (`acd.api.chat.files`).
"""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.chat.files import MEDIA, PROBLEMS, TRANSFERS, Key, Name, Sent, entry_of
from acd.api.conversations import BEGUN, ID, conversation_of
from acd.api.problems import not_found
from acd.api.routes import Call, Example, Route

_PATH: Final = "/v1/agents/{agent}/conversations/{interaction}/files"
_OWN: Final = {"agent": "anna", "interaction": ID}


class AgentFileQuery(Struct, frozen=True):
    """What it is called."""

    id: Key = ""
    name: Name = ""


async def send(call: Call[Nothing, AgentFileQuery]) -> Sent:
    """A file of the agent's."""
    channel, room = await conversation_of(call)
    agent_id = call.path("agent")
    await channel.reception.let_in(room, agent_id)
    transfers, query = call.request.app[TRANSFERS], call.query
    return await transfers.take_in(call.request, channel, room, agent_id=agent_id, key=query.id, name=query.name)


async def get(call: Call[Any, NoQuery]) -> web.Response:
    """A file of either side's."""
    channel, room = await conversation_of(call)
    seq = call.path("seq")
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= 9):  # noqa: PLR2004 - no entry has such a number
        raise not_found("file")
    entry = entry_of(room, int(seq))
    return call.request.app[TRANSFERS].give_out(channel, room, entry, f"agent {call.path('agent')}", call.request)


ROUTES: Final = (
    Route(
        "send_file",
        "conversations",
        "POST",
        _PATH,
        "agent",
        send,
        "Send a picture or a file.",
        Sent,
        query=AgentFileQuery,
        problems=("not-found", *PROBLEMS),
        example=Example(
            _OWN, {"id": "f-1", "name": "note.txt"}, {"note": "Good day."}, after=BEGUN, shows={"name": "note.txt"}
        ),
        changes=False,
        streams=True,
        notes="The body is the file, in `application/octet-stream`; what it is, is found in its bytes. The same `id`"
        " again is the same file.",
    ),
    Route(
        "get_file",
        "conversations",
        "GET",
        f"{_PATH}/{{seq}}",
        "agent",
        get,
        "A file of a conversation.",
        problems=("not-found", "too-many-requests", "channel-unavailable", "chat-store-unavailable"),
        example=Example({**_OWN, "seq": "3"}, after=(*BEGUN, "send_file")),
        media="text/plain",
        more_media=tuple(each for each in MEDIA if each != "text/plain"),
        notes="For whoever sees the conversation. Never shown by a browser as anything but a picture.",
    ),
)
