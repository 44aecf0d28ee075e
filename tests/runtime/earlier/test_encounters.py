"""What becomes of events: who took part, how it ended, and what is remembered no longer."""

from typing import Any

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    Command,
    CoreSettings,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    QueueSettings,
    SetDisposition,
    SignInAgent,
    TransferInteraction,
    UpdateInteraction,
)
from acd.runtime.earlier.encounters import Encounter, Encounters
from acd.runtime.events import Told

SETTINGS = CoreSettings(
    agents=(AgentSettings("anna"), AgentSettings("boris")),
    queues=(QueueSettings("sales", wrap_up_us=60_000_000, dispositions=("sold",)), QueueSettings("support")),
)


class Played:
    """An engine whose events are taken in."""

    def __init__(self) -> None:
        self.engine = Engine("test")
        self.encounters = Encounters()
        self.at_us = 1_000_000
        self.told: list[Told] = []
        self.play(ApplyConfig("c", SETTINGS))

    def play(self, *commands: Command) -> None:
        for command in commands:
            self.at_us += 1_000_000
            outcome = self.engine.apply(command, self.at_us)
            assert outcome.refusal is None, outcome.refusal
            for index, event in enumerate(outcome.events):
                told = Told(len(self.told) + 1, index, self.at_us, event)
                self.told.append(told)
                self.encounters.take(told)

    def row(self, interaction: str = "c1") -> Encounter:
        return self.encounters.open[interaction]

    def parts(self) -> list[tuple[str, str, bool]]:
        return [(part.agent_id, part.disposition, part.working) for part in self.row().parts]


def arrives(name: str = "c1", customer: str = "cu_1", **more: Any) -> EnqueueInteraction:  # noqa: ANN401
    return EnqueueInteraction(f"e-{name}", name, "voice", "sales", customer=customer, **more)


def test_a_call_with_a_transfer_names_both_and_how_each_part_ended() -> None:
    it = Played()
    it.play(SignInAgent("s1", "anna", ready=True), arrives(), AcceptOffer("a1", "c1.1", "anna"))
    it.play(SetDisposition("d1", "anna", "c1", "sold"), SignInAgent("s2", "boris", ready=True))
    it.play(TransferInteraction("t", "c1", "anna", "support", "boris"), AcceptOffer("a2", "c1.2", "boris"))
    assert it.row().queue == "support"
    assert it.parts() == [("anna", "sold", True), ("boris", "", True)]
    it.play(EndInteraction("x", "c1", by="agent", reason="done"))
    row = it.row()
    assert (row.state, row.by, row.reason, row.ended_us) == ("completed", "agent", "done", it.at_us)
    assert row.talked_us > 0
    assert not row.is_settled
    it.play(EndWrapUp("w", "anna", "c1"))
    assert it.row().is_settled
    it.encounters.changed.clear()
    it.encounters.settled()
    assert it.encounters.open == {}


def test_whoever_gives_up_was_served_by_nobody() -> None:
    it = Played()
    it.play(arrives(), EndInteraction("x", "c1", by="customer", reason="left"))
    assert (it.row().state, it.row().parts, it.row().is_settled) == ("abandoned", [], True)


def test_who_the_customer_is_may_be_known_later() -> None:
    it = Played()
    it.play(arrives(customer=""), UpdateInteraction("u", "c1", customer="cu_9"))
    assert it.row().customer == "cu_9"


def test_advice_among_agents_is_no_conversation_of_the_customers() -> None:
    it = Played()
    it.play(SignInAgent("s1", "anna", ready=True), arrives(), AcceptOffer("a1", "c1.1", "anna"))
    it.play(EnqueueInteraction("e-q", "q1", "voice", "support", parent="c1"))
    assert list(it.encounters.open) == ["c1"]


def test_the_same_events_once_more_change_nothing() -> None:
    it = Played()
    it.play(SignInAgent("s1", "anna", ready=True), arrives(), AcceptOffer("a1", "c1.1", "anna"))
    it.play(EndInteraction("x", "c1", by="agent"), EndWrapUp("w", "anna", "c1"))
    again = Encounters()
    for told in (*it.told, *it.told):
        again.take(told)
    assert again.open == it.encounters.open
