"""The engine's process is killed again and again while calls wait, ring and talk: nothing is lost, nobody is punished."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from acd.core.messages import InteractionCompleted, InteractionQueued, InteractionRequeued, OfferAccepted
from acd_asterisk.lab import AgentBehaviour, AgentDialog, CallerDialog, CallSpec, Provisioned
from tests.adapters.asterisk.account import Account, journaled
from tests.adapters.asterisk.engine_process import EngineProcess
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, ground

KILLS = 20
RATE = 5.0
AGENTS = 6
TALKER = AgentBehaviour(ring_ms=(50, 300), talk_ms=(800, 1_600), hang_up_chance=1.0)
LIVES_SECONDS = (0.2, 2.5)
CALLS = 300
SEED = int(__import__("os").environ.get("ACD_SEED", "20260102"))
ORDER_SLACK_US = 1_000_000
"""Callers who come closer together than this may change places when the engine dies between them."""


@pytest.mark.slow
async def test_twenty_kills(provisioned: Provisioned, tmp_path: Path) -> None:
    """Talks go on, who waits is served in the old order, no ghost, no orphan."""
    print(f"seed {SEED}")  # noqa: T201 - to replay a failure
    chance = random.Random(SEED)  # noqa: S311 - not a secret
    team = [Agent(f"agent{n}", TALKER, {"main": 1}) for n in range(AGENTS)]
    queues = [Queue("main", more='offer_timeout = "10s"\nretry_after = "1s"')]
    # Without the engine: the end. So that whoever was served was served by the engine.
    dialplan = (EXAMPLES / "extensions.conf").read_text().replace("Queue(acd-fallback,,,,300)", "Hangup()")
    made = [CallSpec(caller=f"1{n:05}", dialled="main", headers={"X-ACD-Ticket": f"1{n:05}"}) for n in range(CALLS)]
    async with ground(provisioned, team, dialplan=dialplan) as it:
        engine = EngineProcess(tmp_path, it.pbx, team, queues)
        await engine.sign_in()
        try:
            await engine.start()
            async with it.callers(*made, rate=RATE) as callers:
                for _ in range(KILLS):
                    await asyncio.sleep(chance.uniform(*LIVES_SECONDS))
                    await engine.kill()
                    await engine.start()
                seen = await callers.finished(seconds=120)
            await it.empty()
        finally:
            await engine.stop()
        events = journaled(engine.journal)
        skills = {agent.name: frozenset({"main"}) for agent in team}
        books = Account(
            events, it.phones.dialogs(), seen, skills, dict.fromkeys((call.caller for call in made), "main")
        )
        books.check(engine_was_away=True)
        books.check_nobody_punished()
        _check_no_talk_was_cut(books)
        _check_order(seen, books.agents)
        queued, completed = books.all(InteractionQueued), books.all(InteractionCompleted)
        print(f"{len(made)} calls, {len(queued)} queued, {len(completed)} served by the engine")  # noqa: T201 - a figure
        assert len(completed) == len(queued), "a caller who waited was not served"


def _check_no_talk_was_cut(books: Account) -> None:
    """Every accepted call lasted until the agent hung up, unless it went back into the queue."""
    tickets = books.tickets()
    accepted = Counter(
        (tickets[event.interaction_id], event.agent_id) for event in books.events if isinstance(event, OfferAccepted)
    )
    talked = Counter((each.caller, each.agent) for each in books.agents if each.is_answered and each.how == "agent")
    cut = accepted - talked
    requeued = [event for event in books.events if isinstance(event, InteractionRequeued)]
    lost = {tickets[event.interaction_id] for event in requeued if event.reason == "agent-leg-lost"}
    assert {caller for caller, _ in cut} <= lost, cut


def _check_order(callers: Sequence[CallerDialog], agents: Sequence[AgentDialog]) -> None:
    """Who came clearly earlier was offered earlier."""
    first: dict[str, int] = {}
    for dialog in agents:
        first.setdefault(dialog.caller, dialog.invited_us)
    served = [(dialog.invited_us, first[dialog.caller]) for dialog in callers if dialog.caller in first]
    latest_offer, overtaken = 0, []
    for came, offered in sorted(served):
        earlier = [o for c, o in served if c < came - ORDER_SLACK_US]
        latest_offer = max(earlier, default=0)
        if offered < latest_offer:
            overtaken.append((came, offered, latest_offer))
    assert not overtaken, overtaken
