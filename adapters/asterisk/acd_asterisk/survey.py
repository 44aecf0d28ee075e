"""Asks callers what they think, when the agent has hung up and before they are let go.

Owns who is asked, the questions one after another, and what becomes of the answers. Must not know bridges, nor what is
done with the caller afterwards. The interaction has ended by then: each answer is noted about it at once, as attribute
`survey.N`, so that who hangs up in the middle has answered what they have answered.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.notes import Notes
from acd_asterisk.prompts import Prompts, Question

ATTRIBUTE: Final = "survey"

_log = structlog.get_logger(__name__)


class Survey:
    """The surveys of one channel instance."""

    def __init__(self, desk: Desk, prompts: Prompts, notes: Notes) -> None:
        """Nobody is being asked."""
        self._desk = desk
        self._prompts = prompts
        self._notes = notes

    def takes(self, call: Call) -> bool:
        """Whether this caller, whose conversation is over, is to be asked; then `ask` has to follow.

        From now on no comparison takes them for somebody who has just come.
        """
        options = self._desk.options.survey
        is_done = call.has_talked and call.parent is None and not call.onward
        if not options.questions or not is_done or call.lost or call.hangup_requested:
            return False
        standing = self._desk.host.interaction(call.interaction_id)
        if standing is None or standing.state != "completed" or not options.is_for(standing.queue):
            return False
        self._desk.attended.add(call.channel_id)
        return True

    async def ask(self, call: Call, let_go: Callable[[], Awaitable[None]]) -> None:
        """Put the questions; `let_go` is for whoever is still there afterwards. Raises `AriUnavailable`."""
        channel_id, options = call.channel_id, self._desk.options.survey
        try:
            is_there = await self._prompts.play(channel_id, options.intro) != "gone"
            number = 0
            while is_there and number < len(options.questions):
                number += 1
                answer = await self._answer(channel_id, options.questions[number - 1])
                if answer is None:
                    is_there = False
                elif answer:
                    self._notes.put(call.interaction_id, {f"{ATTRIBUTE}.{number}": answer})
                else:
                    break
            if is_there and await self._prompts.play(channel_id, options.thanks) != "gone":
                await let_go()
        finally:
            self._desk.attended.discard(channel_id)
        _log.debug("a survey is over", instance=self._desk.name, **call.keys)

    async def _answer(self, channel_id: str, media: str) -> str | None:
        """The key; empty when there was none that is an answer, None when nobody is there any more."""
        options = self._desk.options.survey
        question = Question(media=(media,), first_seconds=options.answer_us / 1e6)
        for _ in range(options.tries):
            answer = await self._prompts.ask(channel_id, question)
            if answer.end == "gone":
                return None
            if answer.keys and answer.keys in options.keys:
                return answer.keys
        return ""
