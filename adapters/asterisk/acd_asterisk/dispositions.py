"""Asks agents by their telephone how it went, when the caller has hung up.

Owns who is asked, the question, and what the key means. Must not know bridges, nor how a telephone is hung up. The
agent wraps up meanwhile, which keeps everything else from them; without a wrap-up there is nothing to set a code on.
"""

from collections.abc import Awaitable, Callable

import structlog

from acd.core.messages import SetDisposition
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.options.queues import QueueOptions
from acd_asterisk.prompts import Prompts, Question

_log = structlog.get_logger(__name__)


class Dispositions:
    """The questions of one channel instance."""

    def __init__(self, desk: Desk, prompts: Prompts) -> None:
        """Nobody is being asked."""
        self._desk = desk
        self._prompts = prompts

    def takes(self, call: Call) -> Leg | None:
        """The leg whose agent is to be asked, the caller being gone; then `ask` has to follow.

        From now on its end says nothing, and no comparison takes it for one that nobody wants.
        """
        if not (call.lost or call.hangup_requested) or call.parent is not None or self._options(call) is None:
            return None
        wrapping_up = (call.interaction_id, "wrap-up")
        for leg in call.live_legs():
            agent = self._desk.host.agent(leg.agent_id)
            if leg.joined and agent is not None and wrapping_up in agent.work:
                leg.revoked = True
                self._desk.attended.add(self._desk.names.leg(leg.offer_id))
                return leg
        return None

    async def ask(self, call: Call, leg: Leg, end: Callable[[], Awaitable[None]]) -> None:
        """Put the question once; `end` hangs up. Raises `AriUnavailable`."""
        channel_id, options = self._desk.names.leg(leg.offer_id), self._options(call)
        try:
            if options is not None:
                question = Question(media=options.disposition_prompt, first_seconds=options.disposition_within_us / 1e6)
                answer = await self._prompts.ask(channel_id, question)
                if answer.keys.isdecimal() and 0 < int(answer.keys) <= len(options.dispositions):
                    await self._set(call, leg, options.dispositions[int(answer.keys) - 1])
        finally:
            self._desk.attended.discard(channel_id)
            await end()

    async def _set(self, call: Call, leg: Leg, code: str) -> None:
        command = SetDisposition(self._desk.host.new_id(), leg.agent_id, call.interaction_id, code)
        outcome = await self._desk.tell(command)
        if outcome is not None and outcome.refusal is not None:
            _log.warning("a disposition was refused", code=outcome.refusal.code, agent=leg.agent_id, **call.keys)

    def _options(self, call: Call) -> QueueOptions | None:
        """Those of the queue, if its agents are asked."""
        standing = self._desk.host.interaction(call.interaction_id)
        options = None if standing is None else self._desk.options.queues.get(standing.queue)
        return options if options is not None and options.dispositions else None
