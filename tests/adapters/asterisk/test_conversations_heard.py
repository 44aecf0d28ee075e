"""Who hears whom during hold, a consult and a conference: everybody says a tone, and every ear is listened to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from acd.core.messages import (
    Command,
    EndInteraction,
    EnqueueInteraction,
    HoldWork,
    LeaveInteraction,
    MergeConsult,
    OfferAccepted,
    ResumeWork,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from tests.adapters.asterisk.recording.sounds import heard
from tests.adapters.asterisk.rig import INSTANCE, Agent, Queue, Rig, rig, until

HZ = {"caller": 600, "anna": 900, "ben": 1_700}
MUSIC = {500, 400, 300}
"""The lab's, in Hz to the nearest hundred."""
PACKETS = 40
"""Of 20 ms: so much is listened to at a time."""
STILL_SECONDS = 0.5
LOUD, QUIET = 1_500.0, 300.0


@dataclass
class Room:
    """A caller who talks with anna; ben can be asked."""

    it: Rig
    ears: Mapping[str, Ear]
    customer: str

    async def do(self, command: Command) -> None:
        outcome = await self.it.router.submit(command)
        assert outcome.refusal is None, outcome.refusal

    async def hear(self, **expected: str) -> None:
        """Wait until each hears who is named, blanks between them, and nobody else besides; `music` and nobody."""
        begun = {name: self.ears[name].packets for name in expected}
        clock = asyncio.get_running_loop().time
        last = {name: (self.ears[name].packets, clock()) for name in expected}

        def is_still(name: str) -> bool:
            """Whoever is apart is sent nothing at all."""
            if last[name][0] != self.ears[name].packets:
                last[name] = (self.ears[name].packets, clock())
            return clock() - last[name][1] > STILL_SECONDS

        def is_so() -> bool:
            still = {name: is_still(name) for name in expected}
            return all(
                still[name] if whom == "nothing" else self._hears(name, whom, begun[name])
                for name, whom in expected.items()
            )

        await until(is_so, lambda: str({name: self._amounts(name) for name in expected}), 8)

    def _hears(self, name: str, whom: str, since: int) -> bool:
        ear = self.ears[name]
        if ear.packets < since + PACKETS:
            return False
        amounts = self._amounts(name)
        wanted = set(whom.split()) - {"music"}
        is_music = bool(MUSIC & set(ear.tones(ear.packets - PACKETS)))
        return is_music is (whom == "music") and all(
            amounts[each] > LOUD if each in wanted else amounts[each] < QUIET for each in amounts
        )

    def _amounts(self, name: str) -> dict[str, float]:
        ear = self.ears[name]
        return {each: heard(ear, hertz, max(ear.packets - PACKETS, 0)) for each, hertz in HZ.items() if each != name}


@asynccontextmanager
async def room(provisioned: Provisioned, folder: Path) -> AsyncIterator[Room]:
    async with AsyncExitStack() as stack:
        ears = {name: await stack.enter_async_context(Ear(hertz)) for name, hertz in HZ.items()}
        # Long enough for the caller to hear music, and so to learn where to speak to.
        skills = {"anna": {}, "ben": {"law": 5}}
        agents = [Agent(name, AgentBehaviour(ring_ms=300, ear=ears[name].port), skills[name]) for name in skills]
        queues = (Queue(), Queue("advice", "skills.law >= 1"))
        it = await stack.enter_async_context(rig(provisioned, folder, agents, queues=queues))
        await it.ready("anna")
        await stack.enter_async_context(it.callers(CallSpec("10001", "sales", ear=ears["caller"].port)))
        accepted = await it.event(OfferAccepted)
        made = Room(it, ears, accepted.interaction_id)
        await made.hear(caller="anna", anna="caller")
        await it.ready("ben")
        yield made


async def test_hold(provisioned: Provisioned, tmp_path: Path) -> None:
    """Music for the customer, silence for the agent; and back."""
    async with room(provisioned, tmp_path) as on:
        new_id = on.it.router.new_id
        await on.do(HoldWork(new_id(), "anna", on.customer))
        await on.hear(caller="music", anna="nothing")
        await on.do(ResumeWork(new_id(), "anna", on.customer))
        await on.hear(caller="anna", anna="caller")


async def test_consult_and_conference(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer hears nothing of what is said about them."""
    async with room(provisioned, tmp_path) as on:
        new_id = on.it.router.new_id
        ask = EnqueueInteraction(new_id(), "question", "voice", "advice", instance=INSTANCE, parent=on.customer)
        await on.do(ask)
        await on.hear(caller="music", anna="ben", ben="anna")
        await on.do(MergeConsult(new_id(), "question", "anna", "conference"))
        await on.hear(caller="anna ben", anna="caller ben", ben="caller anna")
        await on.do(HoldWork(new_id(), "anna", on.customer))
        await on.hear(caller="ben", anna="nothing", ben="caller")
        await on.do(ResumeWork(new_id(), "anna", on.customer))
        await on.hear(caller="anna ben", anna="caller ben", ben="caller anna")
        await on.do(LeaveInteraction(new_id(), on.customer, "ben"))
        await on.hear(caller="anna", anna="caller", ben="nothing")


async def test_back_from_a_consult(provisioned: Provisioned, tmp_path: Path) -> None:
    async with room(provisioned, tmp_path) as on:
        new_id = on.it.router.new_id
        ask = EnqueueInteraction(new_id(), "question", "voice", "advice", instance=INSTANCE, parent=on.customer)
        await on.do(ask)
        await on.hear(caller="music", anna="ben", ben="anna")
        await on.do(EndInteraction(new_id(), "question", by="agent"))
        await on.hear(caller="anna", anna="caller", ben="nothing")
