"""Agents who hang up at the very moment at which they are joined with their callers, by three accounts."""

from pathlib import Path

import pytest

from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.acceptance import Line, PlannedCall, Seat, site
from tests.adapters.asterisk.acceptance_account import assert_no_overlap
from tests.adapters.asterisk.acceptance_record import assert_nobody_else_listened, assert_whole, pair

pytestmark = pytest.mark.xdist_group("load")

CALLS = 200
RATE = 20.0
AGENTS = 12
SOON_AGAIN = 'offer_timeout = "20s"\nretry_after = "100ms"'


async def test_hanging_up_while_being_joined(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whoever was joined, however briefly, has been served; whoever was not is rung for again, and then served."""
    # From picking up to being joined it takes some 7 ms; these stay about as long.
    hasty = AgentBehaviour(ring_ms=(0, 50), talk_ms=(0, 30), hang_up_chance=1.0)
    seats = [Seat(f"a{index:02}") for index in range(AGENTS)]
    calls = [PlannedCall(f"c{index:03}", "sales") for index in range(CALLS)]
    lines = [Line("sales", more=SOON_AGAIN)]
    async with (
        site(provisioned, tmp_path, seats, lines, hasty, recording=True) as it,
        it.callers(calls, RATE) as callers,
    ):
        seen = await callers.finished(seconds=60)
        await it.idle()
        assert {agent["presence"] for agent in await it.agents()} == {"ready"}
        assert await it.engine.stop() == 0, it.engine.log_tail()
        dialogs, account, record = it.phones.dialogs(), it.account(), await it.record()
    assert_no_overlap(dialogs)
    told = pair(seen, dialogs, record)
    assert_nobody_else_listened(told, record)
    print(f"{len(calls)} calls, {len(dialogs) - len(calls)} pick-ups that were too short for them")  # noqa: T201
    for call in calls:
        each, story = told[call.number], account.one(call.number)
        *missed, served = each.rung
        assert served.talks, f"\n{each}\n{story}"
        assert_whole(each, served)
        assert not any(rung.talks for rung in missed), f"\n{each}\n{story}"
        assert each.caller.how == "pbx", f"\n{each}\n{story}"
        assert (story.end, story.by, story.agent) == ("completed", "agent", served.dialog.agent), f"\n{each}\n{story}"
        # `failed`: hung up before Asterisk had let the leg into the application.
        assert len(story.returned) == len(missed), f"\n{each}\n{story}"
        assert set(story.returned) <= {"agent-leg-lost", "failed"}, f"\n{each}\n{story}"
    assert len(dialogs) > len(calls), "nobody hung up too early: the test has lost its point"
