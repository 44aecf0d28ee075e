"""Agents pause and resume a recording by a code from their telephone.

Owns the keys that have been pressed, and what the agent hears of it: two beeps when nothing is recorded any more, one
when it is again, none when it could not be done; whoever hears them is out of the conversation meanwhile, and put back
afterwards. Must not know how a recording is paused.
"""

from collections import OrderedDict
from typing import Final

import structlog

from acd.errors import ChannelError
from acd.ports.recording_names import ATTRIBUTE
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import Happening, KeyPressed, LegLeft
from acd_asterisk.notes import Notes
from acd_asterisk.prompts import Prompts
from acd_asterisk.recording.recorder import Recorder

MAX_TYPING: Final = 20_000
"""Telephones whose last keys are remembered."""

BEEP: Final = "sound:beep"

_log = structlog.get_logger(__name__)


class PauseCode:
    """The code of one channel instance; empty: there is none."""

    def __init__(
        self, desk: Desk, recorder: Recorder, prompts: Prompts, notes: Notes, conversations: Conversations
    ) -> None:
        """Nothing has been pressed."""
        self._desk = desk
        self._recorder = recorder
        self._prompts = prompts
        self._notes = notes
        self._conversations = conversations
        self._code = desk.options.recording.pause_code
        self._typed: OrderedDict[str, str] = OrderedDict()
        """The last keys, by offer."""

    def handle(self, what: Happening) -> None:
        """React to keys."""
        match what:
            case KeyPressed() if self._code and (offer_id := self._desk.names.offer_of(what.channel_id)) is not None:
                self._pressed(offer_id, what.key)
            case LegLeft():
                self._typed.pop(what.offer_id, None)
            case _:
                pass

    def _pressed(self, offer_id: str, key: str) -> None:
        found = self._desk.find(offer_id)
        if found is None or not found[1].joined or self._recorder.standing(found[0].interaction_id) == "off":
            return
        typed = (self._typed.pop(offer_id, "") + key)[-len(self._code) :]
        if typed == self._code:
            self._desk.spawn(self._change(found[0].interaction_id, offer_id))
            return
        self._typed[offer_id] = typed
        if len(self._typed) > MAX_TYPING:
            self._typed.popitem(last=False)

    async def _change(self, interaction_id: str, offer_id: str) -> None:
        is_pause = self._recorder.standing(interaction_id) != "paused"
        try:
            await (self._recorder.pause if is_pause else self._recorder.resume)(interaction_id)
        except ChannelError as error:
            about = self._desk.keys(interaction_id)
            _log.warning("a recording was not paused or resumed", reason=str(error), **about)
            return
        self._notes.put(interaction_id, {ATTRIBUTE: self._recorder.standing(interaction_id)})
        try:
            await self._prompts.play(self._desk.names.leg(offer_id), (BEEP, BEEP) if is_pause else (BEEP,))
        finally:
            await self._put_back(offer_id)

    async def _put_back(self, offer_id: str) -> None:
        """To where the agent belongs by now: with the customer, with an adviser, or apart."""
        found = self._desk.find(offer_id)
        if found is not None:
            await self._conversations.put(*found)
            self._prompts.moved(self._desk.names.leg(offer_id))
