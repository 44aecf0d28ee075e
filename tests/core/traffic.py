"""Random commands for the engine: a world of agents and queues, and what happens in it, from one source of randomness.

Owns what is likely. Looks at the naive model only, never at an engine, so that every engine gets the same commands.
`random` may be a seeded `Random` or Hypothesis' own, which shrinks.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

import acd.core.messages as m
from tests.core.naive_model import Model
from tests.core.naive_requirement import Tree, random_tree, render
from tests.core.naive_rules import Agent, Interaction, Work

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
    m.Capacity(7, (m.ChannelShare("*", 2, 9), m.ChannelShare("voice", 3, 2))),
    m.Capacity(100, (m.ChannelShare("voice", 101), m.ChannelShare("*", 50, 2))),
    m.Capacity(100, (m.ChannelShare("*", 1, 4),)),
    m.Capacity(3, ()),
)

WEIGHTS: Final[dict[str, float]] = {
    "enqueue": 18,
    "accept": 15,
    "decline": 4,
    "fail": 4,
    "end": 11,
    "cancel": 3,
    "requeue": 3,
    "hold": 4,
    "resume": 3,
    "end_wrap_up": 4,
    "set_presence": 7,
    "sign_in": 6,
    "sign_out": 2,
    "tick": 5,
    "apply_config": 1.5,
    "recover": 0.7,
    "repeat": 1.5,
}

T = TypeVar("T")


class Traffic:
    """One world. `trees` is what the model needs to understand its requirements."""

    def __init__(self, random: Random, *, agents: int | None = None, disorder: float = 0.1) -> None:
        """`disorder` is the share of commands that name anything, fitting or not."""
        self.random = random
        self.disorder = disorder
        count = agents if agents is not None else random.choice((1, 2, 3, 4, 5, 7))
        self.agent_ids = [f"a{number}" for number in range(count)]
        self.queue_ids = [f"q{number}" for number in range(random.choice((1, 2, 3, 4)))]
        self.trees: dict[str, Tree] = {"true": ("const", True)}
        self.texts = ["true", *(self._requirement() for _ in range(5))]
        self.settings = self._settings()
        self.now_us = random.choice((0, 1_753_000_000_123_457))
        self.commands = 0
        self.interactions = 0
        self.issued: list[m.Command] = []

    def next(self, model: Model) -> tuple[m.Command, int]:
        """The next command and its time."""
        self.commands += 1
        self._let_time_pass(model)
        command = self._first() if self.commands <= 1 + len(self.agent_ids) else self._any(model)
        self.issued = [*self.issued[-30:], command]
        return command, self.now_us

    # ---- the choice

    def _first(self) -> m.Command:
        """A configuration, and everybody comes in."""
        if self.commands == 1:
            return m.ApplyConfig(self._id(), self.settings)
        return m.SignInAgent(self._id(), self.agent_ids[self.commands - 2], ready=self._chance(0.9))

    def _any(self, model: Model) -> m.Command:
        due = model.next_deadline()
        if due is not None and due <= self.now_us and self._chance(0.6):
            return m.Tick(self._id())
        while True:
            kind = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            make: Callable[[Model], m.Command | None] = getattr(self, f"_{kind}")
            command = make(model)
            if command is not None:
                return command

    def _let_time_pass(self, model: Model) -> None:
        due = model.next_deadline()
        dice = self.random.random()
        if dice < 0.35:
            return
        if dice < 0.75:
            self.now_us += self.random.randint(1, 2 * SECOND)
        elif dice < 0.85:
            self.now_us += self.random.randint(1, 25 * SECOND)
        elif due is not None and due >= self.now_us:
            self.now_us = due + self.random.choice((-1, 0, 0, 1, 2 * SECOND, 2 * SECOND + 1)) * (due > self.now_us)

    # ---- commands; None when there is nothing of the kind to do just now

    def _enqueue(self, model: Model) -> m.Command | None:
        waiting = sum(each.state == "queued" for each in model.interactions)
        if waiting > 10 + 2 * len(self.agent_ids) and self._chance(0.8):
            return None
        self.interactions += 1
        interaction_id = f"i{self.interactions}"
        if self._stray():
            interaction_id = f"i{self.random.randint(1, self.interactions)}"
        preferences = tuple(
            m.Preference(self._pick((*SKILLS, "unheard-of")), self.random.choice((-3, 1, 1, 10, 1_000)))
            for _ in range(self.random.choice((0, 0, 0, 1, 2)))
        )
        return m.EnqueueInteraction(
            self._id(),
            interaction_id,
            self.random.choices(CHANNELS, (5, 3, 2))[0],
            self._pick((*self.queue_ids, *self.queue_ids, *self.queue_ids, "q-unheard-of")),
            requirement=self._own_requirement(),
            preferences=preferences,
            priority=self.random.choice((0, 0, 0, 0, 1, 2, -1, 1_000, -1_000)),
            attributes=(("language", "fr"),) if self._chance(0.1) else (),
            customer=self.random.choice(("", "person-1")),
            instance=self.random.choice(("pbx-1", "pbx-1", "")),
        )

    def _accept(self, model: Model) -> m.Command | None:
        work = self._work(model, "offered")
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        return m.AcceptOffer(self._id(), self._offer_id(model, work), agent_id)

    def _decline(self, model: Model) -> m.Command | None:
        work = self._work(model, "offered")
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        return m.DeclineOffer(
            self._id(), self._offer_id(model, work), agent_id, self._pick(("declined", "busy-typing"))
        )

    def _fail(self, model: Model) -> m.Command | None:
        work = self._work(model, "offered")
        if work is None:
            return None
        reason = self.random.choice(("busy", "unreachable", "failed", "failed"))
        return m.FailOffer(self._id(), self._offer_id(model, work), reason)  # type: ignore[arg-type]

    def _end(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("queued", "offered", "active", "active", "active"))
        if interaction is None:
            return None
        by = self.random.choice(("customer", "customer", "agent", "system"))
        if by == "agent" and interaction.state != "active" and not self._stray():
            by = "customer"
        return m.EndInteraction(
            self._id(),
            self._interaction_id(model, interaction),
            by,  # type: ignore[arg-type]
            self._pick(("", "hung-up")),
        )

    def _cancel(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("queued", "offered"))
        if interaction is None:
            return None
        return m.CancelInteraction(self._id(), self._interaction_id(model, interaction), "by-hand")

    def _requeue(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("active",))
        if interaction is None:
            return None
        return m.RequeueInteraction(self._id(), self._interaction_id(model, interaction), "agent-lost")

    def _hold(self, model: Model) -> m.Command | None:
        return self._on_work(model, m.HoldWork, "active")

    def _resume(self, model: Model) -> m.Command | None:
        return self._on_work(model, m.ResumeWork, "held")

    def _end_wrap_up(self, model: Model) -> m.Command | None:
        return self._on_work(model, m.EndWrapUp, "wrap-up")

    def _set_presence(self, model: Model) -> m.Command | None:
        agent = self._agent(model, ("ready", "not-ready", "not-ready", "draining"))
        if agent is None:
            return None
        ready = self._chance(0.35 if agent.presence == "ready" else 0.7)
        agent_id = self._anybody() if self._stray() else agent.settings.id
        reason = self._pick(("lunch", "training"))
        return m.SetPresence(self._id(), agent_id, "ready" if ready else "not-ready", "" if ready else reason)

    def _sign_in(self, model: Model) -> m.Command | None:
        agent = self._agent(model, ("signed-out",))
        if agent is None:
            return None
        return m.SignInAgent(
            self._id(), self._anybody() if self._stray() else agent.settings.id, ready=self._chance(0.8)
        )

    def _sign_out(self, model: Model) -> m.Command | None:
        agent = self._agent(model, ("ready", "not-ready", "draining"))
        if agent is None:
            return None
        return m.SignOutAgent(self._id(), self._anybody() if self._stray() else agent.settings.id)

    def _tick(self, _model: Model) -> m.Command:
        return m.Tick(self._id())

    def _recover(self, _model: Model) -> m.Command:
        return m.Recover(self._id(), self.random.choice((0, 5 * SECOND, 60 * SECOND)))

    def _apply_config(self, _model: Model) -> m.Command:
        if not self._stray():
            self.settings = self._settings()
            return m.ApplyConfig(self._id(), self.settings)
        return m.ApplyConfig(self._id(), self._wrong_settings())

    def _repeat(self, model: Model) -> m.Command | None:
        """The id of an earlier command: the same command, or another under its id."""
        if not self.issued:
            return None
        earlier = self.random.choice(self.issued)
        if self._chance(0.5):
            return earlier
        other = self._end(model) or self._tick(model)
        return _renamed(other, earlier.id)

    # ---- whom and what to name

    def _work(self, model: Model, *states: str) -> Work | None:
        return self._one([work for work in model.work if work.state in states or self._stray()])

    def _interaction(self, model: Model, states: Sequence[str]) -> Interaction | None:
        wanted = self.random.choice(states)
        return self._one([each for each in model.interactions if each.state == wanted or self._stray()])

    def _agent(self, model: Model, presences: Sequence[str]) -> Agent | None:
        wanted = self.random.choice(presences)
        return self._one(
            [each for each in model.agents if (each.presence == wanted and not each.retired) or self._stray()]
        )

    def _offer_id(self, model: Model, work: Work) -> str:
        if not self._stray():
            return work.offer_id
        ended = [name for name, _ in model.ended_offers]
        return self.random.choice([*ended[-8:], "i1.99", work.offer_id])

    def _interaction_id(self, model: Model, interaction: Interaction) -> str:
        if not self._stray():
            return interaction.request.interaction_id
        ended = [name for name, _ in model.ended_interactions]
        return self.random.choice([*ended[-8:], "i-unheard-of"])

    def _on_work(
        self, model: Model, kind: type[m.HoldWork | m.ResumeWork | m.EndWrapUp], state: str
    ) -> m.Command | None:
        work = self._work(model, state)
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        return kind(self._id(), agent_id, self._interaction_id(model, work.interaction))

    def _anybody(self) -> str:
        return self.random.choice([*self.agent_ids, "a-unheard-of"])

    def _id(self) -> str:
        return f"c{self.commands}"

    def _pick(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def _one(self, choices: list[T]) -> T | None:
        return self.random.choice(choices) if choices else None

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _stray(self) -> bool:
        return self._chance(self.disorder)

    # ---- configurations and requirements

    def _settings(self) -> m.CoreSettings:
        agents = tuple(self._agent_settings(each) for each in self.agent_ids if self._chance(0.93))
        queues = tuple(self._queue_settings(each) for each in self.queue_ids if self._chance(0.93))
        return m.CoreSettings(agents, queues)

    def _agent_settings(self, agent_id: str) -> m.AgentSettings:
        return m.AgentSettings(
            agent_id,
            tuple((skill, self.random.randint(1, 10)) for skill in SKILLS if self._chance(0.6)),
            tuple(label for label in LABELS if self._chance(0.5)),
            tuple(queue for queue in self.queue_ids if self._chance(0.5)),
            self.random.choice(CAPACITIES),
        )

    def _queue_settings(self, queue_id: str) -> m.QueueSettings:
        choice = self.random.choice
        return m.QueueSettings(
            queue_id,
            requirement=choice(("true", "true", "", "  ")) if self._chance(0.4) else choice(self.texts),
            strategy=choice(("longest-idle", "best-fit", "weighted")),
            fit_weight_us=choice((0, SECOND // 7, 10 * SECOND)),
            offer_timeout_us=choice((1, 5 * SECOND, 20 * SECOND, 20 * SECOND + 1)),
            retry_after_us=choice((0, 7 * SECOND, 30 * SECOND)),
            wrap_up_us=choice((0, 0, 9 * SECOND, 30 * SECOND)),
            head_start_us=choice((0, 1, 60 * SECOND)),
            late_us=choice((0, 2 * SECOND, 2 * SECOND, 900 * SECOND)),
            rona=choice(("not-ready", "stay-ready")),
            max_waiting=choice((1, 3, 10_000, 10_000, 10_000)),
        )

    def _wrong_settings(self) -> m.CoreSettings:
        agent = self._agent_settings(self._anybody())
        queue = self._queue_settings(self._pick(self.queue_ids))
        share = m.ChannelShare("voice", 10)
        return self.random.choice(
            (
                m.CoreSettings((agent,), (queue,), semantics=2),
                m.CoreSettings((agent, agent), (queue,)),
                m.CoreSettings((agent,), (queue, queue)),
                m.CoreSettings((m.AgentSettings("a0", (("english", 3), ("english", 4))),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", (), ("vip", "vip")),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", (), (), ("q0", "q0")),), (queue,)),
                m.CoreSettings((m.AgentSettings("a0", capacity=m.Capacity(100, (share, share))),), (queue,)),
                m.CoreSettings((agent,), (m.QueueSettings("q0", requirement=self._pick(UNREADABLE)),)),
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


def _renamed(command: m.Command, command_id: str) -> m.Command:
    """The same command under another id."""
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**{**fields, "id": command_id})
