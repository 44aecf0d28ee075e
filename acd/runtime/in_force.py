"""The configuration in force: telling the engine of another one, and what a router looks up in it.

Owns which configuration that is, its strategies and addresses. Must not know the writer, nor where a configuration
comes from. Nothing changes here unless the engine has taken it.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Struct

from acd.core.digest import settings_hash
from acd.core.messages import ApplyConfig, Command, ConfigureAgents, Outcome, Score, ScoreFunction
from acd.errors import ConfigError
from acd.runtime.config import AgentEdit, Config
from acd.runtime.config.problems import OWNED
from acd.runtime.strategies import Strategies

Order = Callable[[Command], Awaitable[Outcome]]
"""Hands a command in and returns when it is durable."""


class Asked(Struct, frozen=True):
    """What a change goes into the journal with: the command's id, who asked, and the trace."""

    id: str
    actor: str = ""
    trace: str = ""


class InForce:
    """`config` and the engine's `settings` belong together. Whatever applies may raise `ConfigError`."""

    def __init__(self, config: Config, strategies: Mapping[str, ScoreFunction] | None) -> None:
        """`strategies` as a router is given them."""
        self._strategies = Strategies(strategies)
        self.config = config
        self.settings = self._strategies.settings(config)
        self._addresses = config.addresses()

    @property
    def scores(self) -> Mapping[str, Score]:
        """Strategies of one's own, by name."""
        return self._strategies.scores

    def address(self, agent_id: str, channel: str) -> str:
        """Where the agent is reached on a channel; empty when not configured."""
        return self._addresses.get((agent_id, channel), "")

    async def begin(self, order: Order, asked: Asked, known_hash: str) -> None:
        """Tell an engine of it that has the configuration of this hash in force."""
        if settings_hash(self.settings) != known_hash:
            await self._tell(order, ApplyConfig(asked.id, self.settings))

    async def apply(self, order: Order, asked: Asked, config: Config) -> Outcome:
        """Another configuration. O(agents + queues + interactions) for the engine."""
        settings = self._strategies.settings(config)
        outcome = await self._tell(order, ApplyConfig(asked.id, settings, actor=asked.actor, trace=asked.trace))
        self.config, self.settings, self._addresses = config, settings, config.addresses()
        return outcome

    async def apply_agents(self, order: Order, asked: Asked, edit: AgentEdit) -> Outcome:
        """The same with some agents changed; for the engine at the cost of these."""
        named = tuple(agent.settings for agent in edit.changed)
        said = tuple(f"{OWNED}: {text}" for _, text in self._strategies.problems(self.settings.queues, named))
        if said:
            raise ConfigError(said)
        command = ConfigureAgents(asked.id, named, edit.removed, actor=asked.actor, trace=asked.trace)
        outcome = await self._tell(order, command)
        for agent_id in (*(agent.id for agent in named), *edit.removed):
            known = self.config.agent(agent_id)
            for channel, _ in () if known is None else known.addresses:
                del self._addresses[agent_id, channel]
        for each in edit.changed:
            self._addresses.update(((each.settings.id, channel), address) for channel, address in each.addresses)
        self.config = self.config.with_agents(edit)
        agents = tuple([agent.settings for agent in self.config.agents])
        self.settings = msgspec.structs.replace(self.settings, agents=agents)
        return outcome

    async def _tell(self, order: Order, command: ApplyConfig | ConfigureAgents) -> Outcome:
        outcome = await order(command)
        if outcome.refusal is not None:
            raise ConfigError((f"{self.config.source}: {outcome.refusal.detail} ({outcome.refusal.code})",))
        return outcome
