"""What every kind of events does to the floor's rows.

Owns these folds: a table by kind. Must not know where events come from. A kind that says nothing about who waits, works
or was counted is let pass.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from acd.cli.wallboard.floor import AgentRow, DecisionRow, Floor, InteractionRow, WorkRow, micros
from acd.client import StreamEvent
from acd.core.messages import OfferMade
from acd.runtime.events import Cursor
from acd.runtime.records import Decision

RENEWING: Final = frozenset({"config-applied"})
"""Kinds after which everything has to be read anew: agents and queues may be others."""

_Fold = Callable[["Taking"], None]


class Taking:
    """One event on its way into the floor."""

    def __init__(self, floor: Floor, event: StreamEvent, cursor: Cursor) -> None:
        """`cursor`: the event's."""
        self.floor = floor
        self.event = event
        self.cursor = cursor
        self.data: Mapping[str, Any] = event.data

    @property
    def at_us(self) -> int:
        """When it happened."""
        return micros(self.event.time)

    def interaction(self) -> InteractionRow | None:
        """The interaction that it is about, unless its row knows the event already."""
        row = self.floor.interactions.get(self.data.get("interaction_id", ""))
        return None if row is None or self.cursor <= row.as_of else row

    def agent(self, name: str = "agent_id") -> AgentRow | None:
        """The agent that it names, unless the row knows the event already."""
        row = self.floor.agents.get(self.data.get(name, ""))
        return None if row is None or self.cursor <= row.as_of else row

    def work(self) -> WorkRow | None:
        """The agent's work item on the interaction, likewise."""
        agent = self.agent()
        return None if agent is None else agent.work.get(self.data["interaction_id"])

    def count(self, queue: str, *names: str) -> None:
        """Count it, in the interval of its moment."""
        interval = self.floor.interval(queue, self.event, self.cursor)
        if interval is not None:
            for name in names:
                setattr(interval, name, getattr(interval, name) + 1)


def take(floor: Floor, event: StreamEvent) -> bool:
    """Take in one event; False when all has to be read anew instead."""
    cursor = Cursor.parsed(event.cursor)
    if cursor is None or event.kind in RENEWING:
        return False
    fold = _FOLDS.get(event.kind)
    if fold is not None:
        fold(Taking(floor, event, cursor))
    if event.queue:
        floor.touched[event.queue] = None
    floor.as_of = cursor
    floor.at_us = max(floor.at_us, micros(event.time))
    return True


# ---- interactions


def _queued(taking: Taking) -> None:
    data, floor = taking.data, taking.floor
    taking.count(data["queue"], "entered")
    known = floor.interactions.get(data["interaction_id"])
    if known is None:
        row = InteractionRow(
            data["interaction_id"], data["queue"], data["channel"], "queued", taking.at_us, taking.cursor
        )
        floor.add(row)


def _moved(taking: Taking) -> None:
    taking.count(taking.data["to_queue"], "entered")
    row = taking.interaction()
    if row is not None:
        taking.floor.change(row, row.state, taking.data["to_queue"])


def _becomes(state: str) -> _Fold:
    def fold(taking: Taking) -> None:
        row = taking.interaction()
        if row is not None:
            taking.floor.change(row, state)

    return fold


def _comes_in(taking: Taking) -> None:
    """Only now it waits for an agent."""
    row = taking.interaction()
    if row is not None:
        row.enqueued_us = taking.at_us
        taking.floor.change(row, "queued")


def _ended(taking: Taking) -> None:
    row = taking.interaction()
    if row is not None:
        taking.floor.drop(row)


def _abandoned(taking: Taking) -> None:
    taking.count(taking.event.queue, "abandoned")
    _ended(taking)


# ---- offers


def _offered(taking: Taking) -> None:
    data, floor = taking.data, taking.floor
    row = taking.interaction()
    if row is not None:
        floor.change(row, "offered")
    agent = taking.agent()
    if data["agent_id"] not in floor.agents:
        # A limited token sees who has in hand what it sees.
        floor.changed_agents[data["agent_id"]] = None
    if agent is not None:
        known = floor.interactions.get(data["interaction_id"])
        agent.work[data["interaction_id"]] = WorkRow(
            data["interaction_id"],
            data["offer_id"],
            data["queue"],
            "" if known is None else known.channel,
            "offered",
            taking.at_us,
        )
    if taking.cursor > floor.decided_as_of:
        floor.decisions.append(DecisionRow(taking.at_us, data["queue"], _reason(taking)))


def _reason(taking: Taking) -> str:
    """In the engine's own words."""
    data = taking.data
    offer = OfferMade(
        offer_id=data["offer_id"],
        interaction_id=data["interaction_id"],
        agent_id=data["agent_id"],
        queue=data["queue"],
        expires_at_us=0,
        sought=data["sought"],
        strategy=data["strategy"],
        fit=data["fit"],
        load=data["load"],
        idle_us=round(data["idle_seconds"] * 1_000_000),
        waited_us=round(data["waited_seconds"] * 1_000_000),
    )
    return Decision(taking.at_us, offer).reason


