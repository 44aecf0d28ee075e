"""Whose telephone has a leg of ours, so that no agent is rung while an earlier call is still being ended.

Owns the wait for an agent's device to come free. Must not know offers' fates or why a leg was ended.

The engine is ahead of the world: the moment a caller has hung up, the agent is free for the next one, while
Asterisk has yet to send BYE or CANCEL to the agent's telephone. An INVITE that overtakes it would find a
telephone in use: a busy agent by the agent's account, and a decline by the engine's.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from acd_asterisk.call import Leg
from acd_asterisk.names import interaction_of_offer
from acd_asterisk.switchboard import Switchboard

PATIENCE_SECONDS: Final = 1.0
"""How long an offer waits for the device. If the earlier leg is being ended it rings then, and the device decides."""

FIRST_LOOK_SECONDS: Final = 0.001
LONGEST_LOOK_SECONDS: Final = 0.05
"""Between two looks whether Asterisk is done with a leg; doubled from the first to the longest."""

FORGET_SECONDS: Final = 2.0
"""How long after its end a leg is still looked for."""

_log = structlog.get_logger(__name__)


class Devices:
    """The legs of one channel instance, by agent."""

    def __init__(self, switchboard: Switchboard) -> None:
        """No leg is known."""
        self._switchboard = switchboard
        self._by_agent: dict[str, dict[str, Leg]] = {}
        self._agents: dict[str, str] = {}
        """By offer id."""
        self.on_free: Callable[[str], None] = _nobody_minds
        """Told of an agent when the last of their legs is gone."""

    def taken(self, leg: Leg) -> None:
        """The device rings, or is about to."""
        self._by_agent.setdefault(leg.agent_id, {})[leg.offer_id] = leg
        self._agents[leg.offer_id] = leg.agent_id

    def is_taken(self, agent_id: str) -> bool:
        """Whether a leg of this agent rings, talks or is being ended."""
        return agent_id in self._by_agent

    def legs_of(self, agent_id: str) -> tuple[Leg, ...]:
        """This agent's legs that ring, talk or are being ended."""
        return tuple(self._by_agent.get(agent_id, {}).values())

    def explains(self, agent_id: str) -> bool:
        """Whether a leg of this agent rings or talks, or did a moment ago: one that we have ended stays known here."""
        now = time.monotonic()
        return any(leg.is_live or now - leg.ended_at < FORGET_SECONDS for leg in self.legs_of(agent_id))

    def freed(self, offer_id: str) -> None:
        """Asterisk has done with this leg."""
        agent_id = self._agents.pop(offer_id, None)
        if agent_id is not None:
            legs = self._by_agent[agent_id]
            legs.pop(offer_id).ended.set()
            if not legs:
                del self._by_agent[agent_id]
                self.on_free(agent_id)

    def forget_all(self) -> None:
        """Begin anew, after a comparison."""
        for offer_id in tuple(self._agents):
            self.freed(offer_id)

    async def until_free(self, leg: Leg, is_wanted: Callable[[str], bool]) -> bool:
        """Wait until the agent's earlier legs are gone; those that `is_wanted` (by offer id) may stay beside.

        False: after `PATIENCE_SECONDS` nobody has begun to end one of them. Whoever was to do it may wait for this one:
        before a comparison, which sees to all that was not done, whatever has begun is waited for.
        """
        others = [each for each in self.legs_of(leg.agent_id) if each.offer_id != leg.offer_id]
        if not others:
            return True
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for other in others:
                    if not is_wanted(other.offer_id):
                        await self._until_gone(other)
        except TimeoutError:
            about = {"offer": leg.offer_id, "interaction": interaction_of_offer(leg.offer_id)}
            _log.warning("an agent's earlier call has not ended yet", agent=leg.agent_id, **about)
            return not any(each.is_live and not each.revoked and not is_wanted(each.offer_id) for each in others)
        return True

    async def until_gone(self, offer_id: str) -> None:
        """Wait until Asterisk has done with a leg that it was told to end, or for `PATIENCE_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._look(offer_id)

    async def _until_gone(self, leg: Leg) -> None:
        """First until it was ended here, so that it cannot be one that is only about to be dialled."""
        await leg.ended.wait()
        if leg.offer_id in self._agents and time.monotonic() - leg.ended_at < FORGET_SECONDS:
            await self._look(leg.offer_id)
        self.freed(leg.offer_id)

    async def _look(self, offer_id: str) -> None:
        # Asterisk does not report the end of a channel that has left the application: it has to be asked.
        pause = FIRST_LOOK_SECONDS
        while await self._switchboard.has_leg(offer_id):
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_LOOK_SECONDS)


def _nobody_minds(_agent_id: str) -> None:
    """Until somebody does."""
