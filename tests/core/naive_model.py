# ruff: noqa: N802 - each on_… carries the name of its command
"""The naive model: what `Engine.apply` must return for every command, by the letter of ARCHITECTURE.md.

Each `on_…` is one row of the table "What each command does", in the order in which the row names things.
Requirements are trees of tuples, which the test's generator renders to text for the engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

import acd.core.messages as m
from acd.core import limits
from acd.core.messages.settings import STRATEGIES
from tests.core.naive_conference import Conference
from tests.core.naive_device import Devices
from tests.core.naive_ending import Ending
from tests.core.naive_levels import LevelRules
from tests.core.naive_requirement import Tree
from tests.core.naive_reserve import Reserving
from tests.core.naive_rules import Refused, keep
from tests.core.naive_state import (
    Agent,
    Appointment,
    Exclusion,
    Hold,
    NextStep,
    Opening,
    Patience,
    Queue,
    Reaching,
    Veto,
    Work,
)
from tests.core.naive_update import Update


@dataclass
class Prediction:
    """What `Engine.apply` must return; `refusal` is the code alone."""

    refusal: str | None = None
    events: list[m.Event] = field(default_factory=list)
    effects: list[m.Effect] = field(default_factory=list)


class Model(Reserving, LevelRules, Ending, Conference, Update, Devices):
    """The rules and the commands; `apply` and `next_deadline` are as the engine's."""

    def __init__(self, trees: Mapping[str, Tree]) -> None:
        super().__init__(trees)
        self.outcomes: dict[str, Prediction] = {}
        self.last_agents = []

    def apply(self, command: m.Command, now_us: int) -> Prediction:
        self.now = now_us
        if command.id in self.outcomes:
            return self.outcomes[command.id]
        self.events, self.effects = [], []
        handle: Callable[[Any], None] = getattr(self, f"on_{type(command).__name__}")
        try:
            handle(command)
            self.open_up()
            prediction = Prediction(None, self.events, self.effects)
        except Refused as refused:
            assert not self.events, "refused after something had happened"
            prediction = Prediction(str(refused))
        keep(self.outcomes, command.id, prediction, limits.OUTCOME_WINDOW)
        return prediction

    # ---- configuration

    def on_ApplyConfig(self, command: m.ApplyConfig) -> None:
        settings = command.settings
        self.check_settings(settings)
        self.settings = settings
        self.events.append(m.ConfigApplied(settings, ""))
        if not self.somebody_asks():
            self.last_agents = []
        delays = {queue.settings.id: queue.settings.level_delays_us for queue in self.queues}
        self.change_queues({each.id: each for each in settings.queues})
        self.change_agents({each.id: each for each in settings.agents})
        self.revise_levels(delays)
        self.change_steps()
        queued = [each for each in self.interactions if each.state == "queued"]
        for interaction in sorted(queued, key=self.place_in_line):
            self.reconsider_hold(interaction)
            self.place(interaction)
        for queue in sorted(self.queues, key=lambda each: each.settings.id):
            if queue.retired and queue.closed is not None:
                self.let_in(queue)

    def check_settings(self, settings: m.CoreSettings) -> None:
        if settings.semantics != 1:
            raise Refused("unsupported-semantics")
        self.check_agents(settings.agents)
        named = [[each.id for each in settings.queues], [name for name, _ in settings.scores]]
        named += [list(queue.dispositions) for queue in settings.queues]
        if any(len(set(names)) < len(names) for names in named):
            raise Refused("duplicate-entity")
        if self.bad_action(settings):
            raise Refused("bad-action")
        if any(queue.requirement.strip() and queue.requirement not in self.trees for queue in settings.queues):
            raise Refused("bad-requirement")
        self.check_steps(settings)
        for name, code_hash in settings.scores:
            if name not in self.strategies:
                raise Refused("unknown-strategy")
            if self.strategies[name] != code_hash:
                raise Refused("strategy-changed")
        known = [*STRATEGIES, *(f"score:{name}" for name, _ in settings.scores)]
        if any(queue.strategy not in known for queue in settings.queues):
            raise Refused("unknown-strategy")

    def check_agents(self, agents: Sequence[m.AgentSettings], removed: Sequence[str] = ()) -> None:
        named = [[*[each.id for each in agents], *removed]]
        for agent in agents:
            named += [[skill for skill, _ in agent.skills], list(agent.labels), list(agent.queues)]
            named += [[queue for queue, _ in agent.levels]]
            named += [[share.channel for share in agent.capacity.channels]]
            named += [list(share.interrupts) for share in agent.capacity.channels]
        if any(len(set(names)) < len(names) for names in named):
            raise Refused("duplicate-entity")

    def change_queues(self, named: dict[str, m.QueueSettings]) -> None:
        for queue in sorted(self.queues, key=lambda each: each.settings.id):
            if queue.settings.id in named:
                queue.settings = named[queue.settings.id]
                if queue.settings.strategy != "round-robin":
                    queue.last_turn = None
                queue.retired = False
            elif self.is_in_use(queue):
                queue.retired = True
            else:
                self.remove_queue(queue)
        known = [queue.settings.id for queue in self.queues]
        self.queues += [Queue(settings) for queue_id, settings in named.items() if queue_id not in known]

    def change_agents(self, named: dict[str, m.AgentSettings]) -> None:
        for agent in sorted(self.agents, key=lambda each: each.settings.id):
            if agent.settings.id not in named:
                self.retire(agent)
        self.configured(named)

    def retire(self, agent: Agent) -> None:
        if agent.retired:
            return
        agent.retired = True
        if agent.presence != "signed-out":
            self.rest(agent, "signed-out", "removed")
        if not self.work_of(agent):
            self.forget_agent(agent)

    def configured(self, named: dict[str, m.AgentSettings]) -> None:
        for agent in self.agents:
            if agent.settings.id in named:
                agent.change(named[agent.settings.id])
                agent.retired = False
        known = [agent.settings.id for agent in self.agents]
        self.agents += [Agent(settings) for agent_id, settings in named.items() if agent_id not in known]

    def on_ConfigureAgents(self, command: m.ConfigureAgents) -> None:
        changed = {each.id: each for each in command.agents}
        self.check_agents(command.agents, command.remove)
        if any(self.agent(each).retired for each in command.remove):
            raise Refused("unknown-agent")
        self.events.append(m.AgentsConfigured(command.agents, command.remove))
        left = [each for each in self.settings.agents if each.id not in {*changed, *command.remove}]
        agents = tuple(sorted((*left, *command.agents), key=lambda each: each.id))
        self.settings = msgspec.structs.replace(self.settings, agents=agents)
        held = [each for each in self.interactions if each.hold and each.preferred in {*changed, *command.remove}]
        for agent_id in sorted(command.remove):
            self.retire(self.agent(agent_id))
        self.configured(changed)
        for interaction in sorted(held, key=self.place_in_line):
            self.reconsider_hold(interaction)
            self.place(interaction)
        for agent_id in sorted(changed):
            self.serve(self.agent(agent_id))

    # ---- agents

    def on_SignInAgent(self, command: m.SignInAgent) -> None:
        agent = self.agent(command.agent_id)
        if agent.retired:
            raise Refused("unknown-agent")
        if agent.presence != "signed-out":
            raise Refused("already-signed-in")
        self.enter(agent, "not-ready", command.reason)
        if command.ready:
            self.enter(agent, "ready", "")
            self.restart_idle(agent)
            self.serve(agent)

    def on_SignOutAgent(self, command: m.SignOutAgent) -> None:
        agent = self.agent(command.agent_id)
        if agent.presence == "signed-out":
            raise Refused("signed-out")
        if agent.retired:
            return
        self.rest(agent, "signed-out", "")
        self.see_off(agent)

    def on_SetPresence(self, command: m.SetPresence) -> None:
        agent = self.agent(command.agent_id)
        ready = command.presence == "ready"
        if ready and agent.retired:
            raise Refused("unknown-agent")
        if agent.presence == "signed-out":
            raise Refused("signed-out")
        if not ready:
            if not agent.retired:
                self.rest(agent, "not-ready", command.reason)
        elif agent.presence != "ready":
            if agent.presence == "not-ready":
                self.restart_idle(agent)
            self.enter(agent, "ready", "")
            self.serve(agent)

    def on_HoldWork(self, command: m.HoldWork) -> None:
        work = self.work_on(command.agent_id, command.interaction_id)
        if work.state != "active":
            raise Refused("work-not-active")
        work.state = "held"
        self.events.append(m.WorkHeld(command.agent_id, command.interaction_id))

    def on_ResumeWork(self, command: m.ResumeWork) -> None:
        work = self.work_on(command.agent_id, command.interaction_id)
        if work.state != "held":
            raise Refused("work-not-held")
        work.state = "active"
        self.events.append(m.WorkResumed(command.agent_id, command.interaction_id))

    # ---- interactions

    def on_EnqueueInteraction(self, command: m.EnqueueInteraction) -> None:
        if self.is_known(command.interaction_id):
            raise Refused("duplicate-interaction")
        queue = self.queue(command.queue)
        if command.requirement.strip() and command.requirement not in self.trees:
            raise Refused("bad-requirement")
        if command.requirement.strip() and self.misspelt(command, queue):
            raise Refused("unknown-skill")
        parent = self.parent_of(command) if command.parent else None
        former = self.former(command, queue)
        aside = command.kind == "callback" or command.not_before_us > self.now
        if command.end_reason and (aside or former is None or former.state != "queued"):
            raise Refused("no-such-place")
        if aside:
            self.set_aside(command, queue)
            return
        route = self.route(command, queue, 0, former)
        interaction = self.admit(command, queue, former)
        if former is not None:
            self.go_on(interaction, former)
            if command.end_reason:
                self.give_up(former, command.end_reason, abandoned=False, instead=command.interaction_id)
                if not command.preferred_agent:
                    interaction.preferred, interaction.preferred_by = former.preferred, former.preferred_by
        interaction.parent = parent
        asks = self.who_asks(interaction)
        interaction.asking = "" if asks is None else asks.settings.id
        if self.follow(interaction, route):
            name, instance = command.interaction_id, command.instance
            if asks is None:
                self.effects.append(m.ParkInteraction(name, instance))
            else:
                self.effects.append(m.OpenConsult(name, instance, command.parent, asks.settings.id))
            self.begin_stay(interaction)
            self.place(interaction)

    def on_EndInteraction(self, command: m.EndInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        if interaction.state == "active":
            self.complete(interaction, command.by, command.reason)
        elif command.by == "agent":
            raise Refused("interaction-not-active")
        else:
            self.give_up(interaction, command.reason, abandoned=command.by == "customer")

    def on_CancelInteraction(self, command: m.CancelInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        if interaction.state == "active":
            raise Refused("interaction-active")
        self.give_up(interaction, command.reason, abandoned=False)

    def on_RequeueInteraction(self, command: m.RequeueInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        work = self.current(interaction)
        if interaction.state != "active" or work is None:
            raise Refused("interaction-not-active")
        if interaction.guests:
            self.step_out(work, command.reason)
            self.end_work(work)
            self.serve(work.agent)
            return
        self.end_consults(interaction)
        self.exclude(interaction, work.agent)
        self.end_work(work)
        self.effects.append(m.ParkInteraction(command.interaction_id, interaction.request.instance))
        self.schedule_step(interaction)
        self.begin_patience(interaction)
        self.back_to_the_line(interaction, work.agent, command.reason)

    # ---- offers

    def on_AcceptOffer(self, command: m.AcceptOffer) -> None:
        work = self.offer_of(command.offer_id, command.agent_id)
        interaction = work.interaction
        request = interaction.request
        interaction.state = work.state = "active"
        interaction.reached = True
        interaction.patience = interaction.step = None
        work.since = self.now
        work.deadline = None
        waited, rang = self.now - interaction.enqueued_at, self.now - work.offered_at
        self.events.append(m.OfferAccepted(command.offer_id, request.interaction_id, command.agent_id, waited, rang))
        self.effects.append(
            m.ConnectInteraction(command.offer_id, request.interaction_id, command.agent_id, request.instance)
        )
        for loser in self.pending(interaction):
            agent_id = loser.agent.settings.id
            self.events.append(m.OfferRescinded(loser.offer_id, request.interaction_id, agent_id))
            self.drop_offer(loser, "rescinded", "rescinded")
            self.settle(loser.agent)
            self.serve(loser.agent)

    def on_DeclineOffer(self, command: m.DeclineOffer) -> None:
        work = self.offer_of(command.offer_id, command.agent_id)
        self.decline(work, command.reason, "declined")

    def on_FailOffer(self, command: m.FailOffer) -> None:
        work = self.offer_of(command.offer_id, None)
        if command.reason == "busy":
            self.decline(work, "busy", "busy")
            return
        self.revoke(work, command.reason)
        if command.reason == "failed":
            self.exclude(work.interaction, work.agent)
        elif work.agent.presence != "draining":
            self.rest(work.agent, "not-ready", "unreachable")
        self.settle(work.agent)
        self.back_to_the_line(work.interaction, work.agent, command.reason)

    def decline(self, work: Work, reason: str, revoked: str) -> None:
        agent = work.agent
        name = work.interaction.request.interaction_id
        self.events.append(m.OfferDeclined(work.offer_id, name, agent.settings.id, reason))
        self.drop_offer(work, "declined", revoked)
        self.exclude(work.interaction, agent)
        self.restart_idle(agent)
        self.settle(agent)
        self.back_to_the_line(work.interaction, agent, revoked)

    # ---- time

    def on_Tick(self, _command: m.Tick) -> None:
        for _ in range(limits.TICK_EXPIRIES):
            due = [owner for deadline, owner in self.deadlines() if deadline[0] <= self.now]
            if not due:
                return
            owner = due[0]
            if isinstance(owner, Exclusion):
                owner.interaction.exclusions.remove(owner)
                self.place(owner.interaction)
            elif isinstance(owner, Opening):
                self.open_level(owner.interaction)
            elif isinstance(owner, Hold):
                self.end_hold(owner.interaction, "timeout")
                self.place(owner.interaction)
            elif isinstance(owner, Appointment):
                self.fall_due(owner)
            elif isinstance(owner, Patience):
                self.lose_patience(owner)
            elif isinstance(owner, NextStep):
                self.take_step(owner.interaction)
            elif isinstance(owner, Reaching):
                self.miss(owner.interaction, "unanswered")
            elif isinstance(owner, Veto):
                self.lift_veto(owner, "expired")
            elif owner.state == "wrap-up":
                self.finish(owner)
            else:
                self.expire(owner)
            self.open_up()

    def expire(self, work: Work) -> None:
        agent = work.agent
        settings = work.interaction.queue.settings
        assert work.deadline is not None
        if work.excused or self.now - work.deadline[0] > settings.late_us:
            reason = "recovered" if work.excused else "late"
            self.revoke(work, reason)
        else:
            reason = "expired"
            name = work.interaction.request.interaction_id
            self.events.append(m.OfferExpired(work.offer_id, name, agent.settings.id))
            self.drop_offer(work, "expired", reason)
            self.restart_idle(agent)
            if settings.rona == "stay-ready" or settings.strategy == "broadcast":
                self.exclude(work.interaction, agent)
            elif agent.presence != "draining":
                self.rest(agent, "not-ready", "rona")
        self.settle(agent)
        self.back_to_the_line(work.interaction, agent, reason)

    def on_Recover(self, command: m.Recover) -> None:
        owners = [owner for _, owner in self.deadlines()]
        pending = [each for each in owners if isinstance(each, Work) and each.state == "offered"]
        called = [each for each in owners if command.customers and isinstance(each, Reaching)]
        for each in [each for each in owners if each in pending or each in called]:
            assert isinstance(each, Work | Reaching)
            assert each.deadline is not None
            if isinstance(each, Work):
                each.excused = True
            if each.deadline[0] < self.now + command.grace_us:
                each.deadline = (self.now + command.grace_us, self.next_seq())
        self.events.append(m.EngineRecovered(len(pending), self.now + command.grace_us, len(called)))
