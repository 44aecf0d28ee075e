"""Random commands, faults of journal and channel, crashes: what was answered is true, the world ends up as decided.

One command replays a failure: the seed is the test's parameter.
"""

import asyncio
import random
from itertools import count
from pathlib import Path

import pytest

from acd.core.messages import (
    AcceptOffer,
    Command,
    DeclineOffer,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    RequeueInteraction,
    SetPresence,
    SignInAgent,
)
from acd.core.messages.effects import Effect
from acd.errors import JournalUnavailable, RouterClosed
from acd.runtime.dispatch import desired_of
from acd.runtime.journal import MemoryJournal
from acd.runtime.replay import load
from acd.runtime.router import Router
from acd.testing import FakeChannel, ManualClock
from acd.testing.world_channel import Call
from tests.runtime.live import SECOND, configuration, router_of, rows

AGENTS = ("a0", "a1", "a2", "a3")
TEXT = "".join(f"[agents.{agent}]\n" for agent in AGENTS) + (
    '[queues.sales]\noffer_timeout = "10s"\nwrap_up = "2s"\nretry_after = "3s"\nlate = "5s"\n'
)
LIVES = 4
STEPS = 60


class _World(FakeChannel):
    """Its customers call, agents answer; told of both by the test through the router, so that nothing is retried."""

    def __init__(self, dice: random.Random, journal: MemoryJournal) -> None:
        super().__init__()
        self.dice = dice
        self.journal = journal

    async def perform(self, effect: Effect) -> None:
        committed = {row.entry.command_id for row in self.journal.twin().rows()}
        # An interaction that the world is told about has been committed: `q-` and its number is what enqueued it.
        assert effect.interaction_id.replace("i-", "q-") in committed
        if self.dice.random() < 0.05:
            self.fail("perform")
        if self.dice.random() < 0.05:
            self.lose()
        await super().perform(effect)


class _Life:
    """One router's life, and what it has been told."""

    def __init__(self, router: Router, world: _World, clock: ManualClock, dice: random.Random) -> None:
        self.router, self.world, self.clock, self.dice = router, world, clock, dice
        self.done: dict[str, Command] = {}
        self.refused: set[str] = set()
        self.unknown: set[str] = set()

    async def submit(self, command: Command) -> None:
        try:
            await self.router.submit(command)
        except JournalUnavailable:
            self.refused.add(command.id)
        except RouterClosed:
            self.unknown.add(command.id)
        else:
            self.done[command.id] = command

    def command(self, number: str) -> Command:
        view, dice = self.router.view, self.dice
        live = list(view.interactions) or ["none"]
        offered = [work for work in view.work.values() if work.state == "offered"]
        chance = dice.random()
        if chance < 0.35:
            self.world.calls[f"i-{number}"] = Call(f"i-{number}", announcing=True)
            return EnqueueInteraction(f"q-{number}", f"i-{number}", "voice", "sales", instance="fake")
        if chance < 0.6 and offered:
            work = dice.choice(offered)
            return AcceptOffer(f"c-{number}", work.offer_id, work.agent_id)
        if chance < 0.65 and offered:
            work = dice.choice(offered)
            return DeclineOffer(f"c-{number}", work.offer_id, work.agent_id)
        if chance < 0.7:
            return RequeueInteraction(f"c-{number}", dice.choice(live))
        if chance < 0.85:
            return EndInteraction(f"c-{number}", dice.choice(live))
        agent = dice.choice(AGENTS)
        if chance < 0.92:
            return EndWrapUp(f"c-{number}", agent, dice.choice(live))
        if view.agents[agent].presence == "signed-out":
            return SignInAgent(f"c-{number}", agent, ready=True)
        return SetPresence(f"c-{number}", agent, "ready")


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_what_was_answered_is_true(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - traffic
    journal, clock, config = MemoryJournal(), ManualClock(), configuration(tmp_path, TEXT)
    world = _World(dice, journal)
    done: set[str] = set()
    refused: set[str] = set()
    for life_number in range(LIVES):
        handle = journal.twin()
        async with router_of(config, handle, world, clock=clock) as router:
            life = _Life(router, world, clock, dice)
            await _live(life, handle, life_number)
            if life_number == LIVES - 1:
                await _come_to_rest(life)
                _assert_the_world_is_as_decided(journal, world)
            done |= life.done.keys()
            refused |= life.refused
            if dice.random() < 0.5:
                await router.abort()
    ids = [row.entry.command_id for row in rows(journal)]
    assert len(ids) == len(set(ids)), "nothing was carried out twice"
    assert done <= set(ids), "what was answered is in the journal"
    assert not refused & set(ids), "what was said not to have happened has not happened"
    assert load(journal.twin()).seq == len(ids), "and it all replays, outcome by outcome"


async def _live(life: _Life, handle: MemoryJournal, life_number: int) -> None:
    for agent in AGENTS:
        await life.submit(SignInAgent(f"in-{life_number}-{agent}", agent, ready=True))
    for step in range(STEPS):
        if life.dice.random() < 0.1:
            handle.inject(life.dice.choice(("rejected", "unknown-lost", "unknown-written")))
        several = [life.command(f"{life_number}-{step}-{each}") for each in range(life.dice.randrange(1, 4))]
        await asyncio.gather(*(life.submit(command) for command in several))
        if life.dice.random() < 0.6:
            life.clock.advance(life.dice.randrange(3 * SECOND))
        await asyncio.sleep(0)


async def _come_to_rest(life: _Life) -> None:
    """Let outages, retries and reconciles end."""
    for call in life.world.calls.values():
        call.announcing = False
    life.world.dice = random.Random(0)  # noqa: S311 - and no more faults:
    life.world.dice.random = lambda: 1.0  # type: ignore[method-assign]
    life.world.lose(0)
    async with asyncio.timeout(20):
        # A fault that lies in wait for a commit, or a commit under way, would still change things behind the
        # comparison: at rest is what has committed one more command after it.
        for attempt in count():
            await _settle(life)
            await life.submit(EndWrapUp(f"rest-{attempt}", AGENTS[0], "none"))
            await _drain(life)
            if f"rest-{attempt}" in life.done:
                return


async def _settle(life: _Life) -> None:
    while life.router.health()["status"] != "running":
        life.clock.advance(SECOND)
        await asyncio.sleep(0)
    # What was lost silently is found by the next comparison.
    before = len(life.world.reconciles)
    life.world.hosted().request_reconcile()
    while len(life.world.reconciles) < before + 2 or life.router.health()["channels"]["fake"]["state"] != "ready":  # type: ignore[index]
        life.clock.advance(SECOND)
        life.world.hosted().request_reconcile()
        for _ in range(50):
            await asyncio.sleep(0)
    await _drain(life)


async def _drain(life: _Life) -> None:
    while life.router.health()["inbox"] or life.router.health()["channels"]["fake"]["pending"]:  # type: ignore[index]
        await asyncio.sleep(0)


def _assert_the_world_is_as_decided(journal: MemoryJournal, world: _World) -> None:
    wanted = desired_of(load(journal.twin()).engine.state()).get("fake", {})
    standing = {"waiting": "waiting", "offered": "ringing", "connected": "connected"}
    assert {key: standing[wish.state] for key, wish in wanted.items()} == {
        key: call.standing for key, call in world.calls.items()
    }
    assert {key: wish.offer_id for key, wish in wanted.items()} == {
        key: call.offer_id for key, call in world.calls.items()
    }
