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
from tests.adapters.asterisk.acceptance_record import Rung, pair
from tests.adapters.asterisk.rig import APP, EXAMPLES, PATIENCE_SECONDS, POLL_SECONDS, until

pytestmark = pytest.mark.xdist_group("load")

TALKER = AgentBehaviour(ring_ms=20, talk_ms=1_500, hang_up_chance=1.0)
DEAD_MAN_SECONDS = 3
LONG_TALKER = AgentBehaviour(ring_ms=20, talk_ms=2_000 * DEAD_MAN_SECONDS, hang_up_chance=1.0)
OFF_SECONDS = 60.0
"""More than any switch here waits."""

UNNOTICED_SECONDS = 3.0
"""Longer than the deadline of a request."""

NOTED = "Set(DB(left/${CALLERID(num)})=1)"
FILLER = {"variables": {"filler": "x" * 20_000}}
MOST_EVENTS = 2_000
"""More than all buffers on the way hold."""

MANY_EVENTS = 75
"""Fewer than that, and more than an engine that goes on reads at once."""


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


async def fill(it: Site, events: int = MOST_EVENTS) -> bool:
    """So many events that nobody reads, or fewer: whether Asterisk has ended the connection."""
    auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": auth}) as session:
        everything: dict[str, list[str]] = {"allowed": []}
        async with session.put(f"{it.pbx.ari_url}/applications/{APP}/eventFilter", json=everything) as answer:
            assert answer.ok
        for _ in range(events):
            url = f"{it.pbx.ari_url}/events/user/Filler?application={APP}"
            async with session.post(url, json=FILLER) as answer:
                await answer.read()
            if "websocket closed" in (it.pbx.folder / "log/messages.log").read_text(errors="replace"):
                return True
    return False


async def until_talking(it: Site) -> None:
    """Wait until two talk and no dead-man's switch watches over them: the engine's word for it comes before that.

    The switch is off a moment after they are joined. An engine that stands still in between leaves a talk that the
    switch ends, and a caller who is served again; one that is back before it fires switches it off.
    """
    await it.until_joined()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_unguarded(it):
            await asyncio.sleep(POLL_SECONDS)


async def is_unguarded(it: Site) -> bool:
    """Whether no switch watches over anybody who talks."""
    talks = [each["channels"] for each in await it.pbx.bridges() if each["bridge_type"] == "mixing"]
    callers = [each for channels in talks for each in channels if not each.startswith(f"{APP}-")]
    left = [(await it.pbx.ari_get(f"channels/{each}/variable?variable=TIMEOUT(absolute)"))["value"] for each in callers]
    return bool(left) and all(float(each) > OFF_SECONDS for each in left)


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
    dialplan = dialplan.replace("exten => serve,1,", f"exten => serve,1,{NOTED}\n same => n,")
    options = f'heartbeat = "500ms"\ndead_man = "{dead_man}s"'
    calls = [
        [PlannedCall(f"{group}{number}", "sales") for number in range(3)] for group in ("before", "during", "after")
    ]
    here = site(
        provisioned,
        tmp_path,
        [Seat("anna")],
        [Line("sales")],
        TALKER,
        options=options,
        dialplan=dialplan,
        recording=True,
    )
    async with here as it, it.callers(calls[0], 20) as before:
        await until_callers(it, 3)
        await until_talking(it)
        async with AsyncExitStack() as stack:
            async with standing_still(it):
                during = await stack.enter_async_context(it.callers(calls[1], 20))
                await until_callers(it, 6)
                if is_filled:
                    assert await fill(it)
                else:
                    late = asyncio.get_running_loop().time() + UNNOTICED_SECONDS
                    await until(lambda: asyncio.get_running_loop().time() > late, lambda: "time")
                after = await stack.enter_async_context(it.callers(calls[2], 20))
                await until_callers(it, 9)
                if is_long:
                    await until_left(it, {"before1", "before2", "during0", "during1", "during2"})
            await it.connected()
            ended = [dialog for each in (before, during, after) for dialog in await each.finished(seconds=60)]
        await it.idle()
        health = await it.health()
        assert await it.engine.stop() == 0
        assert not it.faults(), it.faults()
        account, dialogs, record = it.account(), it.phones.dialogs(), await it.record()
    assert not (lost := [dialog for dialog in ended if dialog.how != "pbx"]), lost
    assert health["connects"] == 2 or not is_filled
    assert_no_overlap(dialogs)
    told = pair(ended, dialogs, record)
    for number in (call.number for call in chain(*calls)):
        assert sum(map(has_served, told[number].rung)) == 1, (told[number], account.stories[number])
        *earlier, last = account.stories[number]
        assert (last.end, last.agent) == ("completed", "anna"), (number, account.stories[number])
        assert {story.reason for story in earlier} <= {"left-stasis", "gone-while-away"}
        assert is_long or not earlier, (number, account.stories[number])


def has_served(rung: Rung) -> bool:
    """Whether it was the agent who ended the talk.

    Whom the switch takes just as the engine is back may be put through for a moment, and is served later. Then, too,
    the telephone sees its agent hang up, if the engine has no processor for as long as a talk is.
    """
    return any(talk.ended_us == rung.leg.left_us for talk in rung.talks) and rung.leg.hung_up_itself


@pytest.mark.parametrize("is_filled", [False, True], ids=["unnoticed", "noticed"])
async def test_whoever_is_served_in_the_fallback_is_left_there(
    provisioned: Provisioned, tmp_path: Path, *, is_filled: bool
) -> None:
    """No dead-man's switch is wound up for a caller who talks with somebody else by then: it would end their talk.

    That the caller has left stands behind many other events, or is never told.
    """
    dialplan = (EXAMPLES / "extensions.conf").read_text()
    dialplan = dialplan.replace("ACD_DEAD_MAN = 30", f"ACD_DEAD_MAN = {DEAD_MAN_SECONDS}")
    options = f'heartbeat = "500ms"\ndead_man = "{DEAD_MAN_SECONDS}s"'
    async with (
        site(
            provisioned, tmp_path, [Seat("anna")], [Line("sales")], LONG_TALKER, options=options, dialplan=dialplan
        ) as it,
    ):
        await it.presence("anna", "not-ready", "break")
        async with it.callers([PlannedCall("c1", "sales")], 20) as callers:
            await it.until_live("queued")
            async with standing_still(it):
                assert await fill(it, MOST_EVENTS if is_filled else MANY_EVENTS) is is_filled
                await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            await it.connected()
            (caller,) = await callers.finished(seconds=60)
        await it.idle()
        assert await it.engine.stop() == 0
        assert not it.faults(), it.faults()
        story = it.account().one("c1")
        (dialog,) = it.phones.dialogs()
    assert (dialog.how, caller.how) == ("agent", "pbx"), "the talk in the fallback was cut short"
    assert (story.end, story.reason) in {("cancelled", "left-stasis"), ("abandoned", "gone-while-away")}


async def until_left(it: Site, callers: set[str]) -> None:
    """Wait until these have been sent to the fallback."""
    told = ""
    try:
        async with asyncio.timeout(DEAD_MAN_SECONDS + PATIENCE_SECONDS):
            while not all(f"/left/{each} " in told for each in callers):
                told = await it.pbx.cli("database show left")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not all of {sorted(callers)} have left: {told}\n{await it.pbx.channels()}") from None
