"""The contact centre that is simulated: agents, queues, and what is drawn anew for every seed.

Owns the tables. A policy is a row: settings of queues and agents with the values to draw from. Whoever adds a policy
to the core adds a row here. Every kind of customer can be served by somebody: otherwise waiting for ever would be
no fault of the engine's.
"""

from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from acd.core.messages import Action, AgentSettings, Capacity, ChannelShare, Condition, QueueSettings, Step
from acd.runtime.calendars import MINUTES_A_DAY, Calendar
from acd.runtime.config import AgentEdit, Config
from acd.runtime.config.model import (
    AgentConfig,
    JournalConfig,
    OutboxConfig,
    PersonalConfig,
    QueueConfig,
    RouterConfig,
    SnapshotsConfig,
)
from acd.testing.simulator.disk import DOMAIN

SECOND: Final = 1_000_000

DIALLER: Final = "dialler"
"""An instance that is none of the router's: its callbacks are on the screen, and what comes of them is said there."""

BROADCAST: Final = 4
"""Most agents whom one customer is offered to at once."""

Choices = dict[str, tuple[Any, ...]]
"""Setting → values, one of which is drawn."""


class Kind(Struct, frozen=True):
    """A kind of customer, with its share of arrivals. Somebody in `STAFF` can serve it."""

    queue: str
    channel: str
    requirement: str = ""
    share: float = 1.0


AHEAD: Final = "ahead_us"
"""For arrivals: how far ahead customers make an appointment, 0 for none."""


INSTEAD: Final = "instead_us"
"""For arrivals: after how long customers who still wait would rather be where they are in another way, 0 for never."""


class Policy(Struct, frozen=True):
    """What is drawn for every queue, every agent and every customer, when the policy is switched on.

    `calendars`: names in `CALENDARS`, one of which, or none, every queue keeps. Some policies are nothing but what
    people do: rows of `acd.testing.simulator.desk` and `orders` that name them.
    """

    what: str
    queues: Choices = {}
    agents: Choices = {}
    arrivals: Choices = {}
    calendars: tuple[str, ...] = ()


_BLENDED: Final = Capacity(100, (ChannelShare("voice", 100), ChannelShare("chat", 30, 2)))
_INTERRUPTED: Final = Capacity(100, (ChannelShare("voice", 100, 1, ("chat",)), ChannelShare("chat", 30, 2)))
_CHATS: Final = Capacity(100, (ChannelShare("chat", 33, 3),))

CALENDARS: Final = {
    name: Calendar(name, zone, (tuple((begin, begin + length) for begin in range(0, MINUTES_A_DAY, 6)),) * 7)
    for name, zone, length in (("early", "Europe/Berlin", 4), ("late", "Asia/Shanghai", 3))
}
"""Open for some minutes of every six: hours that change while a run lasts."""

STAFF: Final = (
    AgentSettings("anna", (("english", 8), ("billing", 3)), ("vip",), ("sales",)),
    AgentSettings("boris", (("english", 4),), (), ("sales",)),
    AgentSettings("chen", (("english", 6), ("billing", 7)), (), (), _BLENDED),
    AgentSettings("dora", (("billing", 9),), ("vip",), (), _BLENDED),
    AgentSettings("emil", (("english", 3),), (), (), _CHATS),
    AgentSettings("fatima", (("english", 9), ("billing", 5)), ("vip",), ("sales",)),
)

QUEUES: Final = (
    QueueSettings("sales", 'skills.english >= 3 || "sales" in queues'),
    QueueSettings("support", "skills.billing >= 3"),
    QueueSettings("chats", "true"),
)

KINDS: Final = (
    Kind("sales", "voice", share=4.0),
    Kind("sales", "voice", "skills.english >= 5", share=1.0),
    Kind("support", "voice", share=3.0),
    Kind("support", "voice", '"vip" in labels', share=1.0),
    Kind("chats", "chat", share=3.0),
)

ALWAYS: Final = Policy(
    "timings short enough for every deadline to be met often",
    {
        "offer_timeout_us": (5 * SECOND, 8 * SECOND, 12 * SECOND),
        "retry_after_us": (0, 4 * SECOND, 15 * SECOND),
        "wrap_up_us": (0, 3 * SECOND, 10 * SECOND),
        "late_us": (2 * SECOND, 5 * SECOND),
        "rona": ("not-ready", "not-ready", "stay-ready"),
        "max_waiting": (12, 40, 10_000),
    },
)

