"""Matching: who gets whom.

Owns the two searches (`place`, `serve`), making and ending offers, and the bookkeeping of idle agents'
tickets that both searches rest on. Must not know commands. `eligibility` says who may get what, and
ARCHITECTURE.md, "The rules of decision", what is decided; this file makes it cheap.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import islice

from acd.core import calling, holding, relaxing
from acd.core.classes import Class
from acd.core.deadlines import Deadlines
from acd.core.eligibility import may_have
from acd.core.entities import Agent, Exclusion, Interaction, Work
from acd.core.lane import Ticket, order
from acd.core.lines import foremost, lines_of, tier_of
from acd.core.messages import Effect, Event, OfferInteraction, OfferMade, Score
from acd.core.messages.settings import SCORE_PREFIX
from acd.core.pools import Bucket
from acd.core.queue_entity import Queue
from acd.core.registry import ClassRegistry
from acd.core.reserving import recount
from acd.core.states import interaction as interaction_states
from acd.core.states import offer as offer_states
from acd.core.states import work as work_states

_INTERACTION = interaction_states.TABLE
_WORK = work_states.TABLE
_OFFER = offer_states.TABLE


class Matching:
    """The state that decisions are made on, shared by all command handlers."""

    def __init__(self, max_classes: int, strategies: Mapping[str, Score] | None = None) -> None:
        self._max_classes = max_classes
        self.strategies = strategies or {}
        """Scores that this engine was given, by name."""
        self.scores: tuple[tuple[str, str], ...] = ()
        """(name, code hash) of those that the configuration names; they are among `strategies`, and unchanged."""
        self.now_us = 0
        self.seq = 0
        self.classes = ClassRegistry(max_classes)
        self.deadlines = Deadlines()
        self.waiting = 0
        self.agents: dict[str, Agent] = {}
        self.queues: dict[str, Queue] = {}
        self.work: dict[str, Work] = {}
        """Work items that have not ended, by offer id."""
        self.effects: list[Effect] = []
        self.events: list[Event] = []

    def next_seq(self) -> int:
        """The next tie-breaker."""
        self.seq += 1
        return self.seq

    def reclass(self) -> None:
        """Start anew with no class; every agent and interaction must be added again."""
        scores = {SCORE_PREFIX + name: self.strategies[name].function for name, _ in self.scores}
        self.classes = ClassRegistry(self._max_classes, scores, len(self.agents))

    # ---- idle agents

    def restart_idle(self, agent: Agent) -> None:
        """The agent is the shortest idle from now on."""
        agent.idle_since = self.now_us
        self.seq += 1
        agent.idle_seq = self.seq

    def refresh(self, agent: Agent) -> None:
        """Bring the agent's ticket in line with presence, room and vetoes. Call after every change of one."""
        ticket = agent.ticket
        if ticket is not None:
            ticket.alive = False
            agent.ticket = None
        if agent.gates:
            recount(agent, self.classes.risen)
        self._join(agent)

    def _join(self, agent: Agent) -> None:
        """Let the agent, who has no ticket, stand among the idle if there is room for anything."""
        if agent.presence != "ready" or agent.used > agent.full_above:
            return
        if agent.work or agent.vetoes:
            rooms = agent.find_rooms() if agent.rooms is None else agent.rooms
            if not rooms or (agent.vetoes and not rooms.difference(agent.vetoes)):
                return
            buckets: Sequence[Bucket] = _buckets(agent)
        else:
            buckets = agent.home or ()
        agent.ticket = ticket = Ticket(agent.idle_since, agent.idle_seq, agent)
        key = ticket.key
        for bucket in buckets:
            items = bucket.items
            # Bucket.add, spelt out for the usual case: nearly everyone comes in at the end, of a bucket that is listed.
            if items and items[-1].key < key and len(items) < bucket.bound:
                items.append(ticket)
            else:
                bucket.add(ticket)

    # ---- waiting interactions

    def wait(self, interaction: Interaction) -> None:
        """Put a queued interaction into the line."""
        interaction.cls.wait(interaction)
        self.waiting += 1
        standing = interaction.queue.standing
        if standing is not None:
            # Nearly always at the end, and a list of pointers moves fast.
            insort(standing, (interaction.key, interaction.seq))

    def leave(self, interaction: Interaction) -> None:
        """Take a queued interaction out of the line."""
        interaction.cls.leave(interaction)
        self.waiting -= 1
        standing = interaction.queue.standing
        if standing is not None:
            del standing[bisect_left(standing, (interaction.key, interaction.seq))]

    def reclassify(self, interaction: Interaction) -> None:
        """Move an interaction, which is not in the line, to the class that it belongs to by now."""
        cls = relaxing.class_for(self, interaction)
        interaction.cls.users -= 1
        interaction.cls = cls
        cls.users += 1

    # ---- the two searches

    def place(self, interaction: Interaction) -> None:
        """Offer a queued interaction, which is not in the line, to the best agent or agents, or let it wait."""
        if interaction.preferred and self._is_preferred(interaction):
            return
        cls = interaction.cls
        ticket = cls.pool.best()
        excluded = interaction.exclusions
        if ticket is not None and excluded and ticket.owner.id in excluded:
            ticket = next((each for each in cls.pool.ordered() if each.owner.id not in excluded), None)
        if ticket is None or cls.shut:
            self.wait(interaction)
        elif cls.calls:
            calling.call(self, interaction)
        elif cls.broadcasts:
            self._broadcast(interaction, cls)
        else:
            self._offer(interaction, ticket.owner, cls, "agent")

    def _is_preferred(self, interaction: Interaction) -> bool:
        """Offer it to its preferred agent, or let it wait for them; False if neither."""
        agent = self.agents.get(interaction.preferred)
        if agent is not None and may_have(interaction, agent):
            if interaction.cls.calls:
                calling.call(self, interaction)
            else:
                self._offer(interaction, agent, interaction.cls, "preferred")
        elif interaction.held is not None:
            self.wait(interaction)
        else:
            return False
        return True

    def _broadcast(self, interaction: Interaction, cls: Class) -> None:
        """Offer it to the best few, of whom there is one at least, at once; fewer if others need the rest."""
        excluded = interaction.exclusions or ()
        best = (ticket.owner for ticket in cls.pool.ordered() if ticket.owner.id not in excluded)
        chosen = list(islice(best, interaction.queue.settings.broadcast))
        pending: list[Work] = []
        for agent in chosen:
            if cls.shut:
                break
            pending.append(self._offer(interaction, agent, cls, "agent"))
        if len(pending) > 1:
            interaction.pending = pending
            interaction.current = pending[0]

    def serve(self, agent: Agent) -> None:
        """Offer waiting interactions to the agent, first in line first, as long as there is room."""
        while self.waiting and agent.ticket is not None:
            found = self._first_for(agent)
            if found is None:
                return
            interaction = found.owner
            self.leave(interaction)
            if interaction.cls.calls:
                # The agent is free as before, for whoever is next.
                calling.call(self, interaction)
            else:
                self._offer(interaction, agent, interaction.cls, "interaction")

    def come_free(self, agent: Agent) -> None:
        """The agent has new room, and no place for it yet: `serve`, and join the idle only if nothing is found.

        With a line of waiting interactions this saves standing in every pool for no time at all. But whoever counts for
        a reserve has to be counted first.
        """
        found: Ticket[Interaction] | None = None
        if agent.gates:
            recount(agent, self.classes.risen)
        if self.waiting and agent.presence == "ready" and agent.used <= agent.full_above:
            found = self._first_for(agent)
            if found is not None and not found.owner.cls.calls:
                interaction = found.owner
                self.leave(interaction)
                self._offer(interaction, agent, interaction.cls, "interaction")
                self.serve(agent)
                return
        if agent.ticket is None:
            self._join(agent)
        else:
            self.refresh(agent)
        if found is not None:
            self.serve(agent)

    def _first_for(self, agent: Agent) -> Ticket[Interaction] | None:
        """The interaction that an agent who has come free takes: of the least tier, and of it the first in line."""
        first: Ticket[Interaction] | None = None
        least = 0
        agent_id = agent.id
        for tier, channel, classes, numbers in agent.lines or lines_of(agent):
            if first is not None and tier > least:
                break
            has_room = False
            for cls in classes if numbers is None else foremost(self.classes.heads, classes, numbers):
                ticket = cls.head
                if ticket is None or (
                    first is not None
                    and (ticket.key > first.key or (ticket.key == first.key and ticket.seq > first.seq))
                ):
                    continue
                if not has_room:
                    # Asked for late, as mostly nobody waits.
                    if not agent.has_room(channel) or (agent.vetoes and channel in agent.vetoes):
                        break
                    has_room = True
                waiting = ticket.owner
                if waiting.exclusions and agent_id in waiting.exclusions:
                    ticket = _first_not_excluded(cls, agent_id, first)
                    if ticket is None:
                        continue
                first, least = ticket, tier
        return _first_held_for(agent, first, least) if agent.holds else first

    # ---- offers

    def _offer(self, interaction: Interaction, agent: Agent, cls: Class, sought: str) -> Work:
        now_us = self.now_us
        request = interaction.request
        queue = interaction.queue
        interaction_id, agent_id = interaction.id, agent.id
        share = agent.share(request.channel)
        assert share is not None, agent_id
        used = agent.used
        load = used * 100 // agent.total if used else 0
        interaction.offers = number = interaction.offers + 1
        offer_id = f"{interaction_id}.{number}"
        if interaction.held is not None:
            holding.drop(self, interaction)
        interaction.state = _INTERACTION[interaction.state]["offer"]
        if queue.cursor is not None:
            queue.cursor.pass_on(agent)
        work = Work(offer_id, interaction, agent, share.cost, now_us, now_us)
        interaction.current = work
        interaction.open_work += 1
        self.work[offer_id] = work
        agent.take_on(offer_id, work)
        timeout_us = queue.offer_timeout_us
        expires_us = now_us + timeout_us
        self.seq = seq = self.seq + 1
        work.deadline = self.deadlines.register(expires_us, seq, work, timeout_us)
        self.refresh(agent)
        self.events.append(
            OfferMade(
                offer_id,
                interaction_id,
                agent_id,
                queue.id,
                expires_us,
                sought,
                queue.strategy,
                cls.crew.fit_of(agent),
                load,
                now_us - agent.idle_since,
                now_us - interaction.enqueued_at,
            )
        )
        self.effects.append(OfferInteraction(offer_id, interaction_id, agent_id, request.instance, expires_us))
        return work

    def end_work(self, work: Work) -> None:
        """The work item ends; its capacity is free. The caller settles and refreshes the agent."""
        work.state = _WORK[work.state]["end"]
        deadline = work.deadline
        if deadline is not None:
            deadline.alive = False
            deadline.owner = work.deadline = None
        offer_id = work.offer_id
        del self.work[offer_id]
        work.agent.put_down(offer_id)
        interaction = work.interaction
        interaction.open_work -= 1
        if interaction.current is work:
            interaction.current = None
        if interaction.pending is not None:
            _one_less(interaction, interaction.pending, work)

    def exclude(self, interaction: Interaction, agent: Agent, most: int) -> None:
        """Do not offer the interaction to the agent before the queue's `retry_after` is over."""
        exclusions = interaction.exclusions
        if exclusions is None:
            exclusions = interaction.exclusions = {}
        self.lift(interaction, agent.id)
        standing = exclusions.pop(agent.id, None) is not None
        if len(exclusions) >= most:
            timed = [agent_id for agent_id, each in exclusions.items() if each.deadline is not None]
            for agent_id in timed[: len(timed) + 1 - most]:
                self.lift(interaction, agent_id)
        length_us = interaction.queue.settings.retry_after_us
        exclusion = exclusions[agent.id] = Exclusion(interaction, agent.id)
        exclusion.standing = standing
        exclusion.deadline = self.deadlines.register(self.now_us + length_us, self.next_seq(), exclusion, length_us)

    def lift(self, interaction: Interaction, agent_id: str) -> None:
        """End an exclusion, if there is one; what is standing stays."""
        exclusions = interaction.exclusions
        exclusion = exclusions.get(agent_id) if exclusions else None
        if exclusions is None or exclusion is None or exclusion.deadline is None:
            return
        exclusion.deadline.alive = False
        exclusion.deadline = None
        if not exclusion.standing:
            del exclusions[agent_id]

    def bar(self, interaction: Interaction, agent: Agent) -> None:
        """Do not offer the interaction to the agent until `unbar`, whatever becomes of exclusions."""
        exclusions = interaction.exclusions
        if exclusions is None:
            exclusions = interaction.exclusions = {}
        exclusions.setdefault(agent.id, Exclusion(interaction, agent.id)).standing = True

    def unbar(self, interaction: Interaction, agent: Agent) -> None:
        """End `bar`. The caller serves the agent."""
        exclusions = interaction.exclusions
        exclusion = exclusions.get(agent.id) if exclusions else None
        if exclusions is None or exclusion is None:
            return
        exclusion.standing = False
        if exclusion.deadline is None:
            del exclusions[agent.id]


