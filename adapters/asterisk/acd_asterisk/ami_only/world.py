"""What Asterisk has of ours, asked over AMI, in the shapes in which ARI tells it.

Owns the snapshot. Must not know what is compared with it, nor how anything is changed.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from acd_asterisk.ami.connection import Manager
from acd_asterisk.ami.errors import AmiUnavailable
from acd_asterisk.ami.wire import Message, text_of
from acd_asterisk.ami_only import dialplan
from acd_asterisk.ami_only.telling import STASIS, channel_of, talked_of
from acd_asterisk.names import Names
from acd_asterisk.wire import AriBridge, AriChannel, DialplanPlace

_UP: Final = "Up"

Variable = Callable[[str, str], Awaitable[str]]
"""A channel's variable: (channel id, name)."""


class Looking:
    """One snapshot's questions."""

    def __init__(self, names: Names, app: str, music: str, manager: Manager, variable: Variable) -> None:
        """`music` is the usual class. `variable` reads one of a channel."""
        self._music = music
        self._names = names
        self._app = app
        self._manager = manager
        self._variable = variable

    async def channels(self) -> list[AriChannel]:
        """All of ours: callers and agents' legs, those who have picked up as if they were in Stasis."""
        return [await self._placed(each) for each in await self._shown() if self._is_ours(each)]

    async def application(self) -> list[str]:
        """The ids of those in the application."""
        found = await self._shown()
        return [text_of(each, "Uniqueid") for each in found if self._is_caller(each) or self._is_answered(each)]

    async def bridges(self) -> list[AriBridge]:
        """Those where callers wait, one for each class of music, and a conversation's for each."""
        shown = await self._shown()
        held: dict[str, list[str]] = {self._names.hold: []}
        for each in shown:
            if self._is_caller(each) and _exten(each) == dialplan.HOLD:
                music = await self._variable(text_of(each, "Uniqueid"), dialplan.MUSIC)
                bridge_id = self._names.hold if music in {"", self._music} else f"{self._names.hold}:{music}"
                held.setdefault(bridge_id, []).append(text_of(each, "Uniqueid"))
        groups: dict[str, set[str]] = {}
        for each in shown:
            if bridge_id := text_of(each, "BridgeId"):
                groups.setdefault(bridge_id, set()).add(text_of(each, "Uniqueid"))
        talks: dict[str, set[str]] = {}
        for inside in groups.values():
            if interaction_id := talked_of(self._names, inside):
                talks.setdefault(interaction_id, set()).update(inside)
        together = set[str]().union(*talks.values())
        for each in shown:
            channel_id = text_of(each, "Uniqueid")
            has_talked = _exten(each) == dialplan.TALK and (
                text_of(each, "BridgeId") or text_of(each, "Application") == dialplan.HAS_TALKED
            )
            if self._is_caller(each) and has_talked and channel_id not in together:
                interaction_id = await self._variable(channel_id, dialplan.INTERACTION)
                talks.setdefault(interaction_id or self._names.interaction(channel_id), set()).add(channel_id)
        holds = (AriBridge(bridge_id, tuple(inside)) for bridge_id, inside in held.items())
        return [*holds, *(AriBridge(self._names.talk(each), tuple(sorted(inside))) for each, inside in talks.items())]

    async def info(self) -> dict[str, dict[str, str]]:
        """Which Asterisk this is, and since when it runs, by its own clock."""
        settings = (await self._manager.ask("CoreSettings")).response
        status = (await self._manager.ask("CoreStatus")).response
        started = f"{text_of(status, 'CoreStartupDate')} {text_of(status, 'CoreStartupTime')}"
        asked = {"Variable": f"STRPTIME({started},,%Y-%m-%d %H:%M:%S)"}
        seconds = text_of((await self._manager.ask("Getvar", asked)).response, "Value")
        at = datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() else None
        return {
            "system": {"version": text_of(settings, "AsteriskVersion"), "entity_id": text_of(settings, "SystemName")},
            "status": {"startup_time": started if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.000000%z")},
        }

    async def _shown(self) -> list[Message]:
        reply = await self._manager.ask_list("CoreShowChannels")
        if not reply.is_success:
            raise AmiUnavailable(f"CoreShowChannels: {reply.reason}; give the user write = system,call,reporting")
        return list(reply.items)

    async def _placed(self, message: Message) -> AriChannel:
        channel = channel_of(message)
        if self._is_caller(message):
            said = await self._variable(channel.id, dialplan.ARGUMENTS)
            place = DialplanPlace(channel.dialplan.exten, STASIS, ",".join((self._app, *said.split("&"))))
        elif self._is_answered(message):
            place = DialplanPlace(channel.dialplan.exten, STASIS)
        else:
            place = DialplanPlace(channel.dialplan.exten)
        return structs.replace(channel, dialplan=place)

    def _is_ours(self, message: Message) -> bool:
        return self._is_caller(message) or self._names.is_own(text_of(message, "Uniqueid"))

    def _is_caller(self, message: Message) -> bool:
        is_here = text_of(message, "Context") == dialplan.context_of(self._app)
        return is_here and _exten(message) in dialplan.CALLERS and not self._names.is_own(text_of(message, "Uniqueid"))

    def _is_answered(self, message: Message) -> bool:
        is_leg = self._names.offer_of(text_of(message, "Uniqueid")) is not None
        is_here = text_of(message, "Context") == dialplan.context_of(self._app)
        return is_leg and is_here and _exten(message) == dialplan.LEG and text_of(message, "ChannelStateDesc") == _UP


def _exten(message: Message) -> str:
    return text_of(message, "Exten") or text_of(message, "Extension")
