"""The analysis agrees with brute force: every agent there could be is tried, and engines in which time passes."""

import itertools
from random import Random

import msgspec
import pytest

import acd.core.messages as m
from acd.core.engine import Engine
from acd.core.requirement import parse
from acd.runtime.config.analysis import satisfiable
from acd.runtime.config.analysis.satisfiable import can_fail, can_hold
from acd.runtime.config.analysis.staff import Staff
from acd.runtime.config.analysis.stages import offered
from acd.runtime.config.analysis.study import Study
from acd.runtime.config.problems import Problems
from tests.core.naive_requirement import Tree, holds, names_of, random_tree, render, skills_of
from tests.core.own_strategies import OWN
from tests.core.traffic_settings import CHANNELS, SECOND, SettingsTraffic

MAX_TICKS = 300


@pytest.mark.parametrize("worlds", [satisfiable.MAX_WORLDS, 0])
def test_a_requirement_can_hold_if_it_does_for_some_agent_there_could_be(
    worlds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(satisfiable, "MAX_WORLDS", worlds)
    random = Random(7)  # noqa: S311 - traffic
    seen = {True: 0, False: 0}
    for _ in range(400):
        # Few names and many tests of each, so that they often contradict each other.
        tree = random_tree(random, ("a", "b"), ("vip",), ("q",), depth=3)
        node = parse(render(tree)).tree
        verdicts = {holds(tree, *agent) for agent in everybody(tree)}
        assert (can_hold(node), can_fail(node)) == (True in verdicts, False in verdicts), render(tree)
        seen[len(verdicts) == 2] += 1
    assert min(seen.values()) > 30


def test_nothing_is_said_against_what_would_take_too_long() -> None:
    hard = " && ".join(f"(skills.a{n} > 3 || skills.b{n % 3} == {n} || skills.c{n % 5} < 2)" for n in range(8))
    assert can_hold(parse(hard).tree)
    assert can_fail(parse(hard).tree)


def test_nobody_can_ever_be_offered_if_no_engine_ever_does() -> None:
    """Everybody is ready and nobody has anything to do: one interaction comes in, and time passes."""
    seen = {True: 0, False: 0}
    for seed in range(400):
        random = Random(seed)  # noqa: S311 - traffic
        settings = with_steps(SettingsTraffic(random, disorder=0).settings, random)
        study = Study(Problems("acd.toml"), Staff(settings.agents), settings.queues)
        for queue in settings.queues:
            found = bool(offered(queue, study.stages[queue.id], study.staff).any())
            assert found == is_ever_offered(settings, queue.id), f"seed {seed}, queue {queue.id}"
            seen[found] += 1
    assert seen[True] > 100
    assert seen[False] > 30


def everybody(tree: Tree) -> list[tuple[dict[str, int], list[str], list[str]]]:
    """Every agent that there could be, as far as the names of the tree go."""
    skills, labels, queues = skills_of(tree), names_of(tree, "label"), names_of(tree, "queue")
    return [
        (
            dict(zip(skills, levels, strict=True)),
            list(itertools.compress(labels, some)),
            list(itertools.compress(queues, others)),
        )
        for levels in itertools.product(range(11), repeat=len(skills))
        for some in itertools.product((0, 1), repeat=len(labels))
        for others in itertools.product((0, 1), repeat=len(queues))
    ]


def with_steps(settings: m.CoreSettings, random: Random) -> m.CoreSettings:
    """Scarce skills, and steps, levels and ways out that matter: else nearly everything can be offered at once."""
    texts = ("skills.english >= 9", "skills.billing >= 9 && skills.english >= 9", "false", "skills.english > 5", "")
    ids = [queue.id for queue in settings.queues]
    queues = []
    for queue in settings.queues:
        times_us = sorted(random.sample((SECOND, 4 * SECOND, 26 * SECOND, 70 * SECOND), random.choice((0, 1, 1, 2))))
        steps = tuple(
            m.Step(at_us, random.choice(texts), queues=tuple(random.sample(ids, random.choice((0, 0, 1)))))
            for at_us in times_us
        )
        changed = msgspec.structs.replace(
            queue, steps=steps, requirement=random.choice((queue.requirement, *texts[:3]))
        )
        if random.random() < 0.4:
            changed = msgspec.structs.replace(changed, when_unstaffed=m.Action("release"))
        queues.append(changed)
    agents = tuple(
        msgspec.structs.replace(agent, levels=tuple((each, random.choice((1, 2, 3))) for each in ids))
        for agent in settings.agents
    )
    return msgspec.structs.replace(settings, agents=agents, queues=tuple(queues))


def is_ever_offered(settings: m.CoreSettings, queue_id: str) -> bool:
    queue = next(queue for queue in settings.queues if queue.id == queue_id)
    actions = (queue.when_closed, queue.when_unstaffed, queue.when_full, queue.when_overdue)
    comers = [m.EnqueueInteraction("come", "i", channel, queue_id) for channel in (*CHANNELS, "other")]
    if any(action.kind == "callback" for action in actions):
        comers += [msgspec.structs.replace(each, kind="callback", customer="c") for each in comers]
    return any(is_offered(settings, each) for each in comers)


def is_offered(settings: m.CoreSettings, come: m.EnqueueInteraction) -> bool:
    """Whether whoever comes in is offered to anybody before they leave the queue. Who is called answers at once."""
    engine = Engine(strategies=OWN)
    assert not engine.apply(m.ApplyConfig("config", settings), 0).refusal
    for agent in settings.agents:
        engine.apply(m.SignInAgent(f"in-{agent.id}", agent.id, ready=True), 0)
    events = engine.apply(come, 0).events
    for number in range(MAX_TICKS):
        for event in events:
            if isinstance(event, m.OfferMade):
                return True
            if isinstance(event, m.InteractionMoved | m.InteractionOverflowed):
                return False
        called = [event.attempt for event in events if isinstance(event, m.CustomerCalled)]
        if called:
            events = engine.apply(m.NoteReached(f"there-{number}", "i", called[0]), engine.now_us).events
            continue
        due_us = engine.next_deadline()
        if due_us is None:
            return False
        events = engine.apply(m.Tick(f"tick-{number}"), due_us).events
    raise AssertionError("something is always due")
