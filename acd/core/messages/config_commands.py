"""Commands that change the configuration. As `commands`, whose union has them all."""

from typing import Annotated, ClassVar

from msgspec import Meta

from acd.core import limits
from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.settings import AgentSettings, CoreSettings
from acd.core.messages.types import Id


class ApplyConfig(CommandBase, frozen=True, gc=False, tag=True):
    """Replace the whole configuration. Agents with work and queues with interactions are retired, not dropped."""

    ORIGIN: ClassVar[Origin] = "policy"

    settings: CoreSettings


class ConfigureAgents(CommandBase, frozen=True, gc=False, tag=True):
    """Change single agents of the configuration, or add them; those in `remove` go. Everything else stays as it is.

    The configuration is then the one that `ApplyConfig` would have to carry, at the cost of these agents alone.
    """

    ORIGIN: ClassVar[Origin] = "policy"

    agents: Annotated[tuple[AgentSettings, ...], Meta(max_length=limits.MAX_AGENTS_EDITED)] = ()
    remove: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_AGENTS_EDITED)] = ()
