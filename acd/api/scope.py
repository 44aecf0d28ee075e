"""Tokens of a team: limited to some queues and channels. What such a token sees, and what it may name.

Owns the rule, in one place: what requests may name, and what answers and events may hold. Must not
know any single route: a route that says nothing (`Route.scoped`) is closed to limited tokens. A token without limits
costs one look at `Principal.scope`.

An interaction is in sight by its queue and channel, as long as the engine remembers it; a queue by its name; an agent
who satisfies the requirement of a queue and does a channel of the scope, or has an interaction in sight in hand; an
event by its queues and channel, or by its agent if it is about an agent alone. What a path names and is out of
sight does not exist (404); what a body names is refused whether it exists or not (403): to move something one has to
see it, and to have the queue where it goes.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from acd.api.problems import forbidden, not_found
from acd.core.messages import AgentSettings, Capacity, CoreSettings
from acd.core.requirement import Requirement, parse
from acd.runtime.audit import Asked
from acd.runtime.events import Told
from acd.runtime.records import Decision, InteractionRecord
from acd.runtime.view import View

MAX_TEAMS: Final = 64
"""Scopes whose agents are remembered; beyond it the one that was not asked for longest is forgotten."""

ANY_CHANNEL: Final = "*"
"""In a capacity: every channel that it does not name."""

NAMING: Final[Mapping[str, str]] = {
    "queue": "queue",
    "to_queue": "queue",
    "channel": "channel",
    "agent_id": "agent",
    "to_agent": "agent",
    "preferred_agent": "agent",
}
"""Field of a body → what it names."""


class Scope(Struct, frozen=True):
    """Queues and channels; an empty set is no limit, but one of the two is set."""

    queues: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()

    def has_queue(self, queue: str) -> bool:
        """Whether this queue is within."""
        return not self.queues or queue in self.queues

    def has_channel(self, channel: str) -> bool:
        """Whether this channel is within."""
        return not self.channels or channel in self.channels

    def has(self, row: InteractionRecord) -> bool:
        """Whether this interaction is within."""
        return self.has_queue(row.queue) and self.has_channel(row.channel)


class Sight:
    """Who and what is in sight of a scope, as the committed picture has it."""

    def __init__(self, view: Callable[[], View]) -> None:
        """`view`: the picture as it is now."""
        self._view = view
        self._settings: CoreSettings | None = None
        self._teams: OrderedDict[Scope, frozenset[str]] = OrderedDict()

    def interaction(self, scope: Scope, interaction_id: str) -> bool:
        """Whether this interaction is known, and in sight."""
        row = self._view().interaction(interaction_id)
        return row is not None and scope.has(row)

    def agent(self, scope: Scope, agent_id: str) -> bool:
        """Whether this agent is known, and in sight. O(agents) the first time after a change of the configuration."""
        view = self._view()
        row = view.agents.get(agent_id)
        if row is None:
            return False
        return agent_id in self._team(scope, view) or any(self.interaction(scope, each) for each in row.work)

    def decision(self, scope: Scope, decision: Decision) -> bool:
        """Whether this decision is in sight; of an interaction that is forgotten the channel is not known."""
        offer = decision.offer
        if not scope.has_queue(offer.queue):
            return False
        row = self._view().interaction(offer.interaction_id) if scope.channels else None
        return not scope.channels or (row is not None and scope.has_channel(row.channel))

    def asked(self, scope: Scope, asked: Asked) -> bool:
        """Whether this row of the audit is in sight: by its interaction and queue, else by its agent."""
        if asked.queue and not scope.has_queue(asked.queue):
            return False
        if asked.interaction_id:
            return self.interaction(scope, asked.interaction_id)
        return bool(asked.queue) or (bool(asked.agent_id) and self.agent(scope, asked.agent_id))

    def check_body(self, scope: Scope, body: Struct) -> None:
        """Raise a Problem with 403 for what a body names out of the scope, whether it exists or not."""
        for field in body.__struct_fields__:
            value = getattr(body, field) if field in NAMING else None
            if value and not self._may_name(scope, NAMING[field], value):
                raise forbidden(f"{field}: this token is limited to other queues or channels.")

    def check_path(
        self, scope: Scope, names: Mapping[str, str], is_repetition: Callable[[], bool], *, changes: bool
    ) -> None:
        """Raise a Problem with 404 for what a path names and is out of sight, and 403 for every channel of a queue.

        `changes`: whether the request does anything. A repetition was let in when the engine remembered more: what
        is forgotten is not looked for, what is not has to be in sight now, too.
        """
        if "queue" in names:
            _check_queue(scope, names["queue"], changes=changes)
        if "agent" in names and not self.agent(scope, names["agent"]):
            raise not_found("agent")
        interaction_id = names.get("interaction") or names.get("offer", "").rpartition(".")[0]
        named = "interaction" in names or "offer" in names
        if named and not self.interaction(scope, interaction_id):
            if changes and is_repetition() and self._view().interaction(interaction_id) is None:
                return
            raise not_found("offer" if "offer" in names else "interaction")

    def told(self, scope: Scope) -> Callable[[Told], bool]:
        """What says of an event whether it is in sight."""

        def is_seen(told: Told) -> bool:
            if told.queues:
                by_channel = not told.channel or scope.has_channel(told.channel)
                return by_channel and any(map(scope.has_queue, told.queues))
            about_agent = not getattr(told.event, "interaction_id", "")
            return about_agent and any(self.agent(scope, each) for each in told.agents)

        return is_seen

    def _may_name(self, scope: Scope, what: str, name: str) -> bool:
        if what == "agent":
            return self.agent(scope, name)
        return scope.has_queue(name) if what == "queue" else scope.has_channel(name)

    def _team(self, scope: Scope, view: View) -> frozenset[str]:
        """The agents who serve the scope."""
        if self._settings is not view.settings:
            self._teams.clear()
            self._settings = view.settings
        found = self._teams.get(scope)
        if found is None:
            found = self._teams[scope] = _team(scope, view)
            if len(self._teams) > MAX_TEAMS:
                self._teams.popitem(last=False)
        self._teams.move_to_end(scope)
        return found


def closed_to(scope: Scope | None) -> None:
    """Raise 403 for a limited token where the whole domain is concerned."""
    if scope is not None:
        raise forbidden("This concerns the whole domain; the token is limited to some queues or channels.")


def _check_queue(scope: Scope, queue: str, *, changes: bool) -> None:
    if not scope.has_queue(queue):
        raise not_found("queue")
    if changes and scope.channels:
        raise forbidden("This concerns every channel of the queue; the token is limited to some channels.")


def _team(scope: Scope, view: View) -> frozenset[str]:
    """Agents with the same skills, labels, memberships and capacity are looked at once."""
    queues = (view.queues[each].settings for each in scope.queues if each in view.queues)
    wanted = [parse(queue.requirement.strip() or "true") for queue in queues]
    known: dict[tuple[object, ...], bool] = {}
    found = []
    for row in view.agents.values():
        settings = row.settings
        profile = (settings.skills, settings.labels, settings.queues, settings.capacity)
        serves = known.get(profile)
        if serves is None:
            serves = known[profile] = _serves(scope, wanted, settings)
        if serves:
            found.append(row.id)
    return frozenset(found)


def _serves(scope: Scope, wanted: list[Requirement], settings: AgentSettings) -> bool:
    if scope.channels and not _does(settings.capacity, scope.channels):
        return False
    skills = dict(settings.skills)
    return not scope.queues or any(each.matches(skills, settings.labels, settings.queues) for each in wanted)


def _does(capacity: Capacity, channels: frozenset[str]) -> bool:
    return any(share.channel == ANY_CHANNEL or share.channel in channels for share in capacity.channels)
