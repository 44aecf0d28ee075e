"""When a caller's telephone is answered: at once, or only when an agent is there.

Owns that decision. Must not know who waits, rings or talks, nor why. Until a call is answered it costs the caller
nothing; what they hear meanwhile is early media (RFC 3960), which carriers let through for a minute or a few.
"""

from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.switchboard import Switchboard


class Answering:
    """For the callers of one channel instance. All raise `AriUnavailable`."""

    def __init__(self, desk: Desk, switchboard: Switchboard) -> None:
        """`desk` knows the options, and through its host the queue that a call is in."""
        self._desk = desk
        self._switchboard = switchboard

    async def now(self, call: Call, *, patient: bool = False) -> None:
        """Answer, unless it has been. `patient`: nobody is there yet with whom to talk.

        Whoever is in the dialplan's fallback at this moment may come back, and is to be answered then.
        """
        if not call.is_up:
            call.is_up = await self._switchboard.answer(call.channel_id, patient=patient)

    async def when_due(self, call: Call) -> None:
        """Answer a caller who waits, or let them hear that they do."""
        wish = self._desk.host.wish(call.interaction_id)
        if wish is not None and wish.state == "connected":
            await self.now(call)
        elif not self._waits_unanswered(call):
            await self.now(call, patient=True)
        elif not call.is_up:
            await self._switchboard.begin_early_media(call.channel_id)

    def _waits_unanswered(self, call: Call) -> bool:
        options = self._desk.options
        own = options.queues.get(self._desk.host.queue_of(call.interaction_id))
        return (options.answer if own is None or own.answer is None else own.answer) == "when-agent-answers"
