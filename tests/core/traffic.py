"""Random commands for the engine: a world of agents and queues, and what happens in it, from one source of randomness.

Owns what is likely. Looks at the naive model only, never at an engine, so that every engine gets the same commands.
`random` may be a seeded `Random` or Hypothesis' own, which shrinks.
"""

from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import Final, get_args

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_model import Model
from tests.core.traffic_settings import CHANNELS, SECOND, Scores
from tests.core.traffic_update import UpdateTraffic

WEIGHTS: Final[dict[str, float]] = {
    "enqueue": 18,
    "accept": 15,
    "decline": 4,
    "fail": 4,
    "end": 11,
    "cancel": 3,
    "requeue": 3,
    "reprioritize": 2,
    "move": 3,
    "update": 5,
    "recall": 2,
    "note": 2,
    "supervise": 1,
    "hold": 4,
    "resume": 3,
    "end_wrap_up": 4,
    "request_wrap_up": 2.5,
    "extend_wrap_up": 4,
    "set_disposition": 2.5,
    "transfer": 4,
    "set_presence": 7,
    "sign_in": 6,
    "sign_out": 2,
    "tick": 5,
    "apply_config": 1.5,
    "configure_agents": 3,
    "recover": 0.7,
    "open_queue": 2,
    "note_estimate": 1.5,
    "note_alarm": 2,
    "fail_callback": 3,
    "note_reached": 4,
    "call_back": 1,
    "close_queue": 0.7,
    "repeat": 1.5,
    "consult": 8,
    "merge_consult": 14,
    "leave": 3,
    "note_device": 5,
}

ALARMS: Final[tuple[m.AlarmKind, ...]] = get_args(m.AlarmKind)

KINDS: Final = tuple(WEIGHTS)
SHARES: Final = tuple(accumulate(WEIGHTS.values()))


