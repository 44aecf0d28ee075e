"""Random configurations and requirements for the random commands of `traffic`.

Owns what is likely in a configuration. Must not know engines, nor what is asked of them.
"""

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar, get_args

import msgspec

import acd.core.messages as m
from acd.core import limits
from acd.core.messages.settings import STRATEGIES, ConditionKind, ConditionOp
from tests.core.naive_requirement import Tree, random_tree, render
from tests.core.traffic_entry import entry_settings

SECOND: Final = 1_000_000
SKILLS: Final = ("english", "billing", "客服")
LABELS: Final = ("vip", "night")
CHANNELS: Final = ("voice", "chat", "email")
UNREADABLE: Final = ("skills.english", "skills.english >= ", "english >= 3", "((", "true and false")

CAPACITIES: Final = (
    m.Capacity(),
    m.Capacity(),
    m.Capacity(100, (m.ChannelShare("voice", 100), m.ChannelShare("chat", 33, 3), m.ChannelShare("email", 10, 2))),
    m.Capacity(100, (m.ChannelShare("voice", 60), m.ChannelShare("chat", 20, 2))),
    m.Capacity(100, (m.ChannelShare("voice", 40), m.ChannelShare("chat", 5, 6), m.ChannelShare("email", 30, 2))),
    m.Capacity(7, (m.ChannelShare("*", 2, 9), m.ChannelShare("voice", 3, 2))),
    m.Capacity(100, (m.ChannelShare("voice", 101), m.ChannelShare("*", 50, 2))),
    m.Capacity(100, (m.ChannelShare("*", 1, 4),)),
    m.Capacity(3, ()),
    m.Capacity(100, (m.ChannelShare("voice", 100, 1, ("chat", "email")), m.ChannelShare("*", 100, 2))),
    m.Capacity(100, (m.ChannelShare("*", 30, 3, ("email",)), m.ChannelShare("voice", 60, 2, ("*",)))),
)

T = TypeVar("T")

Scores = tuple[tuple[str, str], ...]
"""(name, code hash) of strategies of one's own."""