POLICIES: Final[dict[str, Policy]] = {
    "strategies": Policy(
        "every queue has a strategy of its own",
        {
            "strategy": (
                "longest-idle",
                "best-fit",
                "weighted",
                "least-skilled",
                "least-loaded",
                "linear",
                "round-robin",
                *("broadcast",) * 3,
            ),
            "broadcast": (2, BROADCAST),
            "fit_weight_us": (SECOND, 10 * SECOND),
        },
        {"position": (0, 1, 2)},
    ),
    "ordering": Policy(
        "priorities, due times, bands",
        {
            "ordering": ("head-start", "strict", "due"),
            "head_start_us": (0, 30 * SECOND, 60 * SECOND),
            "target_us": (0, 20 * SECOND),
            "band": (1, 5),
        },
        arrivals={"priority": (0, 0, 0, 1, 2, -1)},
    ),
    "blended": Policy(
        "everybody does everything, and calls may interrupt", agents={"capacity": (_BLENDED, _INTERRUPTED)}
    ),
    "preferred": Policy(
        "customers ask for an agent, who may not be there",
        {"hold_for_us": (0, 5 * SECOND, 15 * SECOND)},
        arrivals={"preferred_agent": ("", "", "", "anna", "chen", "dora", "somebody-else")},
    ),
    "affinity": Policy(
        "customers come back, and have agents of their own",
        {"affinity_us": (0, 30 * SECOND, 600 * SECOND), "dedicated_attribute": ("", "manager")},
        arrivals={
            "customer": ("regular-1", "regular-2", "regular-3", "", ""),
            "attributes": ((), (), (("manager", "chen"),), (("manager", "somebody-else"),)),
        },
    ),
    "conditions": Policy(
        "queues that loosen what they ask for, some of them only if need be",
        {
            "steps": (
                (),
                (
                    Step(4 * SECOND, priority=1, when=Condition("position", ">", 2)),
                    Step(9 * SECOND, "true", announce="sorry", when=Condition("estimated_wait", ">", 10 * SECOND)),
                ),
                (
                    Step(3 * SECOND, queues=("sales", "support"), announce="longer-than-usual"),
                    Step(12 * SECOND, drop_own=True, when=Condition("eligible_agents", ">", 1)),
                ),
                (
                    Step(5 * SECOND, drop_own=True, when=Condition("eligible_agents", "<=", 1)),
                    Step(20 * SECOND, priority=2, when=Condition("estimated_wait", "<=", 60 * SECOND)),
                ),
            )
        },
    ),
    "entry": Policy(
        "queues that are closed, unstaffed, full or too slow send customers elsewhere, or away",
        {
            "when_closed": (Action("refuse"), Action("wait"), Action("queue", "chats"), Action("release")),
            "when_unstaffed": (Action("wait"), Action("queue", "chats"), Action("release")),
            "when_full": (Action("refuse"), Action("queue", "chats"), Action("release", reason="busy")),
            "max_wait_us": (0, 8 * SECOND, 40 * SECOND),
            "when_overdue": (
                Action("wait"),
                Action("queue", "chats"),
                Action("release", reason="sorry"),
                Action("callback"),
            ),
        },
    ),
    "callbacks": Policy(
        "customers are called back, who may not answer",
        {
            "callback_attempts": (1, 2, 3),
            "callback_retry_us": (0, 5 * SECOND, 20 * SECOND),
            "callback_channel": ("", DIALLER),
            "callback_first": ("agent", "customer"),
            "callback_ahead": (1, 1, 3),
            "callback_reach_us": (8 * SECOND, 30 * SECOND),
        },
    ),
    "appointments": Policy(
        "customers are to be called for later", arrivals={AHEAD: (*(0,) * 7, 2 * SECOND, 25 * SECOND)}
    ),
    "instead": Policy(
        "customers who wait would rather call, at the place that they have",
        arrivals={INSTEAD: (*(0,) * 4, 2 * SECOND, 6 * SECOND)},
    ),
    "calendars": Policy("queues keep business hours", calendars=("", "", *CALENDARS)),
    "transfers": Policy("agents hand customers on, to queues and to each other"),
    "levels": Policy(
        "agents who are asked later",
        {"level_delays_us": ((), (6 * SECOND,), (3 * SECOND, 10 * SECOND))},
        {"levels": ((), (("sales", 2), ("support", 3)), (("chats", 2),))},
    ),
    "reserve": Policy("agents who are kept free for other queues", {"reserve": (0, 1)}),
    "advice": Policy("agents ask each other, hand over attended, and talk to customers together"),
    "devices": Policy("agents telephone by themselves, and devices are out of reach"),
    "wrap-up": Policy(
        "after-call work of every sort, with dispositions",
        {
            "wrap_up_policy": ("timed", "none", "optional", "forced", "extended"),
            "wrap_up_us": (3 * SECOND, 8 * SECOND),
            "wrap_up_most_us": (20 * SECOND,),
            "dispositions": (("sold", "lost"),),
            "disposition_required": (False, True),
        },
    ),
}
"""What can be switched on, by name."""