def _accepted(taking: Taking) -> None:
    item = taking.work()
    if item is not None:
        item.state, item.since_us = "active", taking.at_us
    row = taking.floor.interactions.get(taking.data["interaction_id"])
    if row is None or not row.answered:
        queue = taking.floor.queues.get(taking.event.queue)
        in_time = queue is not None and taking.data["waited_seconds"] <= queue.threshold_seconds
        taking.count(taking.event.queue, "answered", *(("in_time",) if in_time else ()))
    row = taking.interaction()
    if row is not None:
        row.answered = True
        taking.floor.change(row, "active")


def _offer_ended(taking: Taking) -> None:
    agent, item = taking.agent(), taking.work()
    if agent is not None and item is not None and item.offer_id == taking.data["offer_id"]:
        del agent.work[item.interaction_id]


# ---- agents and their work


def _presence(taking: Taking) -> None:
    agent, data = taking.agent(), taking.data
    if agent is None:
        return
    if agent.presence != data["presence"]:
        agent.since_us = taking.at_us
    agent.presence, agent.reason, agent.next_presence = data["presence"], data["reason"], data["next_presence"]


def _device(taking: Taking) -> None:
    agent, data = taking.agent(), taking.data
    if agent is None:
        return
    agent.devices.pop(data["channel"], None)
    if "state" in data:
        agent.devices[data["channel"]] = data["state"]


def _work_becomes(state: str, *, anew: bool) -> _Fold:
    def fold(taking: Taking) -> None:
        item = taking.work()
        if item is not None:
            item.state = state
            item.since_us = taking.at_us if anew else item.since_us

    return fold


def _work_ended(taking: Taking) -> None:
    agent = taking.agent()
    if agent is not None:
        agent.work.pop(taking.data["interaction_id"], None)


def _merged(taking: Taking) -> None:
    agent, data = taking.agent(), taking.data
    item = None if agent is None else agent.work.pop(data["consult_id"], None)
    if agent is not None and item is not None:
        item.interaction_id, item.state, item.since_us = data["interaction_id"], "active", taking.at_us
        item.queue = taking.event.queue or item.queue
        agent.work[item.interaction_id] = item


def _agents_configured(taking: Taking) -> None:
    agents = taking.floor.agents
    for agent_id in taking.data["removed"]:
        if agent_id in agents and taking.cursor > agents[agent_id].as_of:
            agents[agent_id].retired = True
    for agent_id in taking.data["agents"]:
        if agent_id not in agents or taking.cursor > agents[agent_id].as_of:
            taking.floor.changed_agents[agent_id] = None


def _agent_removed(taking: Taking) -> None:
    if taking.agent() is not None:
        del taking.floor.agents[taking.data["agent_id"]]


# ---- queues


def _queue_is(*, closed: bool) -> _Fold:
    def fold(taking: Taking) -> None:
        queue = taking.floor.queues.get(taking.data["queue"])
        if queue is not None and taking.cursor > queue.as_of:
            queue.closed = taking.data["reason"] if closed else None

    return fold


def _queue_removed(taking: Taking) -> None:
    queue = taking.floor.queues.get(taking.data["queue"])
    if queue is not None and taking.cursor > queue.as_of:
        del taking.floor.queues[queue.id]


_FOLDS: Final[Mapping[str, _Fold]] = {
    "interaction-queued": _queued,
    "interaction-moved": _moved,
    "interaction-requeued": _becomes("queued"),
    "interaction-transferred": _becomes("queued"),
    "interaction-scheduled": _becomes("scheduled"),
    "interaction-due": _comes_in,
    "customer-called": _becomes("reaching"),
    "customer-reached": _comes_in,
    "interaction-abandoned": _abandoned,
    "interaction-cancelled": _ended,
    "interaction-overflowed": _ended,
    "interaction-completed": _ended,
    "interaction-failed": _ended,
    "offer-made": _offered,
    "offer-accepted": _accepted,
    "offer-declined": _offer_ended,
    "offer-expired": _offer_ended,
    "offer-revoked": _offer_ended,
    "offer-rescinded": _offer_ended,
    "presence-changed": _presence,
    "device-vetoed": _device,
    "device-cleared": _device,
    "work-held": _work_becomes("held", anew=False),
    "work-resumed": _work_becomes("active", anew=False),
    "wrap-up-started": _work_becomes("wrap-up", anew=True),
    "work-ended": _work_ended,
    "consult-merged": _merged,
    "agents-configured": _agents_configured,
    "agent-removed": _agent_removed,
    "queue-opened": _queue_is(closed=False),
    "queue-closed": _queue_is(closed=True),
    "queue-removed": _queue_removed,
}
