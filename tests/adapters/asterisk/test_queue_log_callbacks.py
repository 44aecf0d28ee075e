"""Customers who are called before any agent, in the `queue_log`, on a real Asterisk: every entry has its one end.

app_queue calls nobody back; what reports expect of its log is `stays` (`test_queue_log` puts app_queue's own to it).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd.core.messages import (
    CancelInteraction,
    CustomerReached,
    FailCallback,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionFailed,
    InteractionOverflowed,
    InteractionScheduled,
    OfferAccepted,
    OfferDeclined,
    OfferMade,
)
from acd.runtime.config import QueueLogConfig
from acd.runtime.queue_log import QueueLog
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.test_callbacks import DIAL, LISTENS, NUMBER, SILENT, TALKS, call_me, people
from tests.adapters.asterisk.test_callbacks_customer_first import OPTIONS, QUEUE, STAYS
from tests.adapters.asterisk.test_callbacks_either_first import BUSY, DECLINES
from tests.adapters.asterisk.test_queue_log import OFF_BY_S, UNIQUEID
from tests.runtime.queue_log.reader import Entry, read, stays

CALLBACK = "callback"
IMPATIENT = AgentBehaviour(ring_ms=100, talk_ms=2_500, hang_up_chance=1.0)


@dataclass
class Logged:
    """A rig whose engine writes the log. `log` is replaced by `restart`."""

    it: Rig
    path: Path
    log: QueueLog

    async def restart(self) -> None:
        """Kill the engine, and start another one."""
        await self.it.stop_engine(crash=True)
        await self.log.close()
        await self.it.start_engine()
        self.log = await _opened(self.it, self.path)

    async def entries(self) -> list[Entry]:
        """All lines, once everything is told."""
        await self.it.empty()
        await self.it.stop_engine()
        await self.log.close()
        return read(self.path)


@asynccontextmanager
async def logged(
    provisioned: Provisioned,
    folder: Path,
    agents: Sequence[Agent],
    queue: Queue = QUEUE,
    options: dict[str, object] = OPTIONS,
) -> AsyncIterator[Logged]:
    async with rig(provisioned, folder, agents, queues=[queue], options=options) as it:
        path = folder / "queue_log"
        yield Logged(it, path, await _opened(it, path))


async def _opened(it: Rig, path: Path) -> QueueLog:
    config = QueueLogConfig(path, path.with_suffix(".acd"), "number")
    log = QueueLog(config, it.config.domain, it.router)
    await log.start()
    return log


async def test_reached(provisioned: Provisioned, tmp_path: Path) -> None:
    """One agent declines, the next one talks, the customer hangs up: as of any caller, from when they answered."""
    agents = [*people(TALKS, DECLINES), Agent("ben", LISTENS)]
    async with logged(provisioned, tmp_path, agents) as its:
        it = its.it
        await it.ready("anna")
        await call_me(it)
        await it.event(OfferDeclined)
        await it.presence("anna", "not-ready", "tea")
        await it.ready("ben")
        completed = await it.event(InteractionCompleted)
        dialogs = {dialog.agent: dialog for dialog in it.phones.dialogs() if dialog.is_answered}
        entries = await its.entries()
    assert completed.agent_id == "ben"
    (events,) = stays(entries)[CALLBACK]
    assert (events[0], events[-2:]) == ("ENTERQUEUE", ["CONNECT", "COMPLETECALLER"])
    assert "RINGNOANSWER" in events
    entered, *_, connected, ended = (entry for entry in entries if entry.call == CALLBACK)
    customer, agent = dialogs[NUMBER], dialogs["ben"]
    assert entered.data == {"url": "", "callerid": NUMBER, "origposition": "1"}
    assert abs(entered.epoch - (customer.answered_us or 0) / 1e6) <= OFF_BY_S
    waited_s = ((agent.answered_us or 0) - (customer.answered_us or 0)) / 1e6
    assert abs(connected.number("holdtime") - waited_s) <= OFF_BY_S
    assert ended.number("holdtime") == connected.number("holdtime")
    assert {entry.agent for entry in entries if entry.event == "RINGNOANSWER"} == {"anna"}


@pytest.mark.parametrize("customer", [BUSY, DECLINES, SILENT], ids=["busy", "refuses", "silent"])
async def test_not_reached(provisioned: Provisioned, tmp_path: Path, customer: AgentBehaviour) -> None:
    """Nobody has been in the queue, at any attempt: no line."""
    async with logged(provisioned, tmp_path, people(customer)) as its:
        await its.it.ready("anna")
        await call_me(its.it)
        failed = await its.it.event(InteractionFailed, seconds=20)
        entries = await its.entries()
    assert failed.attempts == 2
    assert stays(entries) == {}
    assert CALLBACK not in {entry.call for entry in entries}


async def test_several_attempts(provisioned: Provisioned, tmp_path: Path) -> None:
    """A voicemail, by the agent's word; then the customer, who hangs up while the next agent's telephone rings."""
    agents = [*people(IMPATIENT), Agent("ben", SILENT)]
    async with logged(provisioned, tmp_path, agents) as its:
        it = its.it
        await it.ready("anna")
        await call_me(it)
        await it.talking()
        await it.presence("anna", "not-ready", "tea")
        await it.router.submit(FailCallback("voicemail", CALLBACK, "voicemail"))
        await it.event(InteractionScheduled)
        await it.ready("ben")
        await it.event(InteractionAbandoned)
        entries = await its.entries()
    first, second = stays(entries)[CALLBACK]
    assert first == ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"]
    assert second == ["ENTERQUEUE", "RINGCANCELED", "ABANDON"]
    assert entries[-1].number("waittime") in range(2, 5)


async def test_nobody_wants_it_any_more(provisioned: Provisioned, tmp_path: Path) -> None:
    """Cancelled while the customer waits."""
    async with logged(provisioned, tmp_path, people(STAYS, SILENT)) as its:
        it = its.it
        await it.ready("anna")
        await call_me(it)
        await it.event(OfferMade)
        await it.router.submit(CancelInteraction("cancel", CALLBACK, "boss"))
        await it.event(InteractionCancelled)
        entries = await its.entries()
    assert stays(entries)[CALLBACK] == [["ENTERQUEUE", "RINGCANCELED", "WITHDRAW"]]
    assert entries[-1].data["info"] == "boss"


async def test_an_engine_that_dies_while_they_wait(provisioned: Provisioned, tmp_path: Path) -> None:
    """They have entered once, and wait on."""
    agents = [*people(STAYS, DECLINES), Agent("ben", AgentBehaviour(ring_ms=50, talk_ms=400, hang_up_chance=1.0))]
    async with logged(provisioned, tmp_path, agents) as its:
        it = its.it
        await it.ready("anna")
        await call_me(it)
        await it.event(OfferDeclined)
        await its.restart()
        await it.presence("anna", "not-ready", "tea")
        await it.ready("ben")
        await it.event(InteractionCompleted)
        entries = await its.entries()
    assert len(it.all(CustomerReached)) == 1
    (events,) = stays(entries)[CALLBACK]
    assert events[-2:] == ["CONNECT", "COMPLETEAGENT"]


async def test_by_key_from_the_line(provisioned: Provisioned, tmp_path: Path) -> None:
    """The caller has left the queue; the callback is a call of its own, and enters it when they are there again."""
    options: dict[str, object] = {**OPTIONS, "queues": {"sales": {"keys": {"1": "callback"}}}}
    async with logged(provisioned, tmp_path, people(TALKS), options=options) as its:
        it = its.it
        async with it.callers(CallSpec(NUMBER, "sales")) as callers:
            await until_places(it.pbx, {"trunk": "hold"})
            await it.press(NUMBER, "1")
            gone = await it.event(InteractionOverflowed)
            await callers.finished(seconds=10)
        await it.ready("anna")
        accepted = await it.event(OfferAccepted)
        await it.event(InteractionCompleted)
        entries = await its.entries()
    assert accepted.interaction_id == f"{gone.interaction_id}~cb"
    told = stays(entries)
    assert told.pop(accepted.interaction_id) == [["ENTERQUEUE", "CONNECT", "COMPLETECALLER"]]
    ((caller, left),) = told.items()
    assert UNIQUEID.fullmatch(caller)
    assert left == [["ENTERQUEUE", "EXITWITHTIMEOUT"]]


async def test_lines_of_many(provisioned: Provisioned, tmp_path: Path) -> None:
    """Two at a time, among callers who wait in the same queue: each of them in and out once, at a true place."""
    queue = Queue(more=QUEUE.more.replace("callback_attempts", "callback_ahead = 2\ncallback_attempts"))
    talks = AgentBehaviour(ring_ms=50, talk_ms=400, hang_up_chance=1.0)
    agents = [*people(STAYS, talks), Agent("ben", talks)]
    async with logged(provisioned, tmp_path, agents, queue, {"callbacks": DIAL}) as its:
        it = its.it
        for number in range(4):
            await call_me(it, f"{CALLBACK}-{number}", f"1380013800{number}")
        specs = [CallSpec(str(20_000 + number), "sales") for number in range(4)]
        async with it.callers(*specs) as callers:
            await it.ready("anna", "ben")
            await until(lambda: len(it.all(InteractionCompleted)) == 8, lambda: str(it.events[-5:]), 30)
            await callers.finished(seconds=10)
        entries = await its.entries()
    told = stays(entries)
    assert len(told) == 8
    assert {tuple(event for event in events if event != "RINGNOANSWER") for (events,) in told.values()} == {
        ("ENTERQUEUE", "CONNECT", "COMPLETEAGENT")
    }
    places = [entry.number("origposition") for entry in entries if entry.event == "ENTERQUEUE"]
    assert min(places) == 1
    assert max(places) <= 8
