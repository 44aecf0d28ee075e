"""`[agents.NAME]` and `[queues.NAME]`, and whether they fit together.

Owns these two sections. Must not know files, secrets or channels. What merely looks wrong (a membership of a
queue that is not there) is a warning: the other half may come later. Whether policies can work is `analysis`'s.
"""

from typing import Final, get_args

from acd.core import limits
from acd.core.messages import AgentSettings, Capacity, QueueSettings
from acd.core.messages.settings import SCORE_PREFIX, STRATEGIES, Ordering, Rona, Strategy
from acd.core.requirement import parse
from acd.errors import RequirementError
from acd.runtime.config.alarms import read_alarms, read_queue_alarms
from acd.runtime.config.allow import read_allow
from acd.runtime.config.capacities import DEFAULT
from acd.runtime.config.entry import check_action_keys, check_entry, read_entry
from acd.runtime.config.model import AgentConfig, AlarmLimits, QueueConfig
from acd.runtime.config.ordering import check_bands, check_levels, check_ordering, read_levels
from acd.runtime.config.problems import did_you_mean, dotted, excerpt, quoted
from acd.runtime.config.steps import read_steps
from acd.runtime.config.table import Table
from acd.runtime.config.wrap_up import read_wrap_up

MAX_ADDRESSES: Final = 32
"""Addresses of one agent."""

_RONAS: Final[tuple[Rona, ...]] = get_args(Rona)
_ORDERINGS: Final[tuple[Ordering, ...]] = get_args(Ordering)
_BY_POSITION: Final[tuple[Strategy, ...]] = ("linear", "round-robin")
"""Strategies that go by the agents' positions."""

_AT_THE_CHANNEL: Final = ("keys", "greeting", "announcements", "position", "music_class")

_ONLY_WITH: Final = (("fit_weight", "weighted"), ("broadcast", "broadcast"))
"""Keys that one strategy alone looks at."""

_PLAIN: Final = QueueSettings("plain")
"""A queue about which nothing is said: the defaults."""


def read_agents(root: Table, capacities: dict[str, Capacity]) -> tuple[AgentConfig, ...]:
    """`[agents]`, sorted by id."""
    tables = root.named("agents", "agent", limits.MAX_AGENTS)
    return tuple(_agent(identity, table, capacities) for identity, table in tables)


def read_queues(root: Table) -> tuple[QueueConfig, ...]:
    """`[queues]`, sorted by id."""
    tables = tuple(root.named("queues", "queue", limits.MAX_QUEUES))
    names, general = frozenset(identity for identity, _ in tables), read_alarms(root)
    return tuple(_queue(identity, table, names, general) for identity, table in tables)


def cross_check(root: Table, agents: tuple[AgentConfig, ...], queues: tuple[QueueConfig, ...]) -> None:
    """Warn of memberships without a queue, and of what does not go together; note queues that are not there."""
    check_entry(root, [queue.settings for queue in queues])
    names = {queue.settings.id for queue in queues}
    for agent in agents:
        for queue in agent.settings.queues:
            if queue not in names:
                reason = f"{quoted(queue)} is not a queue"
                key = ("agents", agent.settings.id, "queues")
                root.problems.warn(key, reason, did_you_mean(queue, names), code="unknown-queue")
    _check_positions(root, agents, queues)
    check_bands(root, queues)
    check_levels(root, agents, queues)


def _check_positions(root: Table, agents: tuple[AgentConfig, ...], queues: tuple[QueueConfig, ...]) -> None:
    """Warn of the first agent's position that no queue goes by."""
    if any(queue.settings.strategy in _BY_POSITION for queue in queues):
        return
    for agent in agents:
        if agent.settings.position:
            reason = f"has no effect: no queue has the strategy {' or '.join(_BY_POSITION)}"
            key = ("agents", agent.settings.id, "position")
            root.problems.warn(key, reason, "give one to a queue, or leave it out", code="no-effect")
            return


def _agent(identity: str, table: Table, capacities: dict[str, Capacity]) -> AgentConfig:
    settings = AgentSettings(
        id=identity,
        skills=_skills(table),
        labels=table.ids("labels", "label"),
        queues=table.ids("queues", "queue"),
        capacity=_capacity_of(table, capacities),
        position=table.integer("position", 0, 0, limits.MAX_POSITION),
        levels=read_levels(table),
    )
    config = AgentConfig(settings=settings, name=table.text("name", identity), addresses=_addresses(table))
    table.finish()
    return config


def _skills(table: Table) -> tuple[tuple[str, int], ...]:
    """Sorted (skill, proficiency)."""
    skills = table.table("skills")
    if len(skills.raw) > limits.MAX_SKILLS:
        table.problems.error(skills.key, f"has {len(skills.raw)} entries", f"{limits.MAX_SKILLS} at most")
    return tuple(
        (name, skills.integer(name, 1, 1, limits.MAX_PROFICIENCY))
        for name in sorted(skills.raw)
        if skills.check_id(skills.at(name), name)
    )


