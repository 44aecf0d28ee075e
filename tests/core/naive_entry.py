# ruff: noqa: N802 - each on_… carries the name of its command
"""The naive model's entry and overflow: what a queue does with whoever comes in, by the letter of ARCHITECTURE.md.

As `naive_rules`: brute force, for reading. `naive_model` has the other commands.
"""

from dataclasses import dataclass, field

import msgspec

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_callbacks import Callbacks, called_by
from tests.core.naive_rules import Agent, Interaction, Patience, Queue, Refused
from tests.core.naive_state import Alarm
from tests.core.naive_supervision import Supervision


@dataclass
class Route:
    """The queues that it is handed on to, and why; and why it is let go at the end, if it is."""

    hops: list[tuple[Queue, str]] = field(default_factory=list)
    released: str = ""
    called_back: bool = False


class Entry(Callbacks, Supervision):
    """Queues that open and close, and what follows from their settings."""

    def on_OpenQueue(self, command: m.OpenQueue) -> None:
        queue = self.queue(command.queue)
        if queue.closed is not None:
            queue.closed = None
            self.events.append(m.QueueOpened(command.queue))
            self.let_in(queue)

    def on_CloseQueue(self, command: m.CloseQueue) -> None:
        queue = self.queue(command.queue)
        if queue.closed != command.reason:
            queue.closed = command.reason
            self.events.append(m.QueueClosed(command.queue, command.reason))

    def on_NoteEstimate(self, command: m.NoteEstimate) -> None:
        self.queue(command.queue).estimate = command.estimated_wait_us

    def on_NoteAlarm(self, command: m.NoteAlarm) -> None:
        known = [each for each in self.queues if each.settings.id == command.queue]
        if not known or (command.raised and known[0].retired):
            raise Refused("unknown-queue")
        alarms = known[0].alarms
        if command.raised and command.alarm not in alarms:
            alarms[command.alarm] = Alarm(self.now, command.value, command.threshold)
            self.events.append(m.AlarmRaised(command.queue, command.alarm, command.value, command.threshold))
        elif not command.raised and command.alarm in alarms:
            was = alarms.pop(command.alarm)
            lasted = self.now - was.since
            self.events.append(m.AlarmCleared(command.queue, command.alarm, command.value, was.threshold, lasted))

    def bad_action(self, settings: m.CoreSettings) -> bool:
        names = [queue.id for queue in settings.queues]
        return any(
            action.kind == "queue" and (action.queue == queue.id or action.queue not in names)
            for queue in settings.queues
            for action in (queue.when_closed, queue.when_unstaffed, queue.when_full, queue.when_overdue)
        ) or any(queue.when_overdue.kind == "refuse" for queue in settings.queues)

    def former(self, request: m.EnqueueInteraction, queue: Queue) -> Interaction | None:
        """Whose place in line it takes, if it names one that it can take."""
        for each in self.interactions:
            if request.place_of == each.request.interaction_id and each.state in {"queued", "offered"}:
                own = request.customer != "" and each.request.customer == request.customer
                return each if own and each.queue is queue and not request.parent else None
        return None

    def go_on(self, interaction: Interaction, former: Interaction) -> None:
        """It has been there for as long, and the same steps are done."""
        interaction.entered_at = former.entered_at
        interaction.steps_until, interaction.instead = former.steps_until, former.instead
        interaction.own_dropped, interaction.wider = former.own_dropped, list(former.wider)

    def route(
        self, request: m.EnqueueInteraction, queue: Queue, hops_before: int, former: Interaction | None = None
    ) -> Route:
        """Raises `Refused`; so does whoever would put an end to another one, and have no line to wait in."""
        route = Route()
        while True:
            situation, action = self.situation(request, queue, is_in=former is not None and not route.hops)
            if action.kind == "wait":
                return route
            refused = Refused({"unstaffed": "queue-unstaffed", "full": "queue-full"}.get(situation, "queue-closed"))
            targets = [each for each in self.queues if each.settings.id == action.queue and not each.retired]
            lost = action.kind != "queue" or hops_before + len(route.hops) >= limits.MAX_HOPS or not targets
            if action.kind == "refuse" or (former is not None and request.end_reason and lost):
                raise refused
            reason = action.reason or situation or "closed"
            if situation not in {"unstaffed", "full"}:
                reason = action.reason or queue.closed or "closed"
            if action.kind == "release":
                route.released = reason
                return route
            if action.kind == "callback":
                route.called_back = True
                route.released = action.reason or "callback"
                return route
            if hops_before + len(route.hops) >= limits.MAX_HOPS:
                route.released = "overflow-loop"
                return route
            if not targets:
                route.released = "queue-gone"
                return route
            queue = targets[0]
            route.hops.append((queue, reason))

    def situation(self, request: m.EnqueueInteraction, queue: Queue, *, is_in: bool) -> tuple[str, m.Action]:
        """The first that is not overlooked: its name, and what the settings say; `wait` if there is none."""
        settings = queue.settings
        if not is_in and queue.closed is not None and settings.when_closed.kind != "wait":
            return "", settings.when_closed
        if settings.when_unstaffed.kind != "wait" and not self.staff(request, queue):
            return "unstaffed", settings.when_unstaffed
        unanswered = [each for each in self.interactions if each.queue is queue and each.state in {"queued", "offered"}]
        if not is_in and settings.when_full.kind != "wait" and len(unanswered) >= settings.max_waiting:
            return "full", settings.when_full
        return "", m.Action("wait")

    def staff(self, request: m.EnqueueInteraction, queue: Queue) -> list[Agent]:
        """Who is signed in and could ever take it."""
        wanted = Interaction(request, queue, 0, 0)
        return [agent for agent in self.agents if self.is_worth_waiting_for(agent, wanted)]

    def follow(self, interaction: Interaction, route: Route) -> bool:
        """False if it is let go at the end."""
        for queue, reason in route.hops:
            interaction.hops += 1
            self.move_to_queue(interaction, queue, reason, keep_place=True)
        if route.called_back:
            self.call_back(interaction, route.released)
        elif route.released:
            self.overflow(interaction, route.released)
        return not route.released

    def lose_patience(self, patience: Patience) -> None:
        """The queue has kept it for as long as it keeps any; what rings may go on ringing."""
        patience.deadline = None
        if patience.interaction.state == "queued":
            self.leave_overdue(patience.interaction)

    def place_again(self, interaction: Interaction) -> None:
        if interaction.patience is not None and interaction.patience.deadline is None:
            self.leave_overdue(interaction)
        else:
            self.place(interaction)

    def leave_overdue(self, interaction: Interaction) -> None:
        interaction.patience = None
        action = interaction.queue.settings.when_overdue
        reason = action.reason or "overdue"
        targets = [each for each in self.queues if each.settings.id == action.queue and not each.retired]
        if action.kind == "wait":
            self.place(interaction)
        elif action.kind == "release":
            self.overflow(interaction, reason)
        elif action.kind == "callback":
            self.call_back(interaction, action.reason or "callback")
        elif interaction.hops == limits.MAX_HOPS:
            self.overflow(interaction, "overflow-loop")
        elif not targets:
            self.overflow(interaction, "queue-gone")
        else:
            try:
                route = self.route(interaction.request, targets[0], interaction.hops + 1)
            except Refused as refused:
                self.overflow(interaction, str(refused))
                return
            route.hops.insert(0, (targets[0], reason))
            if self.follow(interaction, route):
                self.begin_stay(interaction)
                self.place(interaction)

    def no_callback(self, interaction: Interaction) -> str:
        request = interaction.request
        if self.callback_of(request.customer, interaction.queue) is not None:
            return "duplicate-callback"
        name = f"{request.interaction_id}~cb"
        too_long = len(name) > limits.MAX_INTERACTION_ID
        nobody = request.kind == "callback" or request.parent or not request.customer
        return "callback-impossible" if nobody or too_long or self.is_known(name) else ""

    def call_back(self, interaction: Interaction, reason: str) -> None:
        """Let it go, with a callback in its place if there can be one."""
        request, queue = interaction.request, interaction.queue
        name = f"{request.interaction_id}~cb"
        if why_not := self.no_callback(interaction):
            self.overflow(interaction, why_not)
            return
        changes = {"interaction_id": name, "queue": queue.settings.id, "kind": "callback"}
        changes["instance"] = called_by(request, queue)
        callback = self.admit(msgspec.structs.replace(request, **changes, not_before_us=0), queue, interaction)
        self.overflow(interaction, reason)
        callback.preferred, callback.preferred_by = interaction.preferred, interaction.preferred_by
        if queue.closed is None:
            self.begin_stay(callback)
            self.place(callback)
        else:
            self.schedule(callback, self.now)

    def overflow(self, interaction: Interaction, reason: str) -> None:
        interaction.state = "overflowed"
        interaction.parent = None
        interaction.exclusions = []
        interaction.hold = interaction.patience = interaction.opening = interaction.step = None
        request = interaction.request
        waited = self.now - interaction.enqueued_at
        self.events.append(m.InteractionOverflowed(request.interaction_id, waited, reason))
        self.effects.append(m.ReleaseInteraction(request.interaction_id, request.instance, reason))
        self.forget_if_done(interaction)
