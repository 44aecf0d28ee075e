"""One domain's whole state, and the moves that several commands share.

Owns agents, queues, interactions and the windows of ended ids; presence changes, endings of work and
of offers. Must not know single commands (`handlers`) nor how matching finds (`matching`).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from acd.core import callbacks, calling, consulting, digest, entry, holding, levels, limits, patience, relaxing, vetoes
from acd.core.affinity import LastAgents
from acd.core.entities import Agent, Interaction, Work
from acd.core.matching import Matching, next_offer_state
from acd.core.messages import (
    AgentRemoved,
    AlarmCleared,
    CoreSettings,
    InteractionRequeued,
    ParkInteraction,
    PresenceChanged,
    QueueRemoved,
    RevokeOffer,
    Score,
    WorkEnded,
    WrapUpStarted,
)
from acd.core.queue_entity import Queue
from acd.core.states import interaction as interaction_states
from acd.core.states import presence as presence_states
from acd.core.states import work as work_states
from acd.core.window import Window
from acd.core.wrapping import granted_us

_PRESENCE = presence_states.TABLE
_INTERACTION = interaction_states.TABLE
_WORK = work_states.TABLE

_UNANSWERED: Final = ("queued", "offered")

_STAFF: Final = {"sign-in": 1, "sign-out": -1}
"""What a change of presence does to the number of those who are signed in."""


class Domain(Matching):
    """Everything that the command handlers work on."""

    def __init__(self, name: str, max_classes: int, strategies: Mapping[str, Score]) -> None:
        super().__init__(max_classes, strategies)
        self.name = name
        self.settings = CoreSettings()
        self.settings_hash = ""
        self.edited = False
        """Whether agents have been configured one by one since; see `in_force`."""
        self.interactions: dict[str, Interaction] = {}
        self.callbacks: dict[tuple[str, str], str] = {}
        """The callback that a customer has in the queue that was asked for, as (customer, queue)."""
        self.ended_interactions: Window[str] = Window(limits.ENDED_WINDOW)
        self.ended_offers: Window[str] = Window(limits.ENDED_WINDOW)
        self.last_agents = LastAgents()
        self.lent: dict[str, str] = {}
        """Consults that were merged → the offer under which their work went on with the parent, and may be over."""

    def in_force(self) -> tuple[CoreSettings, str]:
        """The configuration and its hash. After changes of single agents they are made when asked for. O(agents)."""
        if self.edited:
            everyone = (self.agents[agent_id] for agent_id in sorted(self.agents))
            agents = tuple(agent.settings for agent in everyone if not agent.retired)
            self.settings = msgspec.structs.replace(self.settings, agents=agents)
            self.settings_hash = digest.settings_hash(self.settings)
            self.edited = False
        return self.settings, self.settings_hash

    # ---- presence

    def enter(self, agent: Agent, trigger: str, reason: str, next_presence: str = "", next_reason: str = "") -> None:
        """Move the agent's presence along its table and say so."""
        if trigger in _STAFF and not agent.retired:
            self.classes.count_staff(agent, _STAFF[trigger])
        agent.presence = _PRESENCE[agent.presence][trigger]
        agent.reason = reason
        agent.next_presence = next_presence
        agent.next_reason = next_reason
        self.refresh(agent)
        self.events.append(PresenceChanged(agent.id, agent.presence, reason, next_presence))

    def rest(self, agent: Agent, next_presence: str, reason: str) -> None:
        """Send the agent to signed-out or not-ready; with work in hand by draining."""
        if agent.work:
            self.enter(agent, "drain", reason, next_presence, reason)
        else:
            self.enter(agent, "sign-out" if next_presence == "signed-out" else "rest", reason)

    def settle(self, agent: Agent) -> None:
        """After a work item has ended: a draining agent without work goes on, a retired one is forgotten."""
        if agent.work:
            return
        if agent.presence == "draining":
            self.rest(agent, agent.next_presence, agent.next_reason)
        if agent.presence == "signed-out":
            self.see_off(agent)
            if agent.retired:
                self.forget_agent(agent)

    def see_off(self, agent: Agent) -> None:
        """The agent has signed out: nothing waits for them any more."""
        if agent.holds:
            holding.end_all(self, agent)

    def forget_agent(self, agent: Agent) -> None:
        """The agent is no more."""
        del self.agents[agent.id]
        vetoes.drop(agent)
        self.classes.remove_agent(agent)
        self.events.append(AgentRemoved(agent.id))

    # ---- endings

    def release(self, work: Work) -> None:
        """An accepted work item ends. The caller lets its agent come free, or refreshes."""
        agent = work.agent
        interaction = work.interaction
        self.end_work(work)
        self.ended_offers.remember(work.offer_id, "accepted")
        self.events.append(WorkEnded(agent.id, interaction.id, work.disposition))
        self.restart_idle(agent)
        if agent.presence == "draining":
            self.settle(agent)

    def finish_talk(self, work: Work) -> None:
        """The conversation is over: wrap up if the queue grants it, else release, forget, and serve the agent."""
        if not self.wrap_up(work):
            self.release(work)
            self.forget_if_done(work.interaction)
            self.come_free(work.agent)

    def wrap_up(self, work: Work) -> bool:
        """Begin the after-call work that the queue grants; False if it grants none, and nothing has changed."""
        interaction = work.interaction
        queue = interaction.queue
        length_us = granted_us(queue.settings, wanted=True) if work.wants_wrap_up else queue.grants_us
        if length_us is None:
            return False
        work.state = _WORK[work.state]["wrap"]
        if interaction.current is work:
            interaction.current = None
        work.since = now_us = self.now_us
        until_us = 0
        if length_us:
            until_us = now_us + length_us
            self.seq = seq = self.seq + 1
            work.deadline = self.deadlines.register(until_us, seq, work, length_us)
        self.events.append(WrapUpStarted(work.agent.id, interaction.id, until_us))
        return True

    def drop_offer(self, work: Work, trigger: str, reason: str) -> None:
        """A pending offer ends unaccepted: forget it, tell the channel. The caller tells why, and settles."""
        interaction = work.interaction
        self.end_work(work)
        self.ended_offers.remember(work.offer_id, next_offer_state(trigger))
        self.effects.append(
            RevokeOffer(work.offer_id, interaction.id, work.agent.id, interaction.request.instance, reason)
        )

    def requeue(self, interaction: Interaction, agent: Agent, reason: str) -> None:
        """Put an offered interaction back to its place; first it looks for an agent, then the agent for work.

        As long as other agents are still being asked (broadcast) it stays with them.
        """
        if interaction.current is not None:
            self.serve(agent)
            return
        self.back_to_queued(interaction, reason)
        if interaction.patience is not None and interaction.patience.deadline is None:
            entry.leave_overdue(self, interaction)
        else:
            self.place(interaction)
        self.serve(agent)

    def back_to_queued(self, interaction: Interaction, reason: str) -> None:
        """An offered or active interaction waits again, say so; it is not in the line yet."""
        interaction.state = _INTERACTION[interaction.state]["requeue"]
        self.events.append(InteractionRequeued(interaction.id, reason))

    def rekey(self, interaction: Interaction) -> None:
        """Compute the key anew, after a change of place, priority or queue settings; in line or not."""
        key_us = interaction.queue.key_us(interaction.place_at, interaction.priority)
        if key_us == interaction.key:
            return
        waits = interaction.ticket is not None
        if waits:
            self.leave(interaction)
        interaction.key = key_us
        if waits:
            self.wait(interaction)

    def park(self, interaction: Interaction) -> None:
        """Tell the channel to keep the customer waiting."""
        self.effects.append(ParkInteraction(interaction.id, interaction.request.instance))

    def close(self, interaction: Interaction, trigger: str) -> None:
        """The interaction ends: no more exclusions, no more waiting in its queue."""
        if interaction.state in _UNANSWERED:
            interaction.queue.unanswered -= 1
        if interaction.appointment is not None:
            callbacks.drop(interaction)
        if interaction.reaching is not None:
            calling.stop(self, interaction)
        request = interaction.request
        if request.kind == "callback" and self.callbacks.get((request.customer, request.queue)) == interaction.id:
            del self.callbacks[request.customer, request.queue]
        if interaction.parent is not None:
            consulting.unlink(interaction)
        interaction.state = _INTERACTION[interaction.state][trigger]
        self.end_stay(interaction)
        if interaction.exclusions:
            for agent_id in list(interaction.exclusions):
                self.lift(interaction, agent_id)

    def end_stay(self, interaction: Interaction) -> None:
        """The interaction leaves its queue, or ends: nothing that counted from its entry is pending any more."""
        if interaction.held is not None:
            holding.drop(self, interaction)
        if interaction.next_step is not None:
            relaxing.unschedule(interaction)
        if interaction.patience is not None:
            patience.drop(interaction)
        if interaction.opening is not None:
            levels.drop(interaction)

    def is_taken(self, interaction_id: str) -> bool:
        """Whether it is the id of an interaction that lives or has ended lately, or names work that still goes on."""
        return (
            interaction_id in self.interactions
            or self.ended_interactions.get(interaction_id) is not None
            or self.lent.get(interaction_id) in self.work
        )

    def lend(self, work: Work, consult_id: str) -> None:
        """Work that began in a consult goes on with its parent: until it ends, the consult's id must not come again."""
        self.lent = {name: offer_id for name, offer_id in self.lent.items() if offer_id in self.work}
        self.lent[consult_id] = work.offer_id

    def forget_if_done(self, interaction: Interaction) -> None:
        """Forget an interaction that has ended and has no work item left."""
        if interaction.open_work or _INTERACTION[interaction.state]:
            return
        del self.interactions[interaction.id]
        self.ended_interactions.add(interaction.id, interaction.state)
        interaction.cls.users -= 1
        queue = interaction.queue
        queue.live -= 1
        if queue.retired:
            self.forget_if_empty(queue)

    def forget_if_empty(self, queue: Queue) -> None:
        """Forget a retired queue that has no interaction left."""
        if queue.retired and not queue.live:
            self.remove_queue(queue)

    def remove_queue(self, queue: Queue) -> None:
        """Nobody is in it: it is gone, and its alarms with it."""
        del self.queues[queue.id]
        for kind in sorted(queue.alarms):
            alarm = queue.alarms[kind]
            lasted_us = self.now_us - alarm.since_us
            self.events.append(AlarmCleared(queue.id, kind, alarm.value, alarm.threshold, lasted_us))
        self.events.append(QueueRemoved(queue.id))
