"""What the adapter keeps of calls that are over, on a real Asterisk: nothing, but for what is bounded (`tables`)."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from acd.core.messages import (
    InteractionAbandoned,
    InteractionCompleted,
    InteractionFailed,
    InteractionOverflowed,
    InteractionScheduled,
)
from acd_asterisk.ami_only.client import AmiClient
from acd_asterisk.ari import AriClient
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.tables import INHERITED, TABLES, owners
from tests.adapters.asterisk.test_callbacks import DIAL, MORE, call_me
from tests.adapters.asterisk.test_callbacks_customer_first import QUEUE as CUSTOMER_FIRST
from tests.adapters.asterisk.test_callbacks_either_first import BUSY
from tests.kept import kept
from tests.runtime.test_what_grows import HISTORIES

FIRST, MORE_CALLS = 8, 24
CALLBACKS = 4
TALKER = AgentBehaviour(ring_ms=20, talk_ms=200, hang_up_chance=1.0, decline_chance=0.3)
AGENTS = [Agent(name, TALKER) for name in ("anna", "ben", "carla", "dora")]
SETTINGS = 'offer_timeout = "5s"\nretry_after = "1s"'
ENDS = (InteractionAbandoned, InteractionCompleted, InteractionFailed, InteractionOverflowed)
SPOKEN: dict[str, object] = {"greeting": ["sound:beep"], "keys": {"1": "leave"}}
"""To callers who wait."""


@pytest.mark.parametrize("mode", ["mixed", "both-legs"])
async def test_nothing_grows_with_calls(provisioned: Provisioned, tmp_path: Path, mode: str) -> None:
    """With recordings, agents who decline now and then, and callers who do not wait for an agent."""
    options: dict[str, object] = {
        "recording": {"mode": mode, "announcement": ["sound:beep"], "pause_code": "*1"},
        "devices": {"veto": True},
        "queues": {"sales": SPOKEN, "nobody": SPOKEN},
    }
    async with rig(provisioned, tmp_path, AGENTS, options=options, text=_text(), ami=True) as it:
        await it.ready(*(agent.name for agent in AGENTS))
        await _play(it, range(FIRST))
        before = kept(it.channel)
        await _play(it, range(FIRST, FIRST + MORE_CALLS))
        grown = kept(it.channel)
        grown.subtract(before)
        await _is_as_listed(it)
    with_calls = {place for place, count in grown.items() if count >= MORE_CALLS / 2}
    assert with_calls <= HISTORIES.keys()


async def test_nothing_is_left_without_ari(provisioned: Provisioned, tmp_path: Path) -> None:
    """Callers who are answered, declined and given up on, over AMI."""
    async with rig(provisioned, tmp_path, AGENTS, text=_text(), over_ami=True) as it:
        await it.ready(*(agent.name for agent in AGENTS))
        await _play(it, range(FIRST))
        await _is_as_listed(it)


@pytest.mark.parametrize("first", ["agent", "customer"])
async def test_nothing_is_left_of_callbacks(provisioned: Provisioned, tmp_path: Path, first: str) -> None:
    """Of customers who are busy each time."""
    queue = CUSTOMER_FIRST if first == "customer" else Queue(more=MORE)
    people = [Agent("anna", TALKER), Agent("chen", BUSY)]
    async with rig(provisioned, tmp_path, people, queues=[queue], options={"callbacks": DIAL}, ami=True) as it:
        await it.ready("anna")
        for number in range(CALLBACKS):
            await call_me(it, f"callback-{number}", f"1380013800{number}")
        await until(lambda: len(it.all(InteractionFailed)) == CALLBACKS, lambda: str(it.events[-5:]), 60)
        assert len(it.all(InteractionScheduled)) == CALLBACKS
        await it.empty()
        await _is_as_listed(it)


async def _is_as_listed(it: Rig) -> None:
    """There are no calls: wait until every table is as `TABLES` says."""
    wrong: dict[str, int] = {}

    def is_right() -> bool:
        found = _found(it)
        wrong.clear()
        wrong.update((place, count) for place, count in found.items() if count > _most(place, it))
        return not wrong

    await until(is_right, lambda: str(wrong))


def _found(it: Rig) -> Counter[str]:
    """Entries by table: by what there is, so that one which nobody has listed is found, too."""
    ours = owners()
    everything = kept(it.channel, ("acd_asterisk",)).items()
    return Counter({place: n for place, n in everything if "[" not in place and place.partition(".")[0] in ours})


def _most(place: str, it: Rig) -> int:
    """Of one that is not listed: none."""
    bound = {**TABLES, **INHERITED}.get(place.replace(AmiClient.__name__, AriClient.__name__), 0)
    if isinstance(bound, int):
        return bound
    return {"calls": 0, "staff": len(it.config.agents)}.get(bound, 10**9)


def _text() -> str:
    lines = ["[queues.sales]", SETTINGS, "[queues.nobody]", 'requirement = "skills.anything >= 1"', SETTINGS]
    for agent in AGENTS:
        lines += [f"[agents.{agent.name}]", f"addresses.voice = 'PJSIP/{agent.name}'"]
    return "\n".join(lines)


async def _play(it: Rig, numbers: Iterable[int]) -> None:
    """Calls from their beginning to their end; every fourth caller hangs up, and no agent would ever have come."""
    specs = [
        CallSpec(str(10_000 + number), "nobody", hang_up_after_ms=400)
        if number % 4 == 3
        else CallSpec(str(10_000 + number), "sales")
        for number in numbers
    ]
    over = _ended(it) + len(specs)
    async with it.callers(*specs, rate=8.0) as callers:
        await until(lambda: _ended(it) >= over, lambda: str(it.events[-5:]), 60)
        await callers.finished(seconds=20)
    await it.empty()


def _ended(it: Rig) -> int:
    return sum(isinstance(event, ENDS) for event in it.events)
