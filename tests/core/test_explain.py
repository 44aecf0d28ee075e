"""Explanations agree with decisions: in random traffic the naive ranking puts first whom the engine chose."""

import pytest

import acd.core.messages as m
from acd.core.eligibility import CLAUSES
from acd.core.engine import Engine
from acd.core.explain import BY_PREFERENCE, ONLY_ONE, Decision, WitnessEngine
from acd.core.messages.settings import STRATEGIES
from acd.core.ranking import sort_key
from acd.core.verdicts import DETAILS
from tests.core.own_strategies import OWN
from tests.core.side_by_side import Pair, run, seeded

SECOND = 1_000_000


@pytest.mark.parametrize("seed", range(12))
def test_the_naive_ranking_puts_first_whom_the_engine_chose(seed: int) -> None:
    engine, decisions = watched()
    traffic = seeded(seed, scores=engine.scores)
    steps = run(traffic, Pair(engine, traffic.trees), 600)
    plain = Engine(strategies=OWN)
    made = (event for step in steps for event in plain.apply(*step).events if isinstance(event, m.OfferMade))
    # A repeated command returns its recorded outcome, with offers that were made long ago.
    offers = list({offer.offer_id: offer for offer in made}.values())
    assert [each.offer_id for each in decisions] == [offer.offer_id for offer in offers]
    assert plain.digest() == engine.digest()
    for decision, offer in zip(decisions, offers, strict=True):
        assert (decision.agent_id, decision.sought, decision.strategy) == (offer.agent_id, offer.sought, offer.strategy)
        chosen, *others = decision.candidates
        assert chosen.id == (offer.interaction_id if offer.sought == "interaction" else offer.agent_id)
        assert chosen.offerable
        assert not chosen.obstacles
        good = [each for each in others if each.offerable]
        if decision.decided_by == BY_PREFERENCE:
            continue
        assert chosen.place == 1
        assert all(sort_key(chosen.rank) < sort_key(each.rank) for each in good)
        assert (decision.decided_by == ONLY_ONE) == (not good)
        assert all(each.obstacles for each in others if not each.offerable)


@pytest.mark.parametrize("seed", range(6))
def test_whoever_waits_is_kept_from_every_agent_by_something(seed: int) -> None:
    engine, _ = watched()
    traffic = seeded(seed, disorder=0.02)
    pair = Pair(engine, traffic.trees)
    seen = 0
    for _ in range(30):
        run(traffic, pair, 20)
        for interaction in pair.model.interactions:
            account = engine.waiting(interaction.request.interaction_id)
            assert account is not None
            assert account.state == interaction.state
            if account.state == "queued":
                seen += 1
                assert account.position >= 1
                assert all(each.obstacles for each in account.candidates)
                assert all(verdict.detail for each in account.candidates for verdict in each.obstacles)
    assert seen > 20


def test_what_is_in_the_way_is_said_in_words() -> None:
    engine, _ = watched()
    agents = (
        m.AgentSettings("a1", (("english", 3),)),
        m.AgentSettings("a2", (("english", 9),)),
        m.AgentSettings("a3", (("english", 9),)),
    )
    queues = (m.QueueSettings("sales", "skills.english >= 5 && !('night' in labels)"),)
    commands: tuple[m.Command, ...] = (
        m.ApplyConfig("c", m.CoreSettings(agents, queues)),
        m.SignInAgent("in1", "a1", ready=True),
        m.SignInAgent("in2", "a2", ready=True),
        m.SignInAgent("in3", "a3", reason="lunch"),
        m.EnqueueInteraction("e1", "i1", "voice", "sales"),
        m.AcceptOffer("o1", "i1.1", "a2"),
        m.EnqueueInteraction("e2", "i2", "voice", "sales"),
    )
    for number, command in enumerate(commands):
        assert engine.apply(command, number * SECOND).refusal is None
    account = engine.waiting("i2")
    assert account is not None
    assert (account.position, account.waited_us) == (1, 0)
    assert {each.id: [verdict.detail for verdict in each.obstacles] for each in account.candidates} == {
        "a1": ["does not satisfy skills.english >= 5 (has 3)"],
        "a2": ["has 1 work items of *, 1 at most"],
        "a3": ["not-ready (lunch)"],
    }
    assert account.obstacles == (("ready", 1), ("requirement", 1), ("room", 1))
    assert engine.waiting("i9") is None


