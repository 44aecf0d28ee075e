"""One copy of what many agents have in common.

Owns which parts of a configuration are shared, and decoding a large one without ever having more of it than that. Must
not know who asks. Decoded as it stands, a configuration has a copy of every skill and of the capacity for each agent:
several times as much as it says.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from msgspec import Raw, Struct, defstruct
from msgspec.msgpack import Decoder
from msgspec.structs import asdict, fields, replace

from acd.core.messages.config_commands import ApplyConfig
from acd.core.messages.settings import AgentSettings, CoreSettings
from acd.core.messages.types import Id, OptionalId, Trace

T = TypeVar("T")

_PARTS: Final = [
    (each.name, tuple[Raw, ...] if each.name == "agents" else each.type, each.default) for each in fields(CoreSettings)
]

_Settings: Any = defstruct("_Settings", _PARTS)
"""`CoreSettings` whose agents are not decoded yet."""


class _Large(Struct, frozen=True, tag="ApplyConfig"):
    """`ApplyConfig`, likewise."""

    id: Id
    settings: _Settings
    actor: OptionalId = ""
    trace: Trace = ""


_decode_large = Decoder(_Large).decode
_decode_agent = Decoder(AgentSettings).decode


def decode_config(raw: bytes) -> ApplyConfig:
    """MessagePack bytes → command, agent by agent. Raises `msgspec.ValidationError`, for any other command as well."""
    large = _decode_large(raw)
    parts = asdict(large.settings)
    agents = share(map(_decode_agent, parts.pop("agents")))
    return ApplyConfig(large.id, CoreSettings(agents=agents, **parts), actor=large.actor, trace=large.trace)


def shared(settings: CoreSettings) -> CoreSettings:
    """The same settings, in which equal parts of agents are one object each."""
    return replace(settings, agents=share(settings.agents))


def share(agents: Iterable[AgentSettings]) -> tuple[AgentSettings, ...]:
    """The same agents, in whom equal parts are one object each."""
    kept: dict[object, Any] = {}

    def keep(part: T) -> T:
        found: T = kept.setdefault(part, part)
        return found

    return tuple(
        [
            replace(
                agent,
                skills=keep(tuple([keep(skill) for skill in agent.skills])),
                labels=keep(agent.labels),
                queues=keep(agent.queues),
                capacity=keep(agent.capacity),
                levels=keep(agent.levels),
            )
            for agent in agents
        ]
    )
