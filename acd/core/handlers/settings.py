"""ApplyConfig: the whole configuration replaced at once. Owns its checks and the rebuilding of what follows from it.

An administrative command: costs O(agents + queues + interactions).
"""

from collections.abc import Collection, Iterable, Mapping

from acd.core import callbacks, digest, holding, levels, relaxing
from acd.core.domain import Domain
from acd.core.entities import Agent, Interaction
from acd.core.messages import (
    Action,
    AgentSettings,
    ApplyConfig,
    ConfigApplied,
    CoreSettings,
    QueueSettings,
    Refusal,
    Score,
)
from acd.core.messages.settings import SCORE_PREFIX, STRATEGIES
from acd.core.queue_entity import Queue
from acd.core.requirement import conjunction
from acd.core.states import interaction as interaction_states
from acd.errors import RequirementError

SEMANTICS = 1
"""The version of the rules of decision that this engine has."""


def apply_config(domain: Domain, command: ApplyConfig) -> Refusal | None:
    """Replace the configuration; what has work in hand is retired, not dropped."""
    settings = command.settings
    refusal = _check(domain, settings)
    if refusal is not None:
        return refusal
    domain.settings, domain.edited = settings, False
    domain.settings_hash = digest.settings_hash(settings)
    domain.scores = settings.scores
    domain.events.append(ConfigApplied(settings, domain.settings_hash))
    domain.last_agents.configure(settings.queues)
    delayed = _change_queues(domain, settings)
    _change_agents(domain, settings)
    for interaction in domain.interactions.values():
        domain.rekey(interaction)
    for interaction in sorted(domain.interactions.values(), key=lambda each: each.seq) if delayed else ():
        if interaction.queue.id in delayed and interaction_states.TABLE[interaction.state]:
            levels.revise(domain, interaction)
    _change_steps(domain)
    waiting = rebuild(domain)
    for interaction in waiting:
        holding.reconsider(domain, interaction)
        domain.leave(interaction)
        domain.place(interaction)
    for queue_id in sorted(domain.queues):
        queue = domain.queues[queue_id]
        if queue.retired and queue.closed is not None:
            callbacks.let_in(domain, queue)
    return None


def rebuild(domain: Domain) -> list[Interaction]:
    """Make all derived state anew: classes, lines, tickets. Returns those who wait, in order."""
    domain.reclass()
    for agent in sorted(domain.agents.values(), key=lambda each: (each.settings.position, each.id)):
        domain.classes.add_agent(agent)
    for queue in domain.queues.values():
        queue.plain = {}
        queue.adhoc = {}
        queue.standing = [] if relaxing.asks_for(queue.settings, "position") else None
        if queue.cursor is not None:
            queue.cursor.row = domain.classes.row_after(queue.cursor.after)
    domain.waiting = 0
    for interaction in domain.interactions.values():
        cls = interaction.cls = relaxing.class_for(domain, interaction)
        cls.users += 1
    waiting = [each for each in domain.interactions.values() if each.state == "queued"]
    waiting.sort(key=lambda each: (each.queue.settings.band, each.key, each.seq))
    for interaction in waiting:
        domain.wait(interaction)
    for agent in sorted(domain.agents.values(), key=lambda each: (each.idle_since, each.idle_seq)):
        domain.refresh(agent)
    # Nothing has opened up meanwhile: whoever can be placed now is placed by the caller, or was before.
    domain.classes.risen.clear()
    return waiting


def _check(domain: Domain, settings: CoreSettings) -> Refusal | None:
    semantics = settings.semantics
    if semantics != SEMANTICS:
        return Refusal("unsupported-semantics", f"this engine has semantics {SEMANTICS}, not {semantics}")
    twice = twice_named("agent", (agent.id for agent in settings.agents))
    twice = twice or twice_named("queue", (queue.id for queue in settings.queues))
    twice = twice or twice_named("strategy", (name for name, _ in settings.scores))
    for agent in settings.agents:
        twice = twice or twice_in(agent)
    for queue in settings.queues:
        twice = twice or twice_named(f"queue {queue.id}: disposition", queue.dispositions)
    if twice:
        return Refusal("duplicate-entity", twice)
    known = {queue.id for queue in settings.queues}
    for queue in settings.queues:
        wrong = _wrong_action(queue, known)
        if wrong:
            return Refusal("bad-action", f"queue {queue.id}: {wrong}")
        try:
            conjunction(queue.requirement)
        except RequirementError as error:
            return Refusal("bad-requirement", f"queue {queue.id}: {error}")
    for queue in settings.queues:
        refusal = _check_steps(queue, known)
        if refusal is not None:
            return refusal
    return check_strategies(domain.strategies, settings)


