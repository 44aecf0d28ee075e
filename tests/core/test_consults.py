"""What the run beside the naive model is too short for: a merged consult whose work outlasts the memory of its id."""

import pytest

import acd.core.messages as m
from acd.core import invariants, limits
from acd.core.engine import Engine
from acd.core.messages.codec import encode
from tests.core.side_by_side import decode_state

AGENTS = tuple(m.AgentSettings(name) for name in ("anna", "ben", "cleo"))


def conference() -> Engine:
    """Anna talks with a customer, and Ben, whom she has asked in consult q1; everybody has forgotten that q1 was."""
    engine = Engine()
    commands: tuple[m.Command, ...] = (
        m.ApplyConfig("config", m.CoreSettings(AGENTS, (m.QueueSettings("sales"),))),
        m.SignInAgent("in-anna", "anna", ready=True),
        m.EnqueueInteraction("e1", "c1", "voice", "sales"),
        m.AcceptOffer("a1", "c1.1", "anna"),
        m.SignInAgent("in-ben", "ben", ready=True),
        m.EnqueueInteraction("e2", "q1", "voice", "sales", parent="c1"),
        m.AcceptOffer("a2", "q1.1", "ben"),
        m.MergeConsult("m1", "q1", "anna", "conference"),
        m.EnqueueInteraction("e3", "c2", "voice", "sales"),
        m.EndInteraction("x3", "c2"),
        m.SignInAgent("in-cleo", "cleo", ready=True),
    )
    for now_us, command in enumerate(commands):
        assert engine.apply(command, now_us).refusal is None
    assert [name for name, _ in engine.state().ended_interactions] == ["c2"]
    return engine


def again(engine: Engine) -> Engine:
    """Made again from its state."""
    return Engine.from_state(decode_state(encode(engine.state())))


@pytest.mark.parametrize("restored", [False, True])
def test_the_id_of_a_merged_consult_names_nothing_else_while_its_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, *, restored: bool
) -> None:
    monkeypatch.setattr(limits, "ENDED_WINDOW", 1)
    engine = again(conference()) if restored else conference()
    early = engine.apply(m.EnqueueInteraction("e4", "q1", "voice", "sales"), 20)
    assert early.refusal is not None
    assert early.refusal.code == "duplicate-interaction"
    engine.apply(m.LeaveInteraction("l1", "c1", "ben"), 21)
    invariants.check(engine)
    assert engine.apply(m.EnqueueInteraction("e5", "q1", "voice", "sales"), 22).refusal is None
    invariants.check(engine)


def test_who_leaves_a_conference_while_a_consult_about_it_rings_may_be_asked_again() -> None:
    roomy = m.Capacity(100, (m.ChannelShare("voice", 10, 5),))
    agents = tuple(m.AgentSettings(name, capacity=roomy) for name in ("anna", "ben"))
    engine = Engine()
    commands: tuple[m.Command, ...] = (
        m.ApplyConfig("config", m.CoreSettings(agents, (m.QueueSettings("sales", retry_after_us=0),))),
        m.SignInAgent("in-anna", "anna", ready=True),
        m.EnqueueInteraction("e1", "c1", "voice", "sales"),
        m.AcceptOffer("a1", "c1.1", "anna"),
        m.SignInAgent("in-ben", "ben", ready=True),
        m.EnqueueInteraction("e2", "q1", "voice", "sales", parent="c1"),
        m.EnqueueInteraction("e3", "q2", "voice", "sales", parent="c1"),
        m.AcceptOffer("a2", "q1.1", "ben"),
        m.MergeConsult("m1", "q1", "anna", "conference"),
        m.LeaveInteraction("l1", "c1", "ben"),
        m.DeclineOffer("d1", "q2.1", "ben"),
    )
    for now_us, command in enumerate(commands):
        assert engine.apply(command, now_us).refusal is None
        invariants.check(engine)
    again_offered = engine.apply(m.Tick("t1"), len(commands))
    assert [each.offer_id for each in again_offered.events if isinstance(each, m.OfferMade)] == ["q2.2"]
    invariants.check(engine)
