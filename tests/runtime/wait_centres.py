"""Kinds of traffic on which estimated waits are judged: each a function of a seed, named for what is special in it."""

from collections.abc import Callable
from typing import Final

import acd.core.messages as m
from tests.runtime.wait_traffic import SECOND, Centre, Shift, Stream


def agents(number: int, *skills: str, capacity: m.Capacity | None = None) -> list[m.AgentSettings]:
    """Agent i has every skill but one in turn, if there are several."""
    people = []
    for index in range(number):
        held = tuple((skill, 5) for at, skill in enumerate(skills) if len(skills) == 1 or at != index % len(skills))
        people.append(m.AgentSettings(f"a{index:03}", held, capacity=capacity or m.Capacity()))
    return people


def queue(name: str, **more: object) -> m.QueueSettings:
    return m.QueueSettings(name, offer_timeout_us=60 * SECOND, max_waiting=100_000, **more)  # type: ignore[arg-type]


def one_queue(seed: int) -> Centre:
    return Centre(agents(20), [queue("a")], [Stream("a", 0.1, swing=0.3)], seed)


def steady(seed: int) -> Centre:
    return Centre(agents(20), [queue("a")], [Stream("a", 0.108)], seed)


def overload(seed: int) -> Centre:
    return Centre(agents(20), [queue("a")], [Stream("a", 0.105, swing=0.5)], seed)


def swamped(seed: int) -> Centre:
    """Half as many again as can be served: a third gives up."""
    return Centre(agents(20), [queue("a")], [Stream("a", 0.165, patience_s=300)], seed)


def few_agents(seed: int) -> Centre:
    return Centre(agents(5), [queue("a")], [Stream("a", 0.026)], seed)


def many_agents(seed: int) -> Centre:
    return Centre(agents(50), [queue("a")], [Stream("a", 0.265, swing=0.2)], seed)


def nearly_constant(seed: int) -> Centre:
    return Centre(agents(12), [queue("a")], [Stream("a", 0.064, swing=0.2, spread=0.1)], seed)


def lognormal(seed: int) -> Centre:
    return Centre(agents(20), [queue("a")], [Stream("a", 0.1, swing=0.3, spread=1.2, law="lognormal")], seed)


def bursts(seed: int) -> Centre:
    stream = Stream("a", 0.05, burst=6, period_s=3_600, spread=0.7, law="lognormal", patience_s=1_200)
    return Centre(agents(15), [queue("a")], [stream], seed)


def constant_bursts(seed: int) -> Centre:
    stream = Stream("a", 0.055, burst=6, period_s=3_600, spread=0.05, patience_s=1_200)
    return Centre(agents(15), [queue("a")], [stream], seed)


def shared_agents(seed: int) -> Centre:
    queues = [queue(name, requirement=f"skills.{name} >= 1") for name in "abc"]
    streams = [
        Stream("a", 0.05, swing=0.3),
        Stream("b", 0.06, handled_s=240, swing=0.3, period_s=5_000),
        Stream("c", 0.03, handled_s=100),
    ]
    return Centre(agents(30, "a", "b", "c"), queues, streams, seed)


def part_shared(seed: int) -> Centre:
    """Most serve one of two queues, a few both."""
    people = [
        m.AgentSettings(
            f"a{index:03}", tuple((skill, 5) for skill in ("xy" if index < 4 else "x" if index < 12 else "y"))
        )
        for index in range(20)
    ]
    queues = [queue(name, requirement=f"skills.{name} >= 1") for name in "xy"]
    streams = [Stream("x", 0.06, swing=0.4), Stream("y", 0.03, handled_s=300, spread=0.5, law="lognormal")]
    return Centre(people, queues, streams, seed)


def priorities(seed: int) -> Centre:
    streams = [Stream("plain", 0.08, swing=0.3), Stream("vip", 0.025, priority=5)]
    return Centre(agents(20), [queue("plain"), queue("vip")], streams, seed)


def bands(seed: int) -> Centre:
    streams = [Stream("plain", 0.07, swing=0.2), Stream("first", 0.03, handled_s=200)]
    return Centre(agents(20), [queue("plain"), queue("first", band=1)], streams, seed)


def several_at_once(seed: int) -> Centre:
    capacity = m.Capacity(100, (m.ChannelShare("chat", 33, 3), m.ChannelShare("voice", 100, 1)))
    streams = [Stream("chats", 0.07, handled_s=300, swing=0.3, channel="chat")]
    return Centre(agents(8, capacity=capacity), [queue("chats")], streams, seed)


def calls_and_chats(seed: int) -> Centre:
    """Agents who do one call, or up to three chats."""
    capacity = m.Capacity(100, (m.ChannelShare("chat", 33, 3), m.ChannelShare("voice", 100, 1)))
    streams = [
        Stream("calls", 0.04, swing=0.2),
        Stream("chats", 0.08, handled_s=300, channel="chat", spread=0.8, law="lognormal"),
    ]
    return Centre(agents(20, capacity=capacity), [queue("calls"), queue("chats")], streams, seed)


def shifts(seed: int) -> Centre:
    """Half go home as the other half comes, with fewer in between and a few at night."""
    plan = [Shift(f"a{index:03}", 1_800.0 + 60 * index, 13_000.0 + 60 * index) for index in range(4, 14)]
    plan += [Shift(f"a{index:03}", 12_000.0 + 60 * index, 25_000.0 + 60 * index) for index in range(14, 24)]
    stream = Stream("a", 0.07, swing=0.5, period_s=28_800, spread=0.8, law="lognormal")
    return Centre(agents(24), [queue("a")], [stream], seed, plan)


def wrap_up(seed: int) -> Centre:
    queues = [queue("a", wrap_up_us=45 * SECOND)]
    return Centre(agents(20), queues, [Stream("a", 0.1, handled_s=140, swing=0.3, spread=0.5)], seed)


def reserve(seed: int) -> Centre:
    queues = [queue("plain", reserve=3), queue("first", band=1)]
    return Centre(agents(20), queues, [Stream("plain", 0.075, swing=0.2), Stream("first", 0.015)], seed)


def levels(seed: int) -> Centre:
    """Five of another team help out after half a minute."""
    people = [
        m.AgentSettings(f"a{index:03}", levels=(("sales", 2),) if index < 5 else (("service", 2),))
        for index in range(20)
    ]
    queues = [
        queue("sales", level_delays_us=(30 * SECOND,)),
        queue("service", level_delays_us=(30 * SECOND,)),
    ]
    return Centre(people, queues, [Stream("sales", 0.075, swing=0.3), Stream("service", 0.025)], seed)


CENTRES: Final[tuple[Callable[[int], Centre], ...]] = (
    one_queue,
    steady,
    overload,
    swamped,
    few_agents,
    many_agents,
    nearly_constant,
    lognormal,
    bursts,
    constant_bursts,
    shared_agents,
    part_shared,
    priorities,
    bands,
    several_at_once,
    calls_and_chats,
    shifts,
    wrap_up,
    reserve,
    levels,
)