class SettingsTraffic:
    """Draws configurations. `trees` is what the model needs to understand their requirements."""

    def __init__(
        self, random: Random, *, agents: int | None = None, disorder: float = 0.1, scores: Scores = ()
    ) -> None:
        """`disorder` is the share of commands that name anything, fitting or not; `scores` are the engine's."""
        self.random = random
        self.given = scores
        self.disorder = disorder
        count = agents if agents is not None else random.choice((1, 2, 3, 4, 5, 7))
        self.agent_ids = [f"a{number}" for number in range(count)]
        self.queue_ids = [f"q{number}" for number in range(random.choice((1, 2, 3, 4)))]
        self.trees: dict[str, Tree] = {"true": ("const", True)}
        self.texts = ["true", *(self._requirement() for _ in range(5))]
        self.favourite = random.choice((*STRATEGIES, *_own(scores)))
        self.settings = self._settings()

    def _settings(self) -> m.CoreSettings:
        agents = tuple(self._agent_settings(each) for each in self.agent_ids if self._chance(0.93))
        scores = self.given if self._chance(0.8) else self.given[:1]
        named = [each for each in self.queue_ids if self._chance(0.93)]
        queues = tuple(self._queue_settings(each, scores, named) for each in named)
        if self._chance(0.3):
            # Queues that are alike share their classes; but never their turns.
            common = self._queue_settings("q", scores)
            strategy = self.random.choice((common.strategy, common.strategy, "round-robin"))
            queues = tuple(
                msgspec.structs.replace(
                    each, requirement=common.requirement, strategy=strategy, band=common.band, steps=()
                )
                for each in queues
            )
        return m.CoreSettings(agents, tuple(_widened_to_known(each, queues) for each in queues), scores=scores)

    def _agent_settings(self, agent_id: str) -> m.AgentSettings:
        return m.AgentSettings(
            agent_id,
            tuple((skill, self.random.randint(1, 10)) for skill in SKILLS if self._chance(0.6)),
            tuple(label for label in LABELS if self._chance(0.5)),
            tuple(queue for queue in self.queue_ids if self._chance(0.5)),
            self.random.choice(CAPACITIES),
            self.random.choice((0, 0, 1, 2)),
            tuple((queue, self.random.choice((1, 2, 2, 3, 10))) for queue in self.queue_ids if self._chance(0.25)),
        )

    def _queue_settings(self, queue_id: str, scores: Scores, queue_ids: Sequence[str] = ()) -> m.QueueSettings:
        choice = self.random.choice
        strategies = (*STRATEGIES, *_own(scores))
        return m.QueueSettings(
            queue_id,
            requirement=choice(("true", "true", "", "  ")) if self._chance(0.4) else choice(self.texts),
            strategy=self.favourite if self.favourite in strategies and self._chance(0.4) else choice(strategies),
            fit_weight_us=choice((0, SECOND // 7, 10 * SECOND)),
            offer_timeout_us=choice((1, 5 * SECOND, 20 * SECOND, 20 * SECOND + 1)),
            retry_after_us=choice((0, 7 * SECOND, 30 * SECOND)),
            wrap_up_us=choice((0, 0, 9 * SECOND, 30 * SECOND)),
            head_start_us=choice((0, 1, 60 * SECOND)),
            late_us=choice((0, 2 * SECOND, 2 * SECOND, 900 * SECOND)),
            rona=choice(("not-ready", "stay-ready")),
            max_waiting=choice((1, 3, 10_000, 10_000, 10_000)),
            ordering=choice(("head-start", "head-start", "strict", "due")),
            target_us=choice((0, 40 * SECOND)),
            band=choice((5, 5, 5, 1, 10)),
            level_delays_us=choice(((), (), (5 * SECOND,), (0, 7 * SECOND), (3 * SECOND, SECOND, 30 * SECOND))),
            steps=self._steps(),
            reserve=choice((0, 0, 0, 1, 1, 2)),
            hold_for_us=choice((0, 3 * SECOND, 30 * SECOND, 30 * SECOND)),
            broadcast=choice((2, 2, 3, 5, limits.MAX_BROADCAST)),
            **entry_settings(self.random, queue_id, queue_ids),
            wrap_up_policy=choice(
                ("timed", "timed", "timed", "none", "optional", "optional", "forced", "extended", "extended")
            ),
            wrap_up_most_us=choice((0, 20 * SECOND, 60 * SECOND, 60 * SECOND)),
            dispositions=choice(((), ("solved", "other"), ("solved",))),
            disposition_required=self._chance(0.25),
            affinity_us=choice((0, 0, 1, 20 * SECOND, 900 * SECOND)) if self._chance(0.5) else 0,
            dedicated_attribute=choice(("", "", "", "manager")),
            callback_channel=choice(("", "pbx")),
            callback_medium=choice(("", "voice", "chat")),
            callback_first=choice(("agent", "customer")),
            callback_ahead=choice((1, 1, 2, 5)),
            callback_reach_us=choice((1, 20 * SECOND, 60 * SECOND)),
        )

    def _steps(self) -> tuple[m.Step, ...]:
        """A few steps for some queues; the wider ones only to queues that are certainly there."""
        times = sorted(
            self.random.sample((1, SECOND, 4 * SECOND, 9 * SECOND, 30 * SECOND), self.random.choice((0, 0, 1, 3)))
        )
        return tuple(
            m.Step(
                after_us,
                requirement=self.random.choice(("", "", "  ", self._pick(self.texts))),
                drop_own=self._chance(0.3),
                queues=tuple(each for each in self.queue_ids[:2] if self._chance(0.4)),
                priority=self.random.choice((0, 0, 1, -2, 1_000)),
                announce=self.random.choice(("", "", "sorry")),
                when=self._condition() if self._chance(0.6) else None,
            )
            for after_us in times
        )

    def _condition(self) -> m.Condition:
        kind = self.random.choice(get_args(ConditionKind))
        values = {"estimated_wait": (0, SECOND, 20 * SECOND), "eligible_agents": (0, 1, 2), "position": (1, 2, 3, 6)}
        return m.Condition(kind, self.random.choice(get_args(ConditionOp)), self.random.choice(values[kind]))

    def _wrong_settings(self) -> m.CoreSettings:
        agent = self._agent_settings(self._anybody())
        queue = self._queue_settings(self._pick(self.queue_ids), ())
        share = m.ChannelShare("voice", 10)
        twice = m.ChannelShare("voice", 10, 1, ("chat", "chat"))
        return self.random.choice(
            (
                m.CoreSettings((agent,), (queue,), semantics=2),
                m.CoreSettings((agent, agent), (queue,)),
                m.CoreSettings((agent,), (queue, queue)),
                m.CoreSettings((m.AgentSettings("a0", (("english", 3), ("english", 4))),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", (), ("vip", "vip")),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", (), (), ("q0", "q0")),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", levels=(("q0", 1), ("q0", 2))),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", capacity=m.Capacity(100, (share, share))),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", capacity=m.Capacity(100, (twice,))),), (queue,)),
                m.CoreSettings((agent,), (m.QueueSettings("q0", dispositions=("solved", "solved")),)),
                m.CoreSettings((agent,), (m.QueueSettings("q0", requirement=self._pick(UNREADABLE)),)),
                m.CoreSettings((agent,), (m.QueueSettings("q0", when_overdue=m.Action("refuse")),)),
                m.CoreSettings(
                    (agent,), (m.QueueSettings("q0", when_full=m.Action("queue", self._pick(("q0", "q8")))),)
                ),
                m.CoreSettings((agent,), (m.QueueSettings("q0", strategy=self._pick(("fastest", "score:uneven"))),)),
                m.CoreSettings((agent,), (queue,), scores=(("unheard-of", "hash"),)),
                m.CoreSettings((agent,), (queue,), scores=(("uneven", "another-hash"),)),
                m.CoreSettings((), (), scores=(("faulty", "another-hash"), ("unheard-of", "hash"))),
                m.CoreSettings((agent,), (queue,), scores=(("uneven", "hash-uneven"), ("uneven", "hash-uneven"))),
                m.CoreSettings((agent,), (m.QueueSettings("q0", steps=(m.Step(1, self._pick(UNREADABLE)),)),)),
                m.CoreSettings((agent,), (m.QueueSettings("q0", steps=(m.Step(1, queues=("q-unheard-of",)),)),)),
                m.CoreSettings((agent,), (m.QueueSettings("q0", steps=(m.Step(5), m.Step(5))),)),
            )
        )

    def _own_requirement(self) -> str:
        dice = self.random.random()
        if dice < 0.6:
            return ""
        if dice < 0.9:
            return self._pick(self.texts)
        if dice < 0.97:
            return self._requirement()
        return self._pick((*UNREADABLE, "  "))

    def _requirement(self) -> str:
        tree = random_tree(self.random, SKILLS, LABELS, self.queue_ids, depth=self.random.choice((0, 1, 1, 2)))
        text = render(tree, self.random)
        self.trees[text] = tree
        return text

    # ---- dice

    def _anybody(self) -> str:
        return self.random.choice([*self.agent_ids, "a-unheard-of"])

    def _pick(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def _one(self, choices: list[T]) -> T | None:
        return self.random.choice(choices) if choices else None

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _stray(self) -> bool:
        return self._chance(self.disorder)


def _own(scores: Scores) -> tuple[str, ...]:
    return tuple(f"score:{name}" for name, _ in scores)


def _widened_to_known(queue: m.QueueSettings, queues: Sequence[m.QueueSettings]) -> m.QueueSettings:
    """The queue with steps that name only queues that are there."""
    names = [each.id for each in queues]
    steps = tuple(
        msgspec.structs.replace(step, queues=tuple(each for each in step.queues if each in names))
        for step in queue.steps
    )
    return msgspec.structs.replace(queue, steps=steps)