def test_a_device_that_is_in_the_way_is_named_and_until_when() -> None:
    engine, _ = watched()
    agents = (m.AgentSettings("a1"), m.AgentSettings("a2"))
    commands: tuple[m.Command, ...] = (
        m.ApplyConfig("c", m.CoreSettings(agents, (m.QueueSettings("sales"),))),
        m.SignInAgent("in1", "a1", ready=True),
        m.SignInAgent("in2", "a2", ready=True),
        m.NoteDevice("d1", "a1", "voice", "in-use", 30 * SECOND),
        m.NoteDevice("d2", "a2", "voice", "unavailable", 40 * SECOND),
        m.EnqueueInteraction("e1", "i1", "voice", "sales"),
    )
    for number, command in enumerate(commands):
        assert engine.apply(command, number * SECOND).refusal is None
    account = engine.waiting("i1")
    assert account is not None
    assert account.obstacles == (("device", 2),)
    found = {each.id: (each.obstacles[0].detail, each.obstacles[0].until_us) for each in account.candidates}
    assert found == {"a1": ("device in use", 33 * SECOND), "a2": ("device unavailable", 44 * SECOND)}


def test_a_reserve_says_how_many_are_free() -> None:
    engine, _ = watched()
    queues = (m.QueueSettings("sales", reserve=2),)
    agents = (m.AgentSettings("a1"), m.AgentSettings("a2"))
    engine.apply(m.ApplyConfig("c", m.CoreSettings(agents, queues)), 0)
    engine.apply(m.SignInAgent("in1", "a1", ready=True), 1)
    engine.apply(m.EnqueueInteraction("e1", "i1", "voice", "sales"), 2)
    account = engine.waiting("i1")
    assert account is not None
    kept = "kept free for others: 1 could take it just now, and the last 2 are not for this queue"
    assert {each.id: [verdict.detail for verdict in each.obstacles] for each in account.candidates} == {
        "a1": [kept],
        "a2": ["signed-out", kept],
    }


def test_every_clause_and_every_strategy_can_be_explained() -> None:
    assert DETAILS.keys() == {clause.name for clause in CLAUSES}
    for strategy in (*STRATEGIES, "score:uneven"):
        engine, decisions = watched()
        queue = m.QueueSettings("sales", strategy=strategy)
        agents = (m.AgentSettings("a"), m.AgentSettings("b"))
        engine.apply(m.ApplyConfig("c", m.CoreSettings(agents, (queue,), scores=engine.scores)), 0)
        for agent in ("a", "b"):
            engine.apply(m.SignInAgent(f"in-{agent}", agent, ready=True), 1)
        engine.apply(m.EnqueueInteraction("e", "i1", "voice", "sales"), 2)
        (first, *_) = decisions
        assert first.candidates[0].rank
        assert first.decided_by in {each.name for each in first.candidates[0].rank}


def test_who_is_preferred_and_why_is_said() -> None:
    engine, decisions = watched()
    queue = m.QueueSettings("sales", affinity_us=SECOND, dedicated_attribute="manager", hold_for_us=SECOND)
    commands: tuple[m.Command, ...] = (
        m.ApplyConfig("c", m.CoreSettings((m.AgentSettings("anna"), m.AgentSettings("ben")), (queue,))),
        m.SignInAgent("in1", "anna", ready=True),
        m.SignInAgent("in2", "ben", ready=True),
        m.EnqueueInteraction("e1", "i1", "voice", "sales", customer="cu", preferred_agent="anna"),
        m.AcceptOffer("a1", "i1.1", "anna"),
        m.EndInteraction("x1", "i1"),
        m.EnqueueInteraction("e2", "i2", "voice", "sales", customer="cu"),
        m.EnqueueInteraction("e3", "i3", "voice", "sales", attributes=(("manager", "anna"),)),
        m.EnqueueInteraction("e4", "i4", "voice", "sales"),
    )
    for number, command in enumerate(commands):
        assert engine.apply(command, number).refusal is None
    said = [(each.agent_id, each.sought, each.preferred, each.preferred_by) for each in decisions]
    assert said == [
        ("anna", "preferred", "anna", "request"),
        ("anna", "preferred", "anna", "last-agent"),
        ("ben", "agent", "", ""),
    ]
    waiting = engine.waiting("i3")
    assert waiting is not None
    assert (waiting.preferred, waiting.preferred_by) == ("anna", "dedicated")


def watched() -> tuple[WitnessEngine, list[Decision]]:
    """An engine, and what it will have said about every offer."""
    engine = WitnessEngine(strategies=OWN)
    decisions: list[Decision] = []
    engine.watch(lambda _offer_id: True, decisions.append)
    return engine, decisions
