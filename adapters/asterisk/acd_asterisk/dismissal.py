"""Lets go of a caller's channel: hung up, or on in the dialplan, with what that is to know of the call.

Owns which of them it is, and what is left at the channel. Must not know agents' legs or bridges, nor why a caller is
let go of.
"""

from typing import Final

import structlog

from acd.ports.channel import TRANSFERRED_OUT
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.names import visit_of
from acd_asterisk.passing import outcome, unanswered
from acd_asterisk.prompts import Prompts
from acd_asterisk.switchboard import Switchboard

AFTER_CONTINUE: Final = "continue"
"""`X_ACD_AFTER=continue`: when the agent has hung up, the caller goes on in the dialplan."""

ONWARD: Final = "ACD_ONWARD"
"""The variable of a caller's channel that says where they are led when the agent has transferred them out."""

_log = structlog.get_logger(__name__)


class Dismissal:
    """For the callers of one channel instance. All raise `AriUnavailable`."""

    def __init__(self, desk: Desk, switchboard: Switchboard, prompts: Prompts) -> None:
        """`prompts`: what a caller hears, who is to hear nothing any more."""
        self._desk = desk
        self._switchboard = switchboard
        self._prompts = prompts

    async def dismiss(self, call: Call) -> None:
        """The caller's leg: the end, or back to the dialplan when that is wanted."""
        if call.lost or call.hangup_requested or not call.channel_id:
            return
        await self._prompts.hush(call.channel_id)
        if call.way_out is not None:
            way_out = {**self._outcome(call.interaction_id, "key"), **call.way_out}
            await self._switchboard.send_back(call.channel_id, way_out)
        elif call.onward and self._is_transferred(call):
            result = self._outcome(call.interaction_id, "transferred")
            await self._switchboard.send_back(call.channel_id, result, call.onward)
        elif call.has_talked:
            await self.let_go(call)
        elif call.back is not None:
            await self._switchboard.hang_up(call.channel_id)  # It was we who called: no dialplan has sent them.
        else:
            await self.cancel(call.channel_id, call.interaction_id)

    async def let_go(self, call: Call) -> None:
        """Whoever has talked: the end, or on in the dialplan when that is wanted."""
        if await self._after(call) == AFTER_CONTINUE:
            await self._switchboard.send_back(call.channel_id, self._outcome(call.interaction_id, "completed"))
        else:
            await self.tell_channel(call, "completed")
            await self._switchboard.hang_up(call.channel_id)

    async def refuse(self, call: Call, code: str) -> None:
        """The engine will not have the caller: on in the dialplan, which finds out why."""
        _log.warning("caller refused", instance=self._desk.name, code=code, **call.keys)
        self._desk.forget(call)
        if not call.lost:
            await self._switchboard.send_back(
                call.channel_id, {**self._outcome(call.interaction_id, "refused"), "ACD_REFUSAL": code}
            )

    async def send_back(self, call: Call, result: str, *, place: str = "") -> None:
        """Let a caller of whom the engine does not know go on in the dialplan, there or after `Stasis()`."""
        await self._switchboard.send_back(call.channel_id, self._outcome(call.interaction_id, result), place)

    async def cancel(self, channel_id: str, interaction_id: str) -> None:
        """Let go of a caller whom nobody has answered, as the options have it."""
        if self._desk.options.on_cancel == "continue":
            result = unanswered(self._desk.host.interaction(interaction_id))
            await self._switchboard.send_back(channel_id, self._outcome(interaction_id, result))
        else:
            await self._switchboard.hang_up(channel_id)

    async def leave_word(self, call: Call, onward: str) -> None:
        """Of where a caller is led when the engine lets go of them, transferred out: for whoever comes after us."""
        await self._switchboard.set_variables(call.channel_id, {ONWARD: f"{call.interaction_id} {onward}"})

    async def take_word_back(self, call: Call) -> None:
        """They are not transferred."""
        await self._switchboard.set_variables(call.channel_id, {ONWARD: ""})

    async def lead_on(self, channel_id: str) -> bool:
        """Lead a caller to where the word says, if their last interaction ended so that they are to be led there."""
        host, names = self._desk.host, self._desk.names
        if names.offer_of(channel_id) is not None:
            return False  # An agent's leg.
        said = (await self._switchboard.variables(channel_id, (ONWARD,))).get(ONWARD, "")
        interaction_id, _, onward = said.partition(" ")
        standing = host.interaction(interaction_id) if onward else None
        next_one = names.interaction(channel_id, visit_of(interaction_id) + 1)
        if standing is None or standing.state != "completed" or host.interaction(next_one) is not None:
            return False
        if standing.reason not in ("", TRANSFERRED_OUT):  # After a restart it may not be known any more.
            return False
        await self._switchboard.send_back(channel_id, self._outcome(interaction_id, "transferred"), onward)
        return True

    async def note(self, call: Call, result: str) -> None:
        """Leave word for the dead-man's switch: the caller is done with, and only told or asked something."""
        await self._switchboard.set_variables(call.channel_id, {"ACD_RESULT": result})

    async def note_unanswered(self, call: Call) -> None:
        """Likewise, of somebody whom nobody has answered."""
        await self.note(call, unanswered(self._desk.host.interaction(call.interaction_id)))

    async def cancel_again(self, call: Call) -> None:
        """Let go of somebody whom an earlier process of ours was to let go of, and died."""
        standing = self._desk.host.interaction(call.interaction_id)
        if standing is not None and standing.state == "completed":
            if not await self.lead_on(call.channel_id):
                await self.let_go(call)
        else:
            await self.cancel(call.channel_id, call.interaction_id)

    async def tell_channel(self, call: Call, result: str) -> None:
        """Let the caller's channel know, where that is wanted while it is ours, too."""
        if self._desk.options.data.set_on_connect and call.parent is None:
            await self._switchboard.set_variables(call.channel_id, self._outcome(call.interaction_id, result))

    def _is_transferred(self, call: Call) -> bool:
        """Where it is not known any more how it has ended, they are: they would not be on their way otherwise."""
        standing = self._desk.host.interaction(call.interaction_id)
        return standing is None or standing.reason in ("", TRANSFERRED_OUT)

    def _outcome(self, interaction_id: str, result: str) -> dict[str, str]:
        standing = self._desk.host.interaction(interaction_id)
        return outcome(self._desk.options.data, standing, interaction_id, result)

    async def _after(self, call: Call) -> str:
        if call.after is None:
            found = await self._switchboard.variables(call.channel_id, ("X_ACD_AFTER",))
            call.after = found.get("AFTER", "")
        return call.after.strip().lower()
