"""Lines from the core's own random traffic, all its commands and settings: calls make sense, places are right."""

import re
from collections import Counter
from typing import Final

import msgspec
import pytest

from acd.core.engine import Engine
from acd.core.messages import CustomerReached, EnqueueInteraction, InteractionScheduled
from acd.core.ordering import key_us
from acd.runtime.queue_log.calls import Call, Calls
from acd.runtime.queue_log.layout import Line
from acd.runtime.queue_log.staff import Member, Staff
from acd.runtime.view import View
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

LENGTH: Final = 1_500
CHANNELS: Final = ("voice", "chat", "email")
SENSE: Final = re.compile(
    r"(?:ENTERQUEUE (?:RINGNOANSWER |RINGCANCELED )*"
    r"(?:(?:ABANDON|WITHDRAW|EXITWITHTIMEOUT|EXITEMPTY) "
    r"|CONNECT (?:(?:COMPLETEAGENT|COMPLETECALLER|BLINDTRANSFER|ATTENDEDTRANSFER) |$)|$))*"
)
"""The lines of one call: in a queue, then out of it or with an agent, and perhaps in another queue."""


def nameless(_instance: str) -> None:
    """No far end has names of its own."""


class Log:
    """Both folds, and everything that they have said."""

    def __init__(self) -> None:
        self.view = View()
        self.calls, self.staff = Calls(CHANNELS, nameless), Staff(self.view.settings)
        self.lines: list[Line] = []
        self.reached: set[str] = set()
        """Callbacks whose customers are there."""

    def begin_again(self) -> None:
        """As after a restart: from what is kept, through its form on disk."""
        calls = msgspec.msgpack.decode(msgspec.msgpack.encode(self.calls.kept), type=tuple[Call, ...])
        members = msgspec.msgpack.decode(msgspec.msgpack.encode(self.staff.kept), type=tuple[Member, ...])
        settings = self.staff.settings
        self.calls, self.staff = Calls(CHANNELS, nameless, calls, self.calls.order), Staff(settings, members)
        self.calls.configure(settings.queues)

    def place(self, interaction_id: str) -> int:
        """From 1, among those of the same queue who are told of, by whoever knows no lines."""
        row = self.view.interactions[interaction_id]
        queue = self.view.queues[row.queue]
        others = [
            (key_us(queue.settings, each.place_at_us, each.priority), each.order)
            for each in queue.line.values()
            if each.channel in CHANNELS and (each.kind == "live" or each.id in self.reached) and not each.parent
        ]
        own = (key_us(queue.settings, row.place_at_us, row.priority), row.order)
        return 1 + sum(other < own for other in others)


@pytest.mark.parametrize("seed", range(8))
def test_every_call_makes_sense(seed: int) -> None:
    engine, log = Engine(), Log()
    traffic = seeded(seed, disorder=0.02)
    model = Model(traffic.trees)
    for number in range(LENGTH):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        if engine.recorded(command.id) is not None:
            continue
        outcome = engine.apply(command, now_us)
        log.view.fold(now_us, outcome)
        for event in outcome.events:
            if isinstance(event, CustomerReached):
                log.reached.add(event.interaction_id)
            elif isinstance(event, InteractionScheduled):
                log.reached.discard(event.interaction_id)
        said = log.staff.row(now_us, outcome.events)
        log.calls.configure(log.staff.settings.queues)
        said += log.calls.row(now_us, outcome.events)
        for line in said:
            if line.verb == "ENTERQUEUE" and isinstance(command, EnqueueInteraction):
                assert int(line.data[2]) == log.place(line.call)
        log.lines += said
        if number % 100 == 99:
            log.begin_again()
    check_calls(log)
    check_members(log)


def check_calls(log: Log) -> None:
    told: dict[str, list[Line]] = {}
    for line in log.lines:
        if line.call not in ("", "MANAGER"):
            told.setdefault(line.call, []).append(line)
    seen = Counter(line.verb for lines in told.values() for line in lines)
    assert seen["CONNECT"]
    assert seen["ENTERQUEUE"]
    live = {call.id: call.state for call in log.calls.kept}
    assert live.keys() <= log.view.interactions.keys()
    for call, lines in told.items():
        text = "".join(f"{line.verb} " for line in lines)
        assert SENSE.fullmatch(text), text
        is_open = text.endswith(("ENTERQUEUE ", "CONNECT ")) or lines[-1].verb.startswith("RING")
        assert is_open is (live.get(call) in ("waiting", "talking")), (call, text, live.get(call))
        assert all(int(value) >= 0 for line in lines for value in line.data if value.lstrip("-").isdecimal())


def check_members(log: Log) -> None:
    present = {agent.id for agent in log.view.agents.values() if agent.presence != "signed-out"}
    assert {member.agent for member in log.staff.kept} == present
    added: Counter[tuple[str, str]] = Counter()
    for line in log.lines:
        if line.call == "MANAGER":
            added[line.queue, line.agent] += 1 if line.verb == "ADDMEMBER" else -1
            assert added[line.queue, line.agent] in (0, 1), line
    there = {place for place, count in added.items() if count}
    assert there == {(queue, member.agent) for member in log.staff.kept for queue in member.queues}
    assert log.staff.settings == log.view.settings