def check_strategies(given: Mapping[str, Score], settings: CoreSettings) -> Refusal | None:
    """Whether everything that the settings need is given, with the code that they were made for."""
    for name, code_hash in settings.scores:
        if name not in given:
            return Refusal("unknown-strategy", f"this engine was not given the strategy {SCORE_PREFIX}{name}")
        if given[name].code_hash != code_hash:
            detail = (
                f"the code of {SCORE_PREFIX}{name} is not what these settings were made for; rename what you change"
            )
            return Refusal("strategy-changed", detail)
    known = {*STRATEGIES, *(SCORE_PREFIX + name for name, _ in settings.scores)}
    for queue in settings.queues:
        if queue.strategy not in known:
            fix = f"there are {', '.join(STRATEGIES)}, and {SCORE_PREFIX}NAME for those in scores"
            return Refusal("unknown-strategy", f"queue {queue.id}: there is no strategy {queue.strategy}; {fix}")
    return None


def _check_steps(queue: QueueSettings, names: Collection[str]) -> Refusal | None:
    """Steps come one after the other, can be read, and name queues that there are."""
    last_us = 0
    for step in queue.steps:
        if step.after_us <= last_us:
            return Refusal("steps-out-of-order", f"queue {queue.id}: a step after {step.after_us} µs comes too late")
        last_us = step.after_us
        try:
            conjunction(step.requirement)
        except RequirementError as error:
            return Refusal("bad-requirement", f"queue {queue.id}, a step: {error}")
        for name in step.queues:
            if name not in names:
                return Refusal("unknown-queue", f"queue {queue.id}, a step: no queue {name} is configured")
    return None


def _wrong_action(queue: QueueSettings, known: set[str]) -> str:
    for situation in ("when_closed", "when_unstaffed", "when_full", "when_overdue"):
        action: Action = getattr(queue, situation)
        if action.kind == "queue" and (action.queue not in known or action.queue == queue.id):
            return f"{situation} names {action.queue or 'no queue'}, which is not another queue"
    if queue.when_overdue.kind == "refuse":
        return "when_overdue cannot refuse what waits already"
    return ""


def twice_in(agent: AgentSettings) -> str:
    """What an agent's settings name twice, in words; empty if nothing."""
    where = f"agent {agent.id}: "
    twice = (
        twice_named("skill", (name for name, _ in agent.skills))
        or twice_named("label", agent.labels)
        or twice_named("queue", agent.queues)
        or twice_named("level for queue", (queue for queue, _ in agent.levels))
        or twice_named("channel", (share.channel for share in agent.capacity.channels))
    )
    for share in agent.capacity.channels:
        twice = twice or twice_named(f"channel {share.channel}: interrupted channel", share.interrupts)
    return where + twice if twice else ""


def twice_named(kind: str, names: Iterable[str]) -> str:
    """The first name that is there twice, in words; empty if none is."""
    seen: dict[str, None] = {}
    for name in names:
        if name in seen:
            return f"{kind} {name} is given twice"
        seen[name] = None
    return ""


def _change_queues(domain: Domain, settings: CoreSettings) -> set[str]:
    """Returns the queues whose levels open at other times than before."""
    delayed: set[str] = set()
    named = {queue.id: queue for queue in settings.queues}
    for queue_id in sorted(domain.queues):
        if queue_id in named:
            continue
        queue = domain.queues[queue_id]
        if queue.live:
            queue.retired = True
        else:
            domain.remove_queue(queue)
    for queue_id in sorted(named):
        known = domain.queues.get(queue_id)
        if known is None:
            domain.queues[queue_id] = Queue(named[queue_id])
        else:
            if known.settings.level_delays_us != named[queue_id].level_delays_us:
                delayed.add(queue_id)
            known.configure(named[queue_id])
            known.retired = False
    return delayed


def _change_steps(domain: Domain) -> None:
    """Let every unanswered interaction wait for the step that is the next now, in the order of arrival."""
    unanswered = [each for each in domain.interactions.values() if each.state in ("queued", "offered")]
    for interaction in sorted(unanswered, key=lambda each: each.seq):
        relaxing.reschedule(domain, interaction)


def _change_agents(domain: Domain, settings: CoreSettings) -> None:
    named = {agent.id: agent for agent in settings.agents}
    for agent_id in sorted(domain.agents):
        if agent_id not in named:
            retire(domain, domain.agents[agent_id])
    for agent_id in sorted(named):
        known = domain.agents.get(agent_id)
        if known is None:
            domain.agents[agent_id] = Agent(named[agent_id])
        else:
            known.retired = False
            known.configure(named[agent_id])


def retire(domain: Domain, agent: Agent) -> None:
    """The configuration does not name the agent any more: they go, at once or when their work is done."""
    if agent.retired:
        return
    if agent.presence != "signed-out":
        domain.classes.count_staff(agent, -1)
    agent.retired = True
    if agent.presence != "signed-out":
        domain.rest(agent, "signed-out", "removed")
    if agent.presence == "signed-out":
        domain.forget_agent(agent)