def configuration(seed: int, policies: frozenset[str], root: Path, outbox: Path) -> Config:
    """The configuration of this seed. Its files are in `root`, the outbox's at `outbox`."""
    dice = Random(f"{seed}/settings")  # noqa: S311 - no secret
    chosen = [ALWAYS, *(POLICIES[name] for name in POLICIES if name in policies)]
    queues, agents = list(QUEUES), list(STAFF)
    hours = next((policy.calendars for policy in chosen if policy.calendars), ("",))
    for policy in chosen:
        queues = [_drawn(each, policy.queues, dice) for each in queues]
        agents = [_drawn(each, policy.agents, dice) for each in agents]
    return Config(
        source=root / "simulated.toml",
        domain=DOMAIN,
        journal=JournalConfig(root / "journal.db"),
        personal=PersonalConfig(root / "people.db", root / "people.key"),
        outbox=OutboxConfig(outbox, enabled=True),
        snapshots=SnapshotsConfig(root / "snapshots", keep=2),
        router=RouterConfig(),
        agents=tuple(AgentConfig(each) for each in sorted(agents, key=lambda each: each.id)),
        queues=tuple(
            QueueConfig(each, calendar=dice.choice(hours)) for each in sorted(queues, key=lambda each: each.id)
        ),
        calendars=tuple(CALENDARS.values()),
    )


def arrivals(policies: frozenset[str]) -> Choices:
    """What is drawn for every customer: field of `EnqueueInteraction` → values."""
    drawn: Choices = {}
    for name in POLICIES:
        if name in policies:
            drawn |= POLICIES[name].arrivals
    return drawn


DISPENSABLE: Final = ("anna", "boris", "emil")
"""Of these one at a time may be left out."""


def changed(config: Config, dice: Random) -> Config:
    """What an administrator may do at any time: leave out an agent who is not the only one for anybody, or a queue."""
    gone = dice.choice((*DISPENSABLE, ""))
    queues = [each.settings for each in config.queues]
    named = {
        action.queue
        for each in queues
        for action in (each.when_closed, each.when_unstaffed, each.when_full, each.when_overdue)
    } | {name for each in queues for step in each.steps for name in step.queues}
    # A queue that others name has to stay.
    closed = dice.choice([each.id for each in queues if each.id not in named] + [""] * 3)
    return msgspec.structs.replace(
        config,
        agents=tuple(each for each in config.agents if each.settings.id != gone),
        queues=tuple(each for each in config.queues if each.settings.id != closed),
    )


def edited(config: Config, full: Config, dice: Random) -> AgentEdit:
    """Likewise for one agent of the configuration in force, who goes, comes back, learns or is put elsewhere."""
    if len(config.agents) == len(full.agents) and dice.random() < 0.3:  # noqa: PLR2004 - now and then
        return AgentEdit(removed=(dice.choice(DISPENSABLE),))
    agent = dice.choice(full.agents)
    skills = tuple((name, dice.randint(least, 10)) for name, least in agent.settings.skills)
    settings = msgspec.structs.replace(agent.settings, skills=skills, position=dice.randrange(3))
    return AgentEdit((msgspec.structs.replace(agent, settings=settings),))


def _drawn(settings: Any, choices: Choices, dice: Random) -> Any:  # noqa: ANN401 - agents and queues alike
    drawn = {}
    for name, values in choices.items():
        # No queue sends its customers to itself.
        others = [value for value in values if getattr(value, "queue", "") != settings.id]
        drawn[name] = dice.choice(others)
    return msgspec.structs.replace(settings, **drawn)
