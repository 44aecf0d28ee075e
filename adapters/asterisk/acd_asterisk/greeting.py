"""Says to a customer who is called back, and has picked up, who calls; and finds out whether it is somebody.

Owns the prompt and the key against voicemails. Must not know calls, nor what follows.
"""

from typing import Final

from acd_asterisk.options.callbacks import CallbackOptions
from acd_asterisk.prompts import Prompts, Question
from acd_asterisk.switchboard import Switchboard

LONGEST_PROMPT_SECONDS: Final = 60.0


class Greeting:
    """That of one PBX. Raises `AriUnavailable`."""

    def __init__(self, prompts: Prompts, switchboard: Switchboard) -> None:
        """Nobody is greeted."""
        self._prompts = prompts
        self._switchboard = switchboard

    async def is_somebody(self, channel_id: str, options: CallbackOptions) -> bool:
        """Whether somebody is there who wants to talk; a voicemail is hung up. Whoever is gone says so by an event."""
        if options.key:
            return await self._has_pressed(channel_id, options)
        played = await self._prompts.play(channel_id, options.prompt, longest_seconds=LONGEST_PROMPT_SECONDS)
        return played != "gone"

    async def _has_pressed(self, channel_id: str, options: CallbackOptions) -> bool:
        question = Question(media=options.prompt, first_seconds=options.answer_us / 1e6)
        for _ in range(options.tries):
            answer = await self._prompts.ask(channel_id, question)
            if answer.end == "gone" or answer.keys == options.key:
                return answer.end != "gone"
        await self._switchboard.hang_up(channel_id)
        return False