class Traffic(UpdateTraffic):
    """One world. `trees` is what the model needs to understand its requirements."""

    def __init__(
        self, random: Random, *, agents: int | None = None, disorder: float = 0.1, scores: Scores = ()
    ) -> None:
        """As `SettingsTraffic`."""
        super().__init__(random, agents=agents, disorder=disorder, scores=scores)
        self.now_us = random.choice((0, 1_753_000_000_123_457))
        self.issued: list[m.Command] = []

    def next(self, model: Model) -> tuple[m.Command, int]:
        """The next command and its time."""
        self.commands += 1
        due = model.next_deadline()
        self._let_time_pass(due)
        command = self._first() if self.commands <= 1 + len(self.agent_ids) else self._any(model, due)
        self.issued = [*self.issued[-30:], command]
        return command, self.now_us

    # ---- the choice

    def _first(self) -> m.Command:
        """A configuration, and everybody comes in."""
        if self.commands == 1:
            return m.ApplyConfig(self._id(), self.settings)
        return m.SignInAgent(self._id(), self.agent_ids[self.commands - 2], ready=self._chance(0.9))

    def _any(self, model: Model, due: int | None) -> m.Command:
        if due is not None and due <= self.now_us and self._chance(0.6):
            return m.Tick(self._id())
        while True:
            (kind,) = self.random.choices(KINDS, cum_weights=SHARES)
            make: Callable[[Model], m.Command | None] = getattr(self, f"_{kind}")
            command = make(model)
            if command is not None:
                return command

    def _let_time_pass(self, due: int | None) -> None:
        dice = self.random.random()
        # Customers come in bursts, so that places tie.
        if dice < 0.35 or (dice < 0.6 and self.issued and isinstance(self.issued[-1], m.EnqueueInteraction)):
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
        if self._chance(0.15):
            instead = self._instead(model, interaction_id)
            if instead is not None:
                return instead
        return m.EnqueueInteraction(
            self._id(),
            interaction_id,
            self.random.choices(CHANNELS, (5, 3, 2))[0],
            self._pick((*self.queue_ids, *self.queue_ids, *self.queue_ids, "q-unheard-of")),
            requirement=self._own_requirement(),
            preferences=self._preferences(),
            priority=self.random.choice((0, 0, 0, 0, 1, 2, -1, 1_000, -1_000)),
            attributes=self._attributes(),
            customer=self.random.choice(("", "person-1", "person-2", "person-3", f"person-{self.interactions}")),
            instance=self.random.choice(("pbx-1", "pbx-1", "")),
            preferred_agent=self._anybody() if self._chance(0.2) else "",
            kind="callback" if self._chance(0.15) else "live",
            not_before_us=max(0, self.now_us + self.random.choice((-1, 0, 1, 10 * SECOND))) if self._chance(0.1) else 0,
        )

    def _instead(self, model: Model, interaction_id: str) -> m.Command | None:
        """Somebody who has written would rather call; now and then it is another's chat, or waits no more."""
        before = self._interaction(model, ("queued", "queued", "offered", "active"))
        if before is None or not (before.request.customer or self._stray()):
            return None
        return m.EnqueueInteraction(
            self._id(),
            interaction_id,
            self.random.choices(CHANNELS, (5, 3, 2))[0],
            self._pick(self.queue_ids) if self._stray() else before.queue.settings.id,
            requirement=before.request.requirement,
            customer="person-1" if self._stray() else before.request.customer,
            instance="pbx-1",
            preferred_agent=self._anybody() if self._chance(0.2) else "",
            kind="callback" if self._stray() else "live",
            place_of="" if self._stray() else self._interaction_id(model, before),
            end_reason=self.random.choice(("", "called", "called")),
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

    def _reprioritize(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("queued", "queued", "offered"))
        if interaction is None:
            return None
        priority = self.random.choice((-1_000, -2, 0, 1, 3, 1_000))
        return m.ReprioritizeInteraction(self._id(), self._interaction_id(model, interaction), priority)

    def _move(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("queued", "queued", "offered"))
        if interaction is None:
            return None
        queue = "q-unheard-of" if self._stray() else self._pick(self.queue_ids)
        kept = self._chance(0.6)
        return m.MoveInteraction(self._id(), self._interaction_id(model, interaction), queue, kept, "by-hand")

    def _call_back(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("queued", "queued", "offered"))
        if interaction is None:
            return None
        return m.CallBackInteraction(
            self._id(), self._interaction_id(model, interaction), self._pick(("callback", "web"))
        )

    def _recall(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("offered",))
        if interaction is None:
            return None
        return m.RecallInteraction(self._id(), self._interaction_id(model, interaction))

    def _hold(self, model: Model) -> m.Command | None:
        return self._on_work(model, m.HoldWork, "active")

    def _resume(self, model: Model) -> m.Command | None:
        return self._on_work(model, m.ResumeWork, "held")

    def _end_wrap_up(self, model: Model) -> m.Command | None:
        return self._on_work(model, m.EndWrapUp, "wrap-up")

    def _request_wrap_up(self, model: Model) -> m.Command | None:
        """Mostly where it is for the asking."""
        willing = [each for each in model.work if each.interaction.queue.settings.wrap_up_policy == "optional"]
        work = self._one([each for each in willing if each.state in {"active", "held"}])
        if work is None or self._stray():
            work = self._work(model, "active") if self._chance(0.2) else None
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        return m.RequestWrapUp(self._id(), agent_id, self._interaction_id(model, work.interaction))

    def _extend_wrap_up(self, model: Model) -> m.Command | None:
        willing = [each for each in model.work if each.interaction.queue.settings.wrap_up_policy == "extended"]
        work = self._one([each for each in willing if each.state == "wrap-up"])
        if work is None or self._stray():
            work = self._work(model, "wrap-up") if self._chance(0.2) else None
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        by = self.random.choice((1, 5 * SECOND, 90 * SECOND))
        return m.ExtendWrapUp(self._id(), agent_id, self._interaction_id(model, work.interaction), by)

    def _set_disposition(self, model: Model) -> m.Command | None:
        work = self._work(model, "active", "held", "wrap-up")
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        known = work.interaction.queue.settings.dispositions
        code = self._pick(known) if known and not self._stray() else "no-such-code"
        return m.SetDisposition(self._id(), agent_id, self._interaction_id(model, work.interaction), code)

    def _transfer(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("active",))
        work = None if interaction is None else model.current(interaction)
        if interaction is None or (work is None and not self._stray()):
            return None
        agent_id = self._anybody() if work is None or self._stray() else work.agent.settings.id
        to_agent = self._anybody() if self._chance(0.4) else ""
        to_queue = self._pick((*self.queue_ids, "q-unheard-of")) if not to_agent or self._chance(0.2) else ""
        return m.TransferInteraction(
            self._id(),
            self._interaction_id(model, interaction),
            agent_id,
            "" if self._stray() else to_queue,
            agent_id if self._stray() else to_agent,
            with_context=self._chance(0.6),
            reason=self._pick(("", "wrong-department")),
        )

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
        return m.Recover(self._id(), self.random.choice((0, 5 * SECOND, 60 * SECOND)), self._chance(0.7))

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

    def _fail_callback(self, model: Model) -> m.Command | None:
        active = [each for each in model.interactions if each.state in {"active", "reaching"}]
        calls = [each for each in active if each.request.kind == "callback" or self._stray()]
        found = self._one(calls)
        if found is None:
            return None
        attempt = self.random.choice((0, 0, found.attempts + 1, 1))
        called = not self._chance(0.3)
        return m.FailCallback(self._id(), self._interaction_id(model, found), "no-answer", attempt, called)

    def _note_reached(self, model: Model) -> m.Command | None:
        found = self._interaction(model, ("reaching",))
        if found is None:
            return None
        attempt = 1 if self._stray() else found.attempts + 1
        return m.NoteReached(self._id(), self._interaction_id(model, found), attempt)

    def _open_queue(self, model: Model) -> m.Command | None:
        closed = [each.settings.id for each in model.queues if each.closed is not None or self._stray()]
        return m.OpenQueue(self._id(), self._pick((*closed, *self._unheard_of()))) if closed else None

    def _close_queue(self, _model: Model) -> m.Command:
        queue_id = self._pick((*self.queue_ids, *self._unheard_of()))
        return m.CloseQueue(self._id(), queue_id, self._pick(("", "night", "holiday")))

    def _note_estimate(self, _model: Model) -> m.Command:
        queue_id = self._pick((*self.queue_ids, *self._unheard_of()))
        return m.NoteEstimate(self._id(), queue_id, self.random.choice((-1, 0, SECOND, 20 * SECOND, 60 * SECOND)))

    def _note_alarm(self, _model: Model) -> m.Command:
        queue_id = self._pick((*self.queue_ids, *self._unheard_of()))
        raised, value = self._chance(0.6), self.random.randrange(3)
        return m.NoteAlarm(self._id(), queue_id, self.random.choice(ALARMS), raised, value, 2)

    def _note_device(self, _model: Model) -> m.Command:
        lasts = self.random.choice((1, 5 * SECOND, 40 * SECOND, 40 * SECOND, limits.USUAL_VETO_US))
        state = self.random.choice(("in-use", "unavailable", "clear", "clear"))
        channel = self.random.choices(CHANNELS, (5, 3, 2))[0]
        agent_id = self._anybody()
        return m.NoteDevice(self._id(), agent_id, channel, state, lasts)  # type: ignore[arg-type]

    def _on_work(
        self, model: Model, kind: type[m.HoldWork | m.ResumeWork | m.EndWrapUp], state: str
    ) -> m.Command | None:
        work = self._work(model, state)
        if work is None:
            return None
        agent_id = self._anybody() if self._stray() else work.agent.settings.id
        return kind(self._id(), agent_id, self._interaction_id(model, work.interaction))


def _renamed(command: m.Command, command_id: str) -> m.Command:
    """The same command under another id."""
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**{**fields, "id": command_id})
