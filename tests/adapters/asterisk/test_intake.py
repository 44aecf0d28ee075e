"""What the engine is told of happenings that SIPp cannot bring about, and of an engine that takes nothing."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from acd.core.messages import (
    Command,
    EndInteraction,
    FailOffer,
    HoldWork,
    Outcome,
    RequeueInteraction,
    ResumeWork,
)
from acd.errors import CommandInvalid, CommandQuarantined, JournalUnavailable, RouterClosed, RouterOverloaded
from acd.testing.recording_host import RecordingHost
from acd_asterisk import desk as desk_module
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.happenings import LegHeld, LegLeft, TalkEntered
from acd_asterisk.intake import Intake
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import nothing_plays

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
CALLER = AriChannel("1795254033.0", "Up")


class FailingHost(RecordingHost):
    """Takes no command."""

    def __init__(self, error: Exception) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.error = error

    async def submit(self, command: Command) -> Outcome:
        await super().submit(command)
        raise self.error


def talking(host: RecordingHost) -> tuple[Desk, Intake, Call]:
    """A call whose caller and agent have been joined."""
    names = Names("pbx1", "acd")
    desk = Desk("pbx1", OPTIONS, names)
    desk.start(host)
    switchboard = cast("Switchboard", None)  # Nothing here asks the PBX.
    call = desk.add(names.interaction(CALLER.id), CALLER)
    call.add_leg(Leg(f"{call.interaction_id}.1", "anna", state="answered", accepted=True, joined=True))
    return desk, Intake(desk, switchboard, Orders(desk, switchboard, nothing_plays(names))), call


async def test_hold_and_resume() -> None:
    host = RecordingHost(lambda _agent, _channel: "")
    desk, intake, call = talking(host)
    (leg,) = call.live_legs()
    intake.handle(LegHeld(leg.offer_id, held=True))
    intake.handle(LegHeld(leg.offer_id, held=False))
    intake.handle(LegHeld("somebody-else.1", held=True))
    await desk.lanes_idle()
    assert host.commands == [
        HoldWork("contract-1", "anna", call.interaction_id),
        ResumeWork("contract-2", "anna", call.interaction_id),
    ]


class SlowSwitchboard:
    """Carries out a join, and is slow to say so."""

    def __init__(self) -> None:
        self.joins = 0
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def join(self, interaction_id: str, channel_ids: Sequence[str]) -> bool:
        caller, agent = channel_ids
        assert caller == CALLER.id
        assert agent.endswith(f":{interaction_id}.1~")
        self.joins += 1
        self.asked.set()
        await self.answer.wait()
        return True

    async def set_dead_mans_switch(self, channel_id: str, seconds: float) -> bool:
        assert (channel_id, seconds) == (CALLER.id, 0)
        return True


@pytest.mark.parametrize("met", [True, False])
@pytest.mark.parametrize("answered", ["before", "after"])
async def test_agent_hangs_up_while_being_joined(*, met: bool, answered: str) -> None:
    """Whether the two have met is for the bridge to say: Asterisk's answer may be late, and is a yes in either case."""
    host = RecordingHost(lambda _agent, _channel: "")
    desk, _, call = talking(host)
    slow = SlowSwitchboard()
    switchboard = cast("Switchboard", slow)
    orders = Orders(desk, switchboard, nothing_plays(desk.names))
    intake = Intake(desk, switchboard, orders)
    leg = call.add_leg(Leg(f"{call.interaction_id}.1", "anna", state="answered", accepted=True))
    joining = asyncio.create_task(orders.join(call, leg))
    await asyncio.wait((joining, asyncio.create_task(slow.asked.wait())), return_when=asyncio.FIRST_COMPLETED)
    assert not joining.done()
    assert not call.is_waiting
    await orders.join(call, leg)  # wanted twice, asked for once
    if answered == "before":
        slow.answer.set()
        await joining
    both = frozenset({CALLER.id, desk.names.leg(leg.offer_id)})
    intake.handle(TalkEntered(call.interaction_id, frozenset({CALLER.id})))
    if met:
        intake.handle(TalkEntered(call.interaction_id, both))
    intake.handle(TalkEntered("pbx1-somebody-else", both))
    intake.handle(LegLeft(leg.offer_id))
    await desk.lanes_idle()
    slow.answer.set()
    await joining
    assert slow.joins == 1
    assert call.has_talked is met
    if met:
        assert host.commands == [
            EndInteraction("contract-1", call.interaction_id, by="agent", reason="agent-hung-up"),
        ]
    else:
        assert host.commands == [RequeueInteraction("contract-1", call.interaction_id, reason="agent-leg-lost")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RouterOverloaded("x"), "overloaded"),
        (RouterClosed("x"), "engine-stopped"),
        (CommandInvalid("x"), "command-invalid"),
        (CommandQuarantined("x"), "command-quarantined"),
        (JournalUnavailable("x"), "engine-unavailable"),
    ],
)
async def test_commands_that_are_not_taken(error: Exception, code: str) -> None:
    """The dialplan is told why; and what has happened is looked up again, unless the engine is stopping."""
    host = FailingHost(error)
    desk, _, _ = talking(host)
    command = FailOffer(host.new_id(), "i1.1", "busy")
    with pytest.raises(NotTaken) as caught:
        await desk.submit(command)
    assert caught.value.code == code
    assert host.reconciles == 0
    assert await desk.tell(command) is None
    asks_again = len(desk._tasks)
    assert asks_again == (0 if code == "engine-stopped" else 1)
    assert await desk.tell(command) is None
    assert len(desk._tasks) == asks_again
    await desk.stop()


@pytest.mark.parametrize(("took_seconds", "least_seconds"), [(0.0, 0.02), (0.05, 0.1), (60.0, 0.2)])
async def test_after_a_long_comparison_the_next_one_waits(
    monkeypatch: pytest.MonkeyPatch, took_seconds: float, least_seconds: float
) -> None:
    """It may have led to it, and there is something else to do, too. Wanted again meanwhile, it is one all the same."""
    monkeypatch.setattr(desk_module, "RECONCILE_DELAY_SECONDS", 0.02)
    monkeypatch.setattr(desk_module, "LONGEST_DELAY_SECONDS", 0.2)
    host = RecordingHost(lambda _agent, _channel: "")
    desk, _, _ = talking(host)
    desk.comparison_seconds = took_seconds
    loop = asyncio.get_running_loop()
    begun = loop.time()
    desk.reconcile_soon()
    desk.reconcile_soon()
    await until(lambda: host.reconciles > 0, lambda: "a comparison")
    assert loop.time() - begun >= least_seconds
    assert host.reconciles == 1
    await desk.stop()
