"""The rules of decision of ARCHITECTURE.md, written down once more: what is so, who gets whom, and shared moves.

Everything is a list that is searched and sorted by brute force: for reading, not for speed. Shares no code with
`acd.core` but the messages and the limits. `naive_model` has the commands.
"""

from collections.abc import Mapping
from typing import TypeVar

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_capacity import is_room_for, share_for
from tests.core.naive_requirement import Tree, holds, skills_of
from tests.core.naive_state import Agent, Exclusion, Hold, Interaction, Opening, Patience, Queue, Timed, Work
from tests.core.own_strategies import FUNCTIONS

__all__ = [
    "Agent",
    "Exclusion",
    "Hold",
    "Interaction",
    "Opening",
    "Patience",
    "Queue",
    "Refused",
    "Rules",
    "Timed",
    "Work",
]

T = TypeVar("T")


def keep(window: dict[str, T], name: str, what: T, most: int) -> None:
    """Among the last `most`; an id that is there already keeps its age."""
    window[name] = what
    while len(window) > most:
        del window[next(iter(window))]


class Refused(Exception):
    """A command is refused; carries the code."""


class Rules:
    """One domain. `trees` gives the meaning of every requirement's text; a text that is not there cannot be read."""

    def __init__(self, trees: Mapping[str, Tree]) -> None:
        self.trees = trees
        self.strategies: dict[str, str] = {}
        """Strategies of one's own that the engine was given: name → code hash."""
        self.now = 0
        self.seq = 0
        self.settings = m.CoreSettings()
        self.agents: list[Agent] = []
        self.queues: list[Queue] = []
        self.interactions: list[Interaction] = []
        self.work: list[Work] = []
        self.ended_interactions: dict[str, str] = {}
        self.ended_offers: dict[str, str] = {}
        self.events: list[m.Event] = []
        self.effects: list[m.Effect] = []

    def next_deadline(self) -> int | None:
        return min((deadline[0] for deadline, _ in self.timed()), default=None)

    # ---- what is so

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def work_of(self, agent: Agent) -> list[Work]:
        return [work for work in self.work if work.agent is agent]

    def units_in_use(self, agent: Agent) -> int:
        return sum(work.cost for work in self.work_of(agent))

    def load(self, agent: Agent) -> int:
        return self.units_in_use(agent) * 100 // agent.settings.capacity.total

    def share(self, agent: Agent, channel: str) -> m.ChannelShare | None:
        return share_for(agent.settings.capacity, channel)

    def has_room(self, agent: Agent, channel: str) -> bool:
        items = tuple((work.interaction.request.channel, work.cost) for work in self.work_of(agent))
        return agent.recall((channel, items), lambda: is_room_for(agent.settings.capacity, channel, items))

    def asked(self, interaction: Interaction) -> tuple[str, ...]:
        """First its own requirement, empty if there is none (any more); then those of queues, of which one will do."""
        own = interaction.request.requirement
        also = [each for each in self.queues if each.settings.id in interaction.wider] if interaction.wider else []
        wider = [each.settings.requirement for each in also if not each.retired]
        kept = own if own.strip() and not interaction.own_dropped else ""
        return (kept, interaction.instead or interaction.queue.settings.requirement, *wider)

    def requirements(self, interaction: Interaction) -> list[Tree]:
        """All of these must hold: one of the queues', and its own."""
        own, *alternatives = self.asked(interaction)
        trees = [self.trees[text] if text.strip() else ("const", True) for text in alternatives]
        return [("or", *trees)] + ([self.trees[own]] if own else [])

    def satisfies(self, agent: Agent, interaction: Interaction) -> bool:
        return agent.recall(self.asked(interaction), lambda: self.is_match(agent, self.requirements(interaction)))

    def is_match(self, agent: Agent, trees: list[Tree]) -> bool:
        skills, labels, queues = dict(agent.settings.skills), agent.settings.labels, agent.settings.queues
        return all(holds(each, skills, labels, queues) for each in trees)

    def misspelt(self, request: m.EnqueueInteraction, queue: Queue) -> bool:
        """Nobody has a skill that it names, and nobody could serve it without."""
        held = {skill for agent in self.agents for skill, _ in agent.settings.skills}
        if not set(skills_of(self.trees[request.requirement])) - held:
            return False
        wanted = Interaction(request, queue, 0, 0)
        return not any(
            self.share(agent, request.channel) is not None and self.satisfies(agent, wanted) for agent in self.agents
        )

    def offerable(self, interaction: Interaction, agent: Agent) -> bool:
        return (
            agent.presence == "ready"
            and not agent.retired
            and self.satisfies(agent, interaction)
            and self.has_room(agent, interaction.request.channel)
            and not self.is_vetoed(agent, interaction.request.channel)
            and agent.settings.id not in [each.agent_id for each in interaction.exclusions]
            and interaction not in [work.interaction for work in self.work_of(agent)]
            and (interaction.hold is None or interaction.preferred == agent.settings.id)
            and self.level(interaction, agent) <= interaction.reach
        )

    def is_vetoed(self, agent: Agent, channel: str) -> bool:
        return any(each.channel == channel for each in agent.vetoes)

    def level(self, interaction: Interaction, agent: Agent) -> int:
        return dict(agent.settings.levels).get(interaction.queue.settings.id, 1)

    def skills_named(self, interaction: Interaction) -> set[str]:
        return {skill for tree in self.requirements(interaction) for skill in skills_of(tree)}

    def fit(self, interaction: Interaction, agent: Agent) -> int:
        skills = dict(agent.settings.skills)
        named = self.skills_named(interaction)
        total = sum(skills.get(skill, 0) for skill in named)
        mean = 10 * total // len(named) if named else 0
        return mean + sum(each.weight * skills.get(each.skill, 0) for each in interaction.request.preferences)

    def rank(self, interaction: Interaction, agent: Agent) -> tuple[int | str, ...]:
        settings = interaction.queue.settings
        fit, load = self.fit(interaction, agent), self.load(agent)
        idle = (agent.idle_since, agent.idle_seq)
        match settings.strategy:
            case "longest-idle" | "broadcast":
                return (load, *idle)
            case "best-fit":
                return (-fit, load, *idle)
            case "weighted":
                return (load, agent.idle_since - fit * settings.fit_weight_us, agent.idle_seq)
            case "least-skilled":
                return (len(agent.settings.skills), load, *idle)
            case "least-loaded":
                return (len(self.work_of(agent)), load, *idle)
            case "linear":
                return (agent.settings.position, agent.settings.id)
            case "round-robin":
                turn = (agent.settings.position, agent.settings.id)
                last = interaction.queue.last_turn
                return (last is not None and turn <= last, *turn)
        name = settings.strategy.removeprefix("score:")
        if name not in dict(self.settings.scores):
            return (-fit, load, *idle)
        return (-self.score(name, interaction, agent), -fit, load, *idle)

    def score(self, name: str, interaction: Interaction, agent: Agent) -> int:
        request, settings = interaction.request, agent.settings
        demand = m.Demand(request.channel, tuple(sorted(self.skills_named(interaction))), request.preferences)
        held = tuple(sorted(settings.skills))
        profile = m.Profile(held, tuple(sorted(settings.labels)), tuple(sorted(settings.queues)))
        try:
            score = FUNCTIONS[name](demand, profile)
        except IndexError:
            return -limits.MAX_SCORE
        in_range = isinstance(score, int) and -limits.MAX_SCORE <= score <= limits.MAX_SCORE
        return score if in_range else -limits.MAX_SCORE

    def place_in_line(self, interaction: Interaction) -> tuple[int, int, int]:
        settings = interaction.queue.settings
        each = limits.STRICT_HEAD_START_US if settings.ordering == "strict" else settings.head_start_us
        target = settings.target_us if settings.ordering == "due" else 0
        return (settings.band, interaction.place_at + target - interaction.priority * each, interaction.seq)

    def deadlines(self) -> list[tuple[tuple[int, int], Timed]]:
        return sorted(self.timed(), key=lambda pair: pair[0])

    def timed(self) -> list[tuple[tuple[int, int], Timed]]:
        found: list[tuple[tuple[int, int], Timed]] = []
        found += [(work.deadline, work) for work in self.work if work.deadline is not None]
        found += [(each.deadline, each) for interaction in self.interactions for each in interaction.exclusions]
        found += [(each.opening.deadline, each.opening) for each in self.interactions if each.opening is not None]
        found += [(each.hold.deadline, each.hold) for each in self.interactions if each.hold is not None]
        aside = [each.appointment for each in self.interactions if each.appointment is not None]
        found += [(each.deadline, each) for each in aside if each.deadline is not None]
        patient = [each.patience for each in self.interactions if each.patience is not None]
        found += [(each.deadline, each) for each in patient if each.deadline is not None]
        found += [(each.deadline, each) for agent in self.agents for each in agent.vetoes]
        found += [(each.reaching.deadline, each.reaching) for each in self.interactions if each.reaching is not None]
        found += [(each.step.deadline, each.step) for each in self.interactions if each.step is not None]
        return found

    # ---- the two searches

    def place(self, interaction: Interaction) -> None:
        if interaction.state != "queued":
            return
        candidates = [agent for agent in self.agents if self.offerable(interaction, agent)]
        candidates.sort(key=lambda agent: (self.level(interaction, agent), *self.rank(interaction, agent)))
        preferred = [agent for agent in candidates if agent.settings.id == interaction.preferred]
        settings = interaction.queue.settings
        if preferred:
            self.offer(interaction, preferred[0], "preferred")
            return
        for agent in candidates[: settings.broadcast if settings.strategy == "broadcast" else 1]:
            # Whoever has just been asked may have been the last but those who are kept free.
            if self.offerable(interaction, agent):
                self.offer(interaction, agent, "agent")

    def serve(self, agent: Agent) -> None:
        while True:
            waiting = [each for each in self.interactions if each.state == "queued" and self.offerable(each, agent)]
            if not waiting:
                return
            first = min(waiting, key=lambda each: (self.level(each, agent), self.place_in_line(each)))
            self.offer(first, agent, "interaction")

    def offer(self, interaction: Interaction, agent: Agent, sought: str) -> None:
        settings = interaction.queue.settings
        request = interaction.request
        share = self.share(agent, request.channel)
        assert share is not None
        interaction.offers += 1
        interaction.hold = None
        offer_id = f"{request.interaction_id}.{interaction.offers}"
        expires = self.now + settings.offer_timeout_us
        self.events.append(
            m.OfferMade(
                offer_id,
                request.interaction_id,
                agent.settings.id,
                settings.id,
                expires,
                sought,
                settings.strategy,
                self.fit(interaction, agent),
                self.load(agent),
                self.now - agent.idle_since,
                self.now - interaction.enqueued_at,
            )
        )
        self.effects.append(
            m.OfferInteraction(offer_id, request.interaction_id, agent.settings.id, request.instance, expires)
        )
        interaction.state = "offered"
        if settings.strategy == "round-robin":
            interaction.queue.last_turn = (agent.settings.position, agent.settings.id)
        deadline = (expires, self.next_seq())
        self.work.append(Work(offer_id, interaction, agent, share.cost, self.now, deadline, since=self.now))

    # ---- moves that several commands share

    def enter(self, agent: Agent, presence: str, reason: str, towards: tuple[str, str] = ("", "")) -> None:
        agent.presence = presence
        agent.reason = reason
        agent.next_presence, agent.next_reason = towards
        self.events.append(m.PresenceChanged(agent.settings.id, presence, reason, towards[0]))

    def rest(self, agent: Agent, presence: str, reason: str) -> None:
        if self.work_of(agent):
            self.enter(agent, "draining", reason, (presence, reason))
        else:
            self.enter(agent, presence, reason)

    def settle(self, agent: Agent) -> None:
        if agent.presence == "draining" and not self.work_of(agent):
            self.enter(agent, agent.next_presence, agent.next_reason)
            self.see_off(agent)
            if agent.retired:
                self.forget_agent(agent)

    def see_off(self, agent: Agent) -> None:
        """Who has signed out is not waited for."""
        if agent.presence != "signed-out":
            return
        held = [each for each in self.interactions if each.hold is not None and each.preferred == agent.settings.id]
        for interaction in sorted(held, key=self.place_in_line):
            self.end_hold(interaction, "signed-out")
            self.place(interaction)

    def is_worth_waiting_for(self, agent: Agent, interaction: Interaction) -> bool:
        return (
            agent.presence != "signed-out"
            and not agent.retired
            and self.share(agent, interaction.request.channel) is not None
            and self.satisfies(agent, interaction)
        )

    def begin_stay(self, interaction: Interaction) -> None:
        """What counts from the moment that an interaction enters its queue."""
        self.begin_hold(interaction)
        self.begin_patience(interaction)

    def begin_patience(self, interaction: Interaction) -> None:
        settings = interaction.queue.settings
        nobody_listens = interaction.request.kind == "callback"
        if settings.max_wait_us and settings.when_overdue.kind != "wait" and not nobody_listens:
            interaction.patience = Patience(interaction, (self.now + settings.max_wait_us, self.next_seq()))

    def begin_hold(self, interaction: Interaction) -> None:
        """Wait for the preferred agent, if there is one who may come and who cannot have it at once."""
        hold_for = interaction.queue.settings.hold_for_us
        for agent in self.agents:
            if agent.settings.id != interaction.preferred or not hold_for:
                continue
            if self.is_worth_waiting_for(agent, interaction) and not self.offerable(interaction, agent):
                interaction.hold = Hold(interaction, (self.now + hold_for, self.next_seq()))
                name = interaction.request.interaction_id
                self.events.append(m.HoldStarted(name, agent.settings.id, self.now + hold_for))

    def end_hold(self, interaction: Interaction, reason: str) -> None:
        interaction.hold = None
        self.events.append(m.HoldEnded(interaction.request.interaction_id, interaction.preferred, reason))

    def forget_agent(self, agent: Agent) -> None:
        self.agents.remove(agent)
        self.events.append(m.AgentRemoved(agent.settings.id))

    def restart_idle(self, agent: Agent) -> None:
        agent.idle_since = self.now
        agent.idle_seq = self.next_seq()

    def exclude(self, interaction: Interaction, agent: Agent) -> None:
        others = [each for each in interaction.exclusions if each.agent_id != agent.settings.id]
        while len(others) >= limits.MAX_EXCLUSIONS:
            others.pop(0)
        deadline = (self.now + interaction.queue.settings.retry_after_us, self.next_seq())
        interaction.exclusions = [*others, Exclusion(interaction, agent.settings.id, deadline)]

    def drop_offer(self, work: Work, ended: str, reason: str) -> None:
        """A pending offer is over without having been accepted."""
        self.work.remove(work)
        keep(self.ended_offers, work.offer_id, ended, limits.ENDED_WINDOW)
        request = work.interaction.request
        agent_id = work.agent.settings.id
        self.effects.append(m.RevokeOffer(work.offer_id, request.interaction_id, agent_id, request.instance, reason))

    def revoke(self, work: Work, reason: str) -> None:
        self.events.append(
            m.OfferRevoked(work.offer_id, work.interaction.request.interaction_id, work.agent.settings.id, reason)
        )
        self.drop_offer(work, "revoked", reason)

    def back_to_the_line(self, interaction: Interaction, agent: Agent, reason: str) -> None:
        """Unless others are still being asked."""
        if self.pending(interaction):
            self.serve(agent)
            return
        interaction.state = "queued"
        self.events.append(m.InteractionRequeued(interaction.request.interaction_id, reason))
        self.place_again(interaction)
        self.serve(agent)

    def place_again(self, interaction: Interaction) -> None:
        """It is queued again: `naive_entry` says what becomes of one that has waited too long."""
        self.place(interaction)

    def end_work(self, work: Work) -> None:
        """An accepted work item is over: WorkEnded, idle restarts, settle."""
        self.work.remove(work)
        keep(self.ended_offers, work.offer_id, "accepted", limits.ENDED_WINDOW)
        self.events.append(
            m.WorkEnded(work.agent.settings.id, work.interaction.request.interaction_id, work.disposition)
        )
        self.restart_idle(work.agent)
        self.settle(work.agent)

    def finish(self, work: Work) -> None:
        """As `end_work`; the interaction may be forgotten now, and the agent serves."""
        self.end_work(work)
        if work.former is not None:
            self.forget_if_empty(work.former)
        self.forget_if_done(work.interaction)
        self.serve(work.agent)

    def forget_if_done(self, interaction: Interaction) -> None:
        if interaction.state in {"queued", "offered", "active", "scheduled", "reaching"}:
            return
        if any(work.interaction is interaction for work in self.work):
            return
        self.interactions.remove(interaction)
        keep(self.ended_interactions, interaction.request.interaction_id, interaction.state, limits.ENDED_WINDOW)
        self.forget_if_empty(interaction.queue)

    def forget_if_empty(self, queue: Queue) -> None:
        if queue.retired and not self.is_in_use(queue):
            self.remove_queue(queue)

    def remove_queue(self, queue: Queue) -> None:
        self.queues.remove(queue)
        for kind, was in sorted(queue.alarms.items()):
            lasted = self.now - was.since
            self.events.append(m.AlarmCleared(queue.settings.id, kind, was.value, was.threshold, lasted))
        self.events.append(m.QueueRemoved(queue.settings.id))

    def is_in_use(self, queue: Queue) -> bool:
        """Something in it has not been forgotten, or somebody wraps up by its conditions."""
        return any(each.queue is queue for each in self.interactions) or any(each.former is queue for each in self.work)

    # ---- finding, or refusing

    def agent(self, agent_id: str) -> Agent:
        for agent in self.agents:
            if agent.settings.id == agent_id:
                return agent
        raise Refused("unknown-agent")

    def queue(self, queue_id: str) -> Queue:
        for queue in self.queues:
            if queue.settings.id == queue_id and not queue.retired:
                return queue
        raise Refused("unknown-queue")

    def interaction(self, interaction_id: str) -> Interaction:
        for interaction in self.interactions:
            if interaction.request.interaction_id == interaction_id:
                if interaction.state not in {"queued", "offered", "active", "scheduled", "reaching"}:
                    raise Refused("interaction-ended")
                return interaction
        ended = interaction_id in self.ended_interactions
        raise Refused("interaction-ended" if ended else "unknown-interaction")

    def offer_of(self, offer_id: str, agent_id: str | None) -> Work:
        for work in self.work:
            if work.offer_id == offer_id:
                if work.state != "offered":
                    raise Refused("offer-ended")
                if agent_id not in {None, work.agent.settings.id}:
                    raise Refused("not-your-offer")
                return work
        ended = offer_id in self.ended_offers
        raise Refused("offer-ended" if ended else "unknown-offer")

    def work_on(self, agent_id: str, interaction_id: str) -> Work:
        agent = self.agent(agent_id)
        for work in self.work_of(agent):
            if work.interaction.request.interaction_id == interaction_id:
                return work
        raise Refused("no-such-work")

    def pending(self, interaction: Interaction) -> list[Work]:
        """The offers that nobody has answered, oldest first."""
        return [work for work in self.work if work.interaction is interaction and work.state == "offered"]

    def current(self, interaction: Interaction) -> Work | None:
        """The work item that is offered (the oldest of a broadcast), active or held; in a conference the owner's."""
        own = [work for work in self.work if work.interaction is interaction and work not in interaction.guests]
        return next((work for work in own if work.state != "wrap-up"), None)
