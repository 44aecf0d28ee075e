"""Events of changes of the configuration. As `events`, whose union has them all."""

from msgspec import Struct

from acd.core.messages.settings import AgentSettings, CoreSettings


class ConfigApplied(Struct, frozen=True, gc=False, tag=True):
    """A new configuration is in force."""

    settings: CoreSettings
    hash: str


class AgentsConfigured(Struct, frozen=True, gc=False, tag=True):
    """These agents of the configuration are new or have changed, and those in `removed` are in it no more."""

    agents: tuple[AgentSettings, ...]
    removed: tuple[str, ...]
