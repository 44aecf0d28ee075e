"""Strategies of one's own: how often their functions are called, what their faults do, and that their code is known."""

import pytest

from acd.core import limits
from acd.core.engine import Engine
from acd.core.messages import (
    AgentSettings,
    ApplyConfig,
    CoreSettings,
    Demand,
    EnqueueInteraction,
    OfferMade,
    Preference,
    Profile,
    QueueSettings,
    Score,
    SignInAgent,
)
from acd.core.messages.scoring import ScoreFunction
from acd.core.pools.scored import score_of
from acd.errors import StrategyError

DEMAND = Demand("voice", ("english",))
AGENTS = (
    AgentSettings("anna", (("english", 5), ("billing", 2)), ("vip",), ("sales",)),
    AgentSettings("ben", (("billing", 2), ("english", 5)), ("vip",), ("sales",)),
    AgentSettings("chloe", (("english", 9),)),
)
QUEUE = QueueSettings("sales", requirement="skills.english >= 1", strategy="score:own")


def started(function: ScoreFunction, *, queue: QueueSettings = QUEUE) -> Engine:
    """Everybody has signed in, in the order of their names."""
    engine = Engine(strategies={"own": Score(function, "code-1")})
    outcome = engine.apply(ApplyConfig("c0", CoreSettings(AGENTS, (queue,), scores=engine.scores)), 0)
    assert outcome.refusal is None
    for number, agent in enumerate(AGENTS):
        engine.apply(SignInAgent(f"s{number}", agent.id, ready=True), number)
    return engine


def asked(engine: Engine, number: int, preferences: tuple[Preference, ...] = ()) -> str:
    """Whom another interaction is offered to."""
    command = EnqueueInteraction(f"e{number}", f"i{number}", "voice", "sales", preferences=preferences)
    made = [event for event in engine.apply(command, 10 + number).events if isinstance(event, OfferMade)]
    assert made[0].strategy == "score:own"
    return made[0].agent_id


def test_a_function_is_called_once_for_each_class_and_profile() -> None:
    calls: list[tuple[Demand, Profile]] = []

    def by_breadth(demand: Demand, profile: Profile) -> int:
        calls.append((demand, profile))
        return len(profile.skills)

    engine = started(by_breadth)
    assert [asked(engine, number) for number in range(3)] == ["anna", "ben", "chloe"]
    alike = Profile((("billing", 2), ("english", 5)), ("vip",), ("sales",))
    assert calls == [(DEMAND, alike), (DEMAND, Profile((("english", 9),)))]


def test_preferences_are_part_of_the_demand() -> None:
    demands: list[Demand] = []

    def note(demand: Demand, _profile: Profile) -> int:
        demands.append(demand)
        return 0

    wish = Preference("billing", 3)
    asked(started(note), 1, (wish,))
    assert set(demands) == {Demand("voice", ("english",), (wish,))}


def test_fit_then_idle_time_break_ties() -> None:
    engine = started(lambda _demand, _profile: 7)
    assert [asked(engine, number) for number in range(3)] == ["chloe", "anna", "ben"]


@pytest.mark.parametrize("said", [None, "1", 1.0, True, limits.MAX_SCORE + 1, -limits.MAX_SCORE - 1], ids=repr)
def test_anything_but_an_integer_in_range_is_the_least_score(said: object) -> None:
    assert score_of(lambda _demand, _profile: said, DEMAND, Profile(())) == -limits.MAX_SCORE  # type: ignore[arg-type,return-value]


def test_a_function_that_raises_gives_the_least_score_and_stops_nothing() -> None:
    def picky(_demand: Demand, profile: Profile) -> int:
        return 1 // (len(profile.skills) - 1)

    assert score_of(picky, DEMAND, Profile((("english", 9),))) == -limits.MAX_SCORE
    engine = started(picky)
    assert [asked(engine, number) for number in range(3)] == ["anna", "ben", "chloe"]


def test_a_state_is_only_restored_with_the_same_code() -> None:
    def fixed(_demand: Demand, _profile: Profile) -> int:
        return 0

    state = started(fixed).state()
    with pytest.raises(StrategyError, match="was not given the strategy score:own"):
        Engine.from_state(state)
    with pytest.raises(StrategyError, match="the code of score:own is not what"):
        Engine.from_state(state, strategies={"own": Score(fixed, "code-2")})
    again = Engine.from_state(state, strategies={"own": Score(fixed, "code-1"), "unused": Score(fixed, "")})
    assert again.state() == state
    assert asked(again, 1) == "chloe"


def test_a_configuration_names_what_this_engine_was_given() -> None:
    engine = Engine(strategies={"own": Score(lambda _demand, _profile: 0, "code-1")})
    assert engine.scores == (("own", "code-1"),)
    codes = []
    for number, settings in enumerate(
        (
            CoreSettings(queues=(QUEUE,)),
            CoreSettings(queues=(QUEUE,), scores=(("other", "code-1"),)),
            CoreSettings(queues=(QUEUE,), scores=(("own", "code-2"),)),
            CoreSettings(queues=(QUEUE,), scores=(("own", "code-1"), ("own", "code-1"))),
            CoreSettings(queues=(QUEUE,), scores=(("own", "code-1"),)),
        )
    ):
        refusal = engine.apply(ApplyConfig(f"c{number}", settings), 0).refusal
        codes.append(refusal and refusal.code)
    assert codes == ["unknown-strategy", "unknown-strategy", "strategy-changed", "duplicate-entity", None]
