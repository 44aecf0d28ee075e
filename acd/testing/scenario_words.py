"""The words of a scenario: lines, configuration and commands.

    sign-in AGENT [ready] [reason R]        enqueue ID CHANNEL QUEUE [priority N] [requirement R] [prefer a=2,b=1]
                                            [preferred AGENT] [customer C] [attributes a=b,c=d]
                                            [kind callback] [not-before T] [parent ID] [place-of ID]
    sign-out AGENT                          end ID [by customer|agent|system] [reason R]
    ready AGENT                             cancel ID [reason R]
    not-ready AGENT REASON                  requeue ID [reason R]
    accept ID by AGENT
    decline ID by AGENT [reason R]          fail ID busy|unreachable|failed
    tick                                    recover [grace 5s] [customers yes|no]

    configure agent|queue NAME …            remove agent|queue NAME           the whole configuration anew
    edit agent NAME …                       drop agent NAME                   this agent alone

`scenario_waiting` has the words about waiting, `scenario_entry` those about queues that open, close and overflow,
`scenario_work` those about work in hand, `scenario_transfer` those about handing on, `scenario_device` those about
devices, `scenario_alarm` those about alarms.

For offers, ID is the interaction, meaning its pending offer to that agent or else its latest, or one offer (`c1.2`).

Owns reading. Must not know the engine: what a value may be, the messages' own validation says.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    CancelInteraction,
    Capacity,
    ChannelShare,
    Command,
    CoreSettings,
    DeclineOffer,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    Preference,
    QueueSettings,
    Recover,
    RequeueInteraction,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    Tick,
)
from acd.runtime.config.capacities import PROFILES
from acd.testing import (
    scenario_alarm,
    scenario_device,
    scenario_entry,
    scenario_transfer,
    scenario_waiting,
    scenario_work,
)
from acd.testing.scenario_statement import (
    Problem,
    Statement,
    attributes,
    duration,
    integer,
    pairs,
    yes_or_no,
)


class Configuration:
    """Agents and queues as the scenario has them at the moment."""

    def __init__(self) -> None:
        self._agents: dict[str, AgentSettings] = {}
        self._queues: dict[str, QueueSettings] = {}

    def change(self, statement: Statement) -> None:
        """`queue NAME …` or `agent NAME …`: new, or changed in what is named."""
        kind = statement.take("queue or agent")
        if kind == "queue":
            name = statement.take("the queue's name")
            queue = self._queues.get(name, QueueSettings(name))
            options = statement.options(*_QUEUE)
            self._queues[name] = msgspec.structs.replace(queue, **_read(_QUEUE, options))
        elif kind == "agent":
            name = statement.take("the agent's name")
            agent = self._agents.get(name, AgentSettings(name))
            options = statement.options(*_AGENT)
            changed = msgspec.structs.replace(agent, **_read(_AGENT, options))
            self._agents.pop(name, None)
            self._agents[name] = changed
        else:
            raise Problem(f"expected queue, agent, at or expect, found {kind!r}")

    def edit(self, statement: Statement) -> AgentSettings:
        """`agent NAME …`: this agent alone is new, or changed in what is named."""
        if statement.peek() != "agent":
            raise Problem(f"one by one only agents are edited, found {statement.peek()!r}: write configure instead")
        self.change(statement)
        return next(reversed(self._agents.values()))

    def remove(self, statement: Statement) -> str:
        """`queue NAME` or `agent NAME` is no longer configured; returns the name."""
        kind = statement.take("queue or agent")
        name = statement.take("a name")
        statement.options()
        if kind == "agent" and name in self._agents:
            del self._agents[name]
        elif kind == "queue" and name in self._queues:
            del self._queues[name]
        else:
            raise Problem(f"there is no {kind} {name}")
        return name

    def settings(self) -> CoreSettings:
        """The whole, sorted by id."""
        return CoreSettings(
            tuple(self._agents[each] for each in sorted(self._agents)),
            tuple(self._queues[each] for each in sorted(self._queues)),
        )


def command_of(statement: Statement, command_id: str, offers: Mapping[str, str]) -> Command:
    """The command of a line. `offers`: the latest of each interaction, and its pending ones by "ID AGENT"."""
    verb = statement.take("a command")
    make = _COMMANDS.get(verb)
    if make is None:
        close = difflib.get_close_matches(verb, _COMMANDS, n=1)
        hint = (
            f"did you mean {close[0]}?"
            if close
            else f"there are: {', '.join(_COMMANDS)}, configure, remove, edit, drop"
        )
        raise Problem(f"unknown command {verb!r}: {hint}")
    command = make(statement, command_id, offers)
    statement.options()
    return command


def durations(text: str) -> tuple[int, ...]:
    """`20s,60s`, or `none`, in µs. Raises `Problem`."""
    return tuple(duration(each) for each in _names(text))


def _names(text: str) -> tuple[str, ...]:
    """`a,b`; `none` for no name at all."""
    return () if text == "none" else tuple(filter(None, text.split(",")))


def _skills(text: str) -> tuple[tuple[str, int], ...]:
    return () if text == "none" else pairs(text)


def _capacity(text: str) -> Capacity:
    """`parallel` and the like, or `voice=60x1>email,*=20x2`: cost of a hundred units x most at once > interrupts."""
    if text in PROFILES:
        return PROFILES[text]
    if "=" not in text:
        raise Problem(f"unknown capacity {text!r}: there are {', '.join(PROFILES)}, or write voice=60x1,*=20x2")
    shares = []
    for each in text.split(","):
        channel, _, share = each.rpartition("=")
        share, *interrupts = share.split(">")
        cost, _, most = share.partition("x")
        shares.append(ChannelShare(channel, integer(cost), integer(most or "1"), tuple(sorted(interrupts))))
    return Capacity(100, tuple(sorted(shares, key=lambda share: share.channel)))


Readers = Mapping[str, Callable[[str], Any]]

_QUEUE: Final[Readers] = {
    "requirement": str,
    "strategy": str,
    "fit-weight": duration,
    "offer-timeout": duration,
    "retry-after": duration,
    "wrap-up": duration,
    "head-start": duration,
    "late": duration,
    "rona": str,
    "max-waiting": integer,
    "ordering": str,
    "target": duration,
    "band": integer,
    "level-delays": durations,
    "reserve": integer,
    "hold-for": duration,
    **scenario_entry.SETTINGS,
    **scenario_work.SETTINGS,
    "broadcast": integer,
    "steps": scenario_waiting.steps,
    "affinity": duration,
    "dedicated-attribute": str,
}

_AGENT: Final[Readers] = {
    "skills": _skills,
    "labels": _names,
    "queues": _names,
    "capacity": _capacity,
    "position": integer,
    "levels": _skills,
}


def _read(readers: Readers, options: Mapping[str, str]) -> dict[str, Any]:
    """Options → fields of the settings; durations' fields are named in µs."""
    fields = {}
    for name, text in options.items():
        reader = readers[name]
        field = name.replace("-", "_") + ("_us" if reader in {duration, durations} else "")
        fields[field] = reader(text)
    return fields


