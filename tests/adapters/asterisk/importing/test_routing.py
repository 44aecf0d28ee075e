"""What was imported decides as app_queue would have: in the engine, and with a call on a real PBX."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.core.engine import Engine
from acd.core.messages import (
    ApplyConfig,
    Command,
    DeclineOffer,
    EnqueueInteraction,
    InteractionCompleted,
    OfferMade,
    Outcome,
    SignInAgent,
    Tick,
)
from acd.runtime.config import loads
from acd_asterisk.importing.command import command
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import EXAMPLES, Agent, rig

SECOND_US = 1_000_000


def imported(folder: Path, queues: str, rules: str = "[r]\n") -> str:
    """The configuration that files with these texts become."""
    (folder / "queues.conf").write_text(queues)
    (folder / "queuerules.conf").write_text(rules)
    result = CliRunner().invoke(command, [str(folder / "queues.conf"), str(folder / "queuerules.conf")])
    assert result.exit_code == 0, result.output
    return result.stdout


class Centre:
    """An engine with an imported configuration, on a clock that the test moves."""

    def __init__(self, text: str) -> None:
        self._engine = Engine()
        self._ids: Iterator[int] = iter(range(1_000_000))
        self.now_us = SECOND_US
        config = loads(text, environment={})
        self.offered: list[tuple[str, str]] = []
        self._do(ApplyConfig(self._id(), config.core_settings()))
        for agent in config.agents:
            self._do(SignInAgent(self._id(), agent.settings.id, ready=True))

    def call(self, name: str, queue: str) -> None:
        self._do(EnqueueInteraction(self._id(), name, "voice", queue))

    def decline(self, offer: str, agent: str) -> None:
        self._do(DeclineOffer(self._id(), offer, agent))

    def wait(self, seconds: float) -> None:
        """Handle what is due on the way, at its time."""
        until_us = self.now_us + round(seconds * SECOND_US)
        while (due := self._engine.next_deadline()) is not None and due <= until_us:
            self.now_us = max(self.now_us, due)
            self._do(Tick(self._id()))
        self.now_us = until_us

    def _do(self, asked: Command) -> None:
        outcome: Outcome = self._engine.apply(asked, self.now_us)
        assert outcome.refusal is None
        self.offered += [(each.interaction_id, each.agent_id) for each in outcome.events if isinstance(each, OfferMade)]

    def _id(self) -> str:
        return f"c-{next(self._ids)}"


def test_a_higher_penalty_is_asked_while_nobody_of_a_lower_one_is_free(tmp_path: Path) -> None:
    centre = Centre(imported(tmp_path, "[q]\nstrategy=leastrecent\nmember=PJSIP/2,7\nmember=PJSIP/1,1\n"))
    centre.call("first", "q")
    centre.call("second", "q")
    assert centre.offered == [("first", "1"), ("second", "2")]


def test_a_rule_lets_further_members_in_at_its_times(tmp_path: Path) -> None:
    queues = "[q]\nstrategy=linear\ntimeout=100\ndefaultrule=r\nmember=PJSIP/1,0\nmember=PJSIP/2,5\nmember=PJSIP/3,9\n"
    centre = Centre(imported(tmp_path, queues, "[r]\npenaltychange => 30,+5\npenaltychange => 60,10\n"))
    for name in ("a", "b", "c"):
        centre.call(name, "q")
    assert centre.offered == [("a", "1")]
    centre.wait(29)
    assert centre.offered == [("a", "1")]
    centre.wait(2)
    assert centre.offered[1:] == [("b", "2")]
    centre.wait(30)
    assert centre.offered[2:] == [("c", "3")]


def test_linear_asks_in_the_order_of_the_file_and_rrmemory_goes_on_behind_the_last(tmp_path: Path) -> None:
    members = "member=PJSIP/z\nmember=PJSIP/a\nmember=PJSIP/m\n"
    centre = Centre(imported(tmp_path, f"[q]\nstrategy=linear\n{members}"))
    for name in ("1", "2", "3"):
        centre.call(name, "q")
    assert [agent for _, agent in centre.offered] == ["z", "a", "m"]
    centre = Centre(imported(tmp_path, f"[q]\nstrategy=rrmemory\nretry=600\n{members}"))
    centre.call("1", "q")
    for offer, agent in (("1.1", "z"), ("1.2", "a")):
        centre.decline(offer, agent)
    centre.call("2", "q")
    assert centre.offered == [("1", "z"), ("1", "a"), ("1", "m"), ("2", "z")]


def test_ringall_rings_all(tmp_path: Path) -> None:
    centre = Centre(imported(tmp_path, "[q]\nmember=PJSIP/1\nmember=PJSIP/2\nmember=PJSIP/3\n"))
    centre.call("x", "q")
    assert sorted(centre.offered) == [("x", "1"), ("x", "2"), ("x", "3")]


@pytest.mark.parametrize(("weights", "first"), [((0, 5), "b"), ((5, 0), "a")])
def test_the_heavier_queue_is_served_first(weights: tuple[int, int], first: str, tmp_path: Path) -> None:
    text = "".join(
        f"[{name}]\nstrategy=linear\nweight={weight}\nmember=PJSIP/1\n"
        for name, weight in zip("ab", weights, strict=True)
    )
    centre = Centre(imported(tmp_path, f"[o]\nstrategy=linear\nmember=PJSIP/1\n{text}"))
    centre.call("busy", "o")
    centre.call("call-a", "a")
    centre.call("call-b", "b")
    centre.decline("busy.1", "1")
    assert centre.offered[1][0] == f"call-{first}"


@pytest.mark.parametrize("member", ["PJSIP/anna", "Local/anna@from-queue/n,0,Anna Au,hint:anna@ext-local"])
async def test_a_call_reaches_the_phone_that_app_queue_would_have_rung(
    member: str, provisioned: Provisioned, tmp_path: Path
) -> None:
    text = imported(tmp_path, f"[6000]\nstrategy=rrmemory\nmember={member}\n")
    behaviour = AgentBehaviour(ring_ms=50, talk_ms=200, hang_up_chance=1.0)
    dialplan = (EXAMPLES / "extensions.conf").read_text() + "\n[from-queue]\nexten => anna,1,Dial(PJSIP/anna)\n"
    async with rig(provisioned, tmp_path, [Agent("anna", behaviour)], dialplan=dialplan, text=text) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="6000")) as callers:
            completed = await it.event(InteractionCompleted)
            (caller,) = await callers.finished(seconds=5)
        await it.empty()
        (dialog,) = it.phones.dialogs()
    assert (completed.agent_id, completed.by) == ("anna", "agent")
    assert (dialog.agent, dialog.caller, caller.how) == ("anna", "10001", "pbx")
