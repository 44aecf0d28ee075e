"""Callbacks in the `queue_log`: calls like any other once their customers, who were called first, are there."""

import pytest

import acd.core.messages as m
from acd.core.engine import Engine
from acd.core.messages.settings import CallbackFirst
from acd.runtime.queue_log.calls import Calls
from tests.runtime.live import SECOND


class Names:
    """A far end that has names of its own."""

    def caller(self, interaction_id: str) -> str:
        return f"channel-of-{interaction_id}"

    def leg(self, offer_id: str) -> str:
        return f"leg-of-{offer_id}"

    def talk(self, interaction_id: str) -> str:
        return f"bridge-of-{interaction_id}"


class Log:
    """An engine with one agent, and what the log says of the calls."""

    def __init__(self, first: CallbackFirst) -> None:
        self.engine = Engine()
        queue = m.QueueSettings("sales", callback_channel="pbx", callback_first=first, callback_attempts=2)
        settings = m.CoreSettings((m.AgentSettings("anna"),), (queue,))
        self.calls = Calls(("voice",), lambda _instance: Names())
        self.calls.configure(settings.queues)
        self.at_s = 0
        self.do(m.ApplyConfig("config", settings))

    def do(self, command: m.Command, after_s: int = 0) -> list[tuple[str, str, tuple[str, ...]]]:
        """Call, event and data of the lines that follow."""
        self.at_s += after_s
        outcome = self.engine.apply(command, self.at_s * SECOND)
        assert outcome.refusal is None
        return [(line.call, line.verb, line.data) for line in self.calls.row(self.at_s * SECOND, outcome.events)]

    def asked(self) -> None:
        """A caller waits, and would rather be called back; then an agent comes."""
        caller = m.EnqueueInteraction("come", "c1", "voice", "sales", customer="chen", instance="pbx")
        assert self.do(caller) == [("channel-of-c1", "ENTERQUEUE", ("", "chen", "1"))]
        said = self.do(m.CallBackInteraction("rather", "c1"), after_s=30)
        assert said == [("channel-of-c1", "EXITWITHTIMEOUT", ("1", "1", "30"))]


@pytest.fixture
def log() -> Log:
    found = Log("customer")
    found.asked()
    return found


def test_who_is_there_enters_and_has_waited_since_then(log: Log) -> None:
    assert log.do(m.SignInAgent("in", "anna", ready=True), after_s=600) == []
    assert log.do(m.NoteReached("there", "c1~cb", 1), after_s=20) == [("c1~cb", "ENTERQUEUE", ("", "chen", "1"))]
    connected = ("c1~cb", "CONNECT", ("5", "leg-of-c1~cb.1", "5"))
    assert log.do(m.AcceptOffer("accept", "c1~cb.1", "anna"), after_s=5) == [connected]
    ended = log.do(m.EndInteraction("end", "c1~cb", "customer"), after_s=60)
    assert ended == [("c1~cb", "COMPLETECALLER", ("5", "60", "1"))]
    assert log.calls.kept == ()


def test_who_hangs_up_before_an_agent_is_there_has_abandoned(log: Log) -> None:
    log.do(m.SignInAgent("in", "anna", ready=True))
    log.do(m.NoteReached("there", "c1~cb", 1), after_s=20)
    gone = log.do(m.EndInteraction("gone", "c1~cb", "customer"), after_s=7)
    assert gone == [("c1~cb", "RINGCANCELED", ("7000",)), ("c1~cb", "ABANDON", ("1", "1", "7"))]


def test_who_is_not_reached_is_not_told_of(log: Log) -> None:
    log.do(m.SignInAgent("in", "anna", ready=True))
    assert log.do(m.FailCallback("busy", "c1~cb", "busy", 1), after_s=20) == []
    assert log.do(m.Tick("due"), after_s=3_600) == []
    assert log.do(m.FailCallback("busy-2", "c1~cb", "busy", 2), after_s=20) == []
    assert log.calls.kept == ()


@pytest.mark.parametrize("attempts", [1, 2])
def test_an_agent_who_hears_a_voicemail_has_ended_the_call(log: Log, attempts: int) -> None:
    """Be it called once more, or never again; and the next time it is a call of its own."""
    log.do(m.SignInAgent("in", "anna", ready=True))
    for attempt in range(1, attempts + 1):
        entered = log.do(m.NoteReached(f"there-{attempt}", "c1~cb", attempt), after_s=20)
        assert [verb for _, verb, _ in entered] == ["ENTERQUEUE"]
        log.do(m.AcceptOffer(f"accept-{attempt}", f"c1~cb.{attempt}", "anna"), after_s=1)
        said = log.do(m.FailCallback(f"voicemail-{attempt}", "c1~cb", "voicemail"), after_s=9)
        assert said == [("c1~cb", "COMPLETEAGENT", ("1", "9", "1"))]
        log.do(m.Tick(f"due-{attempt}"), after_s=3_600)
    assert len(log.calls.kept) == (1 if attempts == 1 else 0)


def test_where_the_agent_comes_first_callbacks_are_no_calls() -> None:
    log = Log("agent")
    log.asked()
    log.do(m.SignInAgent("in", "anna", ready=True))
    assert log.do(m.AcceptOffer("accept", "c1~cb.1", "anna"), after_s=5) == []
    assert log.do(m.EndInteraction("end", "c1~cb", "customer"), after_s=60) == []
    assert log.calls.kept == ()