def _sign_in(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    agent_id = statement.take("the agent")
    ready = statement.skip("ready")
    return SignInAgent(command_id, agent_id, ready, statement.options("reason").get("reason", "signed-in"))


def _sign_out(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return SignOutAgent(command_id, statement.take("the agent"))


def _ready(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return SetPresence(command_id, statement.take("the agent"), "ready")


def _not_ready(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return SetPresence(command_id, statement.take("the agent"), "not-ready", statement.take("the reason"))


def _enqueue(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    channel = statement.take("the channel")
    queue = statement.take("the queue")
    names = ("priority", "requirement", "prefer", "instance", "preferred", "customer", "attributes")
    options = statement.options(*names, "kind", "not-before", "parent", "place-of", "end-reason")
    kind: Any = options.get("kind", "live")
    return EnqueueInteraction(
        command_id,
        interaction_id,
        channel,
        queue,
        requirement=options.get("requirement", ""),
        preferences=tuple(Preference(skill, weight) for skill, weight in pairs(options.get("prefer", ""))),
        priority=integer(options.get("priority", "0")),
        attributes=attributes(options.get("attributes", "")),
        customer=options.get("customer", ""),
        instance=options.get("instance", ""),
        preferred_agent=options.get("preferred", ""),
        kind=kind,
        not_before_us=duration(options.get("not-before", "0s")),
        parent=options.get("parent", ""),
        place_of=options.get("place-of", ""),
        end_reason=options.get("end-reason", ""),
    )


def _end(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    options: dict[str, Any] = {"by": "customer", **statement.options("by", "reason")}
    return EndInteraction(command_id, interaction_id, **options)


def _cancel(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return CancelInteraction(command_id, statement.take("the interaction"), **statement.options("reason"))


def _requeue(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return RequeueInteraction(command_id, statement.take("the interaction"), **statement.options("reason"))


def _accept(statement: Statement, command_id: str, offers: Mapping[str, str]) -> Command:
    return AcceptOffer(command_id, *_offer_by(statement, offers))


def _decline(statement: Statement, command_id: str, offers: Mapping[str, str]) -> Command:
    return DeclineOffer(command_id, *_offer_by(statement, offers), **statement.options("reason"))


def _fail(statement: Statement, command_id: str, offers: Mapping[str, str]) -> Command:
    offer_id = _offer(statement, offers)
    reason: Any = statement.take("busy, unreachable or failed")
    return FailOffer(command_id, offer_id, reason)


def _tick(_statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return Tick(command_id)


def _recover(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    options = statement.options("grace", "customers")
    customers = yes_or_no(options.get("customers", "no"))
    return Recover(command_id, duration(options.get("grace", "5s")), customers)


def _offer(statement: Statement, offers: Mapping[str, str]) -> str:
    name = statement.take("the interaction or offer")
    return offers.get(name, name)


def _offer_by(statement: Statement, offers: Mapping[str, str]) -> tuple[str, str]:
    """The offer and the agent."""
    name = statement.take("the interaction or offer")
    agent_id = _by(statement)
    return offers.get(f"{name} {agent_id}", offers.get(name, name)), agent_id


def _by(statement: Statement) -> str:
    statement.word("by")
    return statement.take("the agent")


_COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {
    "sign-in": _sign_in,
    "sign-out": _sign_out,
    "ready": _ready,
    "not-ready": _not_ready,
    "enqueue": _enqueue,
    "end": _end,
    "cancel": _cancel,
    "requeue": _requeue,
    "accept": _accept,
    "decline": _decline,
    "fail": _fail,
    "tick": _tick,
    "recover": _recover,
    **scenario_waiting.COMMANDS,
    **scenario_entry.COMMANDS,
    **scenario_work.COMMANDS,
    **scenario_transfer.COMMANDS,
    **scenario_device.COMMANDS,
    **scenario_alarm.COMMANDS,
}
