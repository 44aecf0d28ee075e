"""Who is a member of which queue, and pauses, as app_queue would tell it: from committed events to lines.

Owns what signing in and presence are in its terms. Must not know calls nor files. A member of a queue is whoever is
signed in and satisfies its requirement. The same events give the same lines, always.
"""

from typing import Final

from msgspec import Struct, structs

from acd.core.messages import (
    AgentRemoved,
    AgentsConfigured,
    AgentSettings,
    ConfigApplied,
    CoreSettings,
    Event,
    PresenceChanged,
)
from acd.core.requirement import conjunction
from acd.runtime.queue_log.layout import Line

BY: Final = "MANAGER"
"""The call of ADDMEMBER and REMOVEMEMBER: what app_queue writes when it is told by another program."""

MAX_PROFILES: Final = 10_000
"""Different sets of skills of which it is kept whose members they make."""

_US: Final = 1_000_000


class Member(Struct):
    """An agent who is signed in. `queues`: whose member they are; `paused` with `reason`."""

    agent: str
    queues: tuple[str, ...]
    paused: bool = False
    reason: str = ""


class Staff:
    """Everybody who is signed in."""

    def __init__(self, settings: CoreSettings, members: tuple[Member, ...] = ()) -> None:
        """`members`: what `kept` was."""
        self._members = {member.agent: member for member in members}
        self._told: list[Line] = []
        self._at_s = 0
        self._configure(settings)

    @property
    def kept(self) -> tuple[Member, ...]:
        """All of them, to go on from."""
        return tuple(self._members.values())

    @property
    def settings(self) -> CoreSettings:
        """What is in force."""
        agents = tuple(self._agents[agent] for agent in sorted(self._agents))
        return structs.replace(self._settings, agents=agents)

    def begin(self, at_us: int) -> list[Line]:
        """The first lines of a log, which tell who is there."""
        self._told, self._at_s = [], at_us // _US
        self._say("", "", "QUEUESTART")
        for member in self._members.values():
            self._added(member, member.queues)
            if member.paused:
                self._paused(member, "PAUSE")
        return self._told

    def row(self, at_us: int, events: tuple[Event, ...]) -> list[Line]:
        """What one committed command's events are in the log."""
        self._told, self._at_s = [], at_us // _US
        # Who signs in, and is ready at once, is not ready for a moment in between, which nobody wants to read of.
        latest = {event.agent_id: event for event in events if isinstance(event, PresenceChanged)}
        for event in events:
            match event:
                case PresenceChanged() if latest[event.agent_id] is event:
                    self._presence(event)
                case ConfigApplied():
                    self._say("", "", "CONFIGRELOAD")
                    self._configure(event.settings)
                    self._change(tuple(self._members))
                case AgentsConfigured():
                    self._agents.update({agent.id: agent for agent in event.agents})
                    self._change(tuple(agent.id for agent in event.agents))
                    for agent_id in event.removed:
                        self._agents.pop(agent_id, None)
                case AgentRemoved():
                    self._sign_out(event.agent_id)
                case _:
                    pass
        return self._told

    def member(self, agent_id: str, presence: str, reason: str) -> Member | None:
        """As whom an agent counts who has this presence; None for one who is signed out."""
        if presence == "signed-out":
            return None
        paused = presence == "not-ready"
        return Member(agent_id, self._queues_of(agent_id), paused, reason if paused else "")

    def _configure(self, settings: CoreSettings) -> None:
        self._settings = structs.replace(settings, agents=())
        self._agents = {agent.id: agent for agent in settings.agents}
        self._asked = tuple((queue.id, conjunction(queue.requirement)) for queue in settings.queues)
        self._found: dict[tuple[object, ...], tuple[str, ...]] = {}

    def _change(self, agents: tuple[str, ...]) -> None:
        """Their skills, or what queues ask for, are others."""
        for agent_id in agents:
            member = self._members.get(agent_id)
            if member is None or agent_id not in self._agents:
                # Whoever is no longer configured finishes their work, and is signed out then.
                continue
            before, member.queues = member.queues, self._queues_of(agent_id)
            self._removed(member, [queue for queue in before if queue not in member.queues])
            self._added(member, tuple(queue for queue in member.queues if queue not in before))

    def _presence(self, event: PresenceChanged) -> None:
        agent_id, presence = event.agent_id, event.presence
        if presence == "signed-out":
            self._sign_out(agent_id)
            return
        if presence == "draining" and event.next_presence == "signed-out":
            # They are still at work, and members for so long.
            return
        member = self._members.get(agent_id)
        if member is None:
            member = self._members[agent_id] = Member(agent_id, self._queues_of(agent_id))
            self._added(member, member.queues)
        paused = presence != "ready"
        if (paused, event.reason if paused else "") == (member.paused, member.reason):
            return
        member.paused, member.reason = paused, event.reason if paused else ""
        self._paused(member, "PAUSE" if paused else "UNPAUSE")

    def _sign_out(self, agent_id: str) -> None:
        member = self._members.pop(agent_id, None)
        if member is not None:
            self._removed(member, member.queues)

    def _queues_of(self, agent_id: str) -> tuple[str, ...]:
        """Whose requirement the agent satisfies. Agents with the same skills are looked at once."""
        agent = self._agents.get(agent_id, AgentSettings(agent_id))
        alike = agent.skills, agent.labels, agent.queues
        found = self._found.get(alike)
        if found is None:
            skills = dict(agent.skills)
            found = tuple(queue for queue, asked in self._asked if asked.matches(skills, agent.labels, agent.queues))
            if len(self._found) >= MAX_PROFILES:
                self._found.clear()
            self._found[alike] = found
        return found

    def _added(self, member: Member, queues: tuple[str, ...]) -> None:
        for queue in queues:
            self._say(queue, member.agent, "ADDMEMBER", call=BY)

    def _removed(self, member: Member, queues: tuple[str, ...] | list[str]) -> None:
        for queue in queues:
            self._say(queue, member.agent, "REMOVEMEMBER", call=BY)

    def _paused(self, member: Member, verb: str) -> None:
        """Nobody is paused in one queue only: app_queue says so, and then each queue."""
        self._say("", member.agent, f"{verb}ALL", member.reason)
        for queue in member.queues:
            self._say(queue, member.agent, verb, member.reason)

    def _say(self, queue: str, agent: str, verb: str, *data: str, call: str = "") -> None:
        self._told.append(Line(self._at_s, call, queue, agent, verb, data))