def _capacity_of(table: Table, capacities: dict[str, Capacity]) -> Capacity:
    name = table.text("capacity", DEFAULT)
    if name not in capacities:
        table.problems.error(table.at("capacity"), f"{quoted(name)} is not a capacity", did_you_mean(name, capacities))
    return capacities.get(name, capacities[DEFAULT])


def _addresses(table: Table) -> tuple[tuple[str, str], ...]:
    """Sorted (channel, address)."""
    addresses = table.table("addresses")
    if len(addresses.raw) > MAX_ADDRESSES:
        table.problems.error(addresses.key, f"has {len(addresses.raw)} entries", f"{MAX_ADDRESSES} at most")
    return tuple(
        (channel, addresses.text(channel, most=limits.MAX_TEXT))
        for channel in sorted(addresses.raw)
        if addresses.check_id(addresses.at(channel), channel)
    )


def _queue(identity: str, table: Table, names: frozenset[str], general: AlarmLimits) -> QueueConfig:
    read_allow(table, table.key)
    wrap_up = read_wrap_up(table)
    settings = QueueSettings(
        id=identity,
        requirement=_requirement(table),
        strategy=_strategy(table),
        fit_weight_us=table.duration("fit_weight", _PLAIN.fit_weight_us),
        offer_timeout_us=table.duration("offer_timeout", _PLAIN.offer_timeout_us, least=1),
        retry_after_us=table.duration("retry_after", _PLAIN.retry_after_us),
        steps=read_steps(table, names),
        hold_for_us=table.duration("hold_for", _PLAIN.hold_for_us),
        affinity_us=table.duration("affinity", _PLAIN.affinity_us),
        dedicated_attribute=_optional_id(table, "dedicated_attribute"),
        head_start_us=table.duration("head_start", _PLAIN.head_start_us),
        late_us=table.duration("late", _PLAIN.late_us),
        rona=table.choice("rona", _PLAIN.rona, _RONAS, "a reaction to an offer that nobody answers"),
        ordering=table.choice("ordering", _PLAIN.ordering, _ORDERINGS, "an ordering"),
        target_us=table.duration("target", _PLAIN.target_us),
        band=table.integer("band", _PLAIN.band, 1, limits.MAX_BAND),
        broadcast=table.integer("broadcast", _PLAIN.broadcast, 2, limits.MAX_BROADCAST),
        reserve=table.integer("reserve", _PLAIN.reserve, 0, limits.MAX_RESERVE),
        level_delays_us=table.durations("level_delays", limits.MAX_LEVEL - 1),
        **wrap_up._asdict(),
        **read_entry(table),
    )
    config = QueueConfig(
        settings=settings,
        title=table.text("title", identity),
        service_level_us=table.duration("service_level", QueueConfig(settings).service_level_us, least=1),
        calendar=table.text("calendar"),
        short_abandon_us=table.duration("short_abandon", QueueConfig(settings).short_abandon_us),
        alarms=read_queue_alarms(table, general),
    )
    for key, strategy in _ONLY_WITH:
        if key in table.raw and settings.strategy != strategy:
            reason = f"has no effect with the strategy {settings.strategy}"
            fix = f'use strategy = "{strategy}", or leave it out'
            table.problems.warn(table.at(key), reason, fix, code="no-effect")
    if settings.strategy == "broadcast" and table.raw.get("rona") == "not-ready":
        reason = "has no effect with the strategy broadcast: nobody is made not-ready for what others were asked, too"
        table.problems.warn(table.at("rona"), reason, "leave it out", code="no-effect")
    check_ordering(table, settings)
    check_action_keys(table, settings)
    # What callers hear and press is their channel's.
    table.finish({key: f"[{dotted(('channels', 'NAME', 'queues', identity))}]" for key in _AT_THE_CHANNEL})
    return config


def _optional_id(table: Table, name: str) -> str:
    return table.identifier(name, "") if table.has(name) else ""


def _strategy(table: Table) -> Strategy:
    """One of the engine's, or any `score:NAME`: whether that is installed, `acd.runtime.strategies` knows."""
    text = table.raw.get("strategy")
    if not isinstance(text, str) or not text.startswith(SCORE_PREFIX):
        return table.choice("strategy", _PLAIN.strategy, STRATEGIES, "a strategy")
    if text == SCORE_PREFIX:
        table.problems.error(table.at("strategy"), "names no strategy of your own", 'write it like "score:NAME"')
    return table.identifier("strategy", _PLAIN.strategy)


def _requirement(table: Table) -> str:
    text = table.text("requirement", _PLAIN.requirement, most=limits.MAX_REQUIREMENT)
    try:
        parse(text)
    except RequirementError as error:
        fix = "" if ";" in error.problem else 'write it like: skills.english >= 5 && "vip" in labels'
        table.problems.error(table.at("requirement"), error.problem, fix, excerpt(error.text, error.column))
        return _PLAIN.requirement
    return text
