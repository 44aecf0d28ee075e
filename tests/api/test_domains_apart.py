"""What goes wrong in one domain stays there: a flood, a disk, a channel."""

import asyncio
from pathlib import Path
from typing import Final

from acd.api.routes import Example
from acd.core.messages import EnqueueInteraction, Outcome
from acd.errors import RouterOverloaded
from acd.runtime.journal import MemoryJournal
from acd.runtime.journal.memory import Fault
from tests.api.domain_worlds import BLUE, RED, SOON, serving, token_of
from tests.api.harness import route_of

FLOOD = 12_000
"""Commands at once: more than an inbox takes."""

ENQUEUE = route_of("POST", "/v1/interactions")
FULL: Final[list[Fault]] = ["rejected"] * 20
"""What the disk says, for a while."""

READY = route_of("GET", "/readyz")
SIGN_IN = route_of("POST", "/v1/agents/anna/sign-in")
ACCEPT = route_of("POST", "/v1/offers/call-1.1/accept")


async def test_a_flood_of_one_domain_lets_the_other_pass(tmp_path: Path) -> None:
    async with serving(tmp_path, BLUE, RED) as beside:
        flooded = beside.worlds[RED].router
        flood = [
            asyncio.create_task(flooded.submit(EnqueueInteraction(f"c{number}", f"i{number}", "chat", "sales")))
            for number in range(FLOOD)
        ]
        await asyncio.sleep(0)
        before = flooded.meter.batches.count
        answer = await beside.call(token_of(BLUE), ENQUEUE, ENQUEUE.example, "key")
        batches = flooded.meter.batches.count - before
        waiting = flooded.health()["inbox"]
        assert answer.status == 201
        assert isinstance(waiting, int)
        assert waiting > FLOOD // 4, "it did not wait until the flood was over"
        assert batches < 16, "nor for many of its batches"
        refused = await beside.call(token_of(RED), ENQUEUE, ENQUEUE.example, "key")
        assert refused.status in {201, 503}
        outcomes = await asyncio.gather(*flood, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Outcome, RouterOverloaded}
        assert beside.worlds[BLUE].router.seq == 2


async def test_a_disk_that_is_full_is_one_domains(tmp_path: Path) -> None:
    journal = MemoryJournal(BLUE)
    async with serving(tmp_path, BLUE, RED, journals={BLUE: journal}) as beside:
        journal.inject(*FULL)
        answer = await beside.call(token_of(BLUE), ENQUEUE, ENQUEUE.example, "")
        assert (answer.status, "journal-unavailable" in answer.text) == (503, True)
        assert (await beside.call(token_of(RED), ENQUEUE, ENQUEUE.example, "")).status == 201
        for name, status in ((BLUE, 503), (RED, 200), ("nobody", 503)):
            assert (await beside.call(token_of(name), READY, READY.example, "")).status == status


async def test_a_channel_that_fails_or_hangs_is_one_domains(tmp_path: Path) -> None:
    async with serving(tmp_path, BLUE, RED) as beside:
        bad, good = beside.worlds[BLUE], beside.worlds[RED]
        bad.phones.fail("perform", 1_000)
        bad.phones.hang("reconcile")
        for world in (bad, good):
            assert (await beside.call(token_of(world.name), SIGN_IN, SIGN_IN.example, "in")).status == 200
            await world.phones.arrive("sales", "call-1")
        async with asyncio.timeout(SOON):
            while bad.phones_health()["failures"] == 0:
                await asyncio.sleep(0)
        assert (good.phones_health()["failures"], good.phones_health()["state"]) == (0, "ready")
        answer = await beside.call(
            token_of(RED), ACCEPT, Example({"offer": "call-1.1"}, body={"agent_id": "anna"}), "a"
        )
        assert answer.status == 200
        bad.phones.resume("reconcile")
