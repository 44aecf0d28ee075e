"""The engine's process stands still for longer than Asterisk waits for a reader, and goes on. On a real Asterisk."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path

import aiohttp
import pytest

from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.acceptance import Line, PlannedCall, Seat, Site, patient_dialplan, site
from tests.adapters.asterisk.acceptance_account import assert_no_overlap
from tests.adapters.asterisk.rig import APP, PATIENCE_SECONDS, POLL_SECONDS, until

TALKER = AgentBehaviour(ring_ms=20, talk_ms=1_500, hang_up_chance=1.0)
DEAD_MAN_SECONDS = 3
UNNOTICED_SECONDS = 3.0
"""Longer than the deadline of a request."""

NOTED = "Set(DB(left/${CALLERID(num)})=1)"
FILLER = {"variables": {"filler": "x" * 20_000}}
MOST_EVENTS = 2_000
"""More than all buffers on the way hold."""


@asynccontextmanager
async def standing_still(it: Site) -> AsyncIterator[None]:
    """No thread of the engine does anything."""
    pid = it.engine.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while states(pid) != {"T"}:
                await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def states(pid: int) -> set[str]:
    """Of its threads, as the kernel has them: `R`, `S`, `T`, …"""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return {(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads}


async def fill(it: Site) -> None:
    """Events that nobody reads, until Asterisk ends the connection."""
    auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": auth}) as session:
        everything: dict[str, list[str]] = {"allowed": []}
        async with session.put(f"{it.pbx.ari_url}/applications/{APP}/eventFilter", json=everything) as answer:
            assert answer.ok
        for _ in range(MOST_EVENTS):
            url = f"{it.pbx.ari_url}/events/user/Filler?application={APP}"
            async with session.post(url, json=FILLER) as answer:
                await answer.read()
            if "websocket closed" in (it.pbx.folder / "log/messages.log").read_text(errors="replace"):
                return
    raise AssertionError("Asterisk has not ended the connection")


async def until_joined(it: Site) -> None:
    """Wait until two talk: the engine's word for it comes before that."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(len(each["channels"]) > 1 for each in await it.pbx.bridges() if each["bridge_type"] == "mixing"):
            await asyncio.sleep(POLL_SECONDS)


async def until_callers(it: Site, count: int) -> None:
    """Wait until so many are on the PBX."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum("trunk" in each["name"] for each in await it.pbx.channels()) < count:
            await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize(
    ("is_filled", "is_long"), [(False, False), (True, False), (True, True)], ids=["unnoticed", "noticed", "too-long"]
)
async def test_nobody_is_lost(provisioned: Provisioned, tmp_path: Path, *, is_filled: bool, is_long: bool) -> None:
    """Whoever talks, waited, or came in meanwhile is served once, by the engine; nobody is stuck.

    Whether Asterisk had anything to write that it could not, and so has ended the connection, or not. Those who waited
    longer than the dead-man's switch have been in the fallback meanwhile, which tries again here.
    """
    dead_man = DEAD_MAN_SECONDS if is_long else 30
    dialplan = patient_dialplan().replace("ACD_DEAD_MAN = 30", f"ACD_DEAD_MAN = {dead_man}")
    dialplan = dialplan.replace("exten => dead-man,1,", f"exten => dead-man,1,{NOTED}\n same => n,")
    options = f'heartbeat = "500ms"\ndead_man = "{dead_man}s"'
    calls = [
        [PlannedCall(f"{group}{number}", "sales") for number in range(3)] for group in ("before", "during", "after")
    ]
    async with (
        site(provisioned, tmp_path, [Seat("anna")], [Line("sales")], TALKER, options=options, dialplan=dialplan) as it,
        it.callers(calls[0], 20) as before,
    ):
        await until_callers(it, 3)
        await until_joined(it)
        async with AsyncExitStack() as stack:
            async with standing_still(it):
                during = await stack.enter_async_context(it.callers(calls[1], 20))
                await until_callers(it, 6)
                if is_filled:
                    await fill(it)
                else:
                    late = asyncio.get_running_loop().time() + UNNOTICED_SECONDS
                    await until(lambda: asyncio.get_running_loop().time() > late, lambda: "time")
                after = await stack.enter_async_context(it.callers(calls[2], 20))
                await until_callers(it, 9)
                if is_long:
                    await until_left(it, 5)
            await it.connected()
            ended = [dialog for each in (before, during, after) for dialog in await each.finished(seconds=60)]
        await it.idle()
        health = await it.health()
        assert await it.engine.stop() == 0
        assert not it.faults(), it.faults()
        account = it.account()
    assert {dialog.how for dialog in ended} == {"pbx"}
    assert health["connects"] == 2 or not is_filled
    dialogs = it.phones.dialogs()
    # Whom the switch takes just as the engine is back may be put through for a moment, and is served later.
    assert sorted(each.caller for each in dialogs if each.how == "agent") == sorted(c.number for c in chain(*calls))
    assert_no_overlap(dialogs)
    for number, stories in account.stories.items():
        *earlier, last = stories
        assert (last.end, last.agent) == ("completed", "anna"), (number, stories)
        assert {story.reason for story in earlier} <= {"left-stasis", "gone-while-away"}
        assert is_long or not earlier, (number, stories)


async def until_left(it: Site, count: int) -> None:
    """Wait until the switch has sent so many to the fallback."""
    async with asyncio.timeout(DEAD_MAN_SECONDS + PATIENCE_SECONDS):
        while (await it.pbx.cli("database show left")).count("/left/") < count:
            await asyncio.sleep(POLL_SECONDS)