def next_offer_state(trigger: str) -> str:
    """The state in which a pending offer ends: `accept`, `decline`, `expire`, `revoke` or `rescind`."""
    return _OFFER[offer_states.INITIAL][trigger]


def _one_less(interaction: Interaction, pending: list[Work], work: Work) -> None:
    """One of several pending offers has ended, or a work item of an earlier conversation has."""
    if work in pending:
        pending.remove(work)
        interaction.current = pending[0]
        if len(pending) == 1:
            interaction.pending = None


def _buckets(agent: Agent) -> list[Bucket]:
    """Where the agent's ticket belongs, given the work in hand."""
    items, load = len(agent.work), agent.load
    buckets = []
    for bucket in agent.home or ():
        crew = bucket.crew
        if agent.takes(crew.channel):
            buckets.append(crew.pool.bucket(agent, items, load, crew.fit_of(agent)))
    return buckets


def _first_not_excluded(cls: Class, agent_id: str, bound: Ticket[Interaction] | None) -> Ticket[Interaction] | None:
    """The first of the class's line, before `bound`, from which the agent is not excluded."""
    for ticket in cls.line():
        if bound is not None and order(ticket) > order(bound):
            return None
        excluded = ticket.owner.exclusions
        if not (excluded and agent_id in excluded):
            return ticket
    return None


def _first_held_for(agent: Agent, first: Ticket[Interaction] | None, least: int) -> Ticket[Interaction] | None:
    """The first of what is held for the agent, if it goes before `first`, whose tier is `least`; else that."""
    for interaction in (agent.holds or {}).values():
        ticket = interaction.ticket
        if ticket is None:
            continue
        tier = tier_of(agent, interaction.queue)
        before = first is None or (tier, ticket.key, ticket.seq) < (least, first.key, first.seq)
        if before and may_have(interaction, agent):
            first, least = ticket, tier
    return first
