"""One agent of a configuration, checked without reading all the others again.

Owns that check. Must not know documents or versions. What is said about an agent beside the others (a membership of a
queue that is not there) are warnings, which do not keep anything from being put into force.
"""

from collections.abc import Mapping
from pathlib import Path

from acd.errors import ConfigError
from acd.runtime.config.capacities import read_capacities
from acd.runtime.config.model import AgentConfig
from acd.runtime.config.people import read_agents
from acd.runtime.config.problems import OWNED, Problems
from acd.runtime.config.table import Table


def read_agent(
    identity: str, entry: Mapping[str, object], capacities: Mapping[str, object], source: Path
) -> AgentConfig:
    """What `[agents.IDENTITY]` says; `capacities`: the section of that name. Raises `ConfigError`."""
    problems = Problems(OWNED)
    root = Table({"agents": {identity: entry}, "capacities": dict(capacities)}, (), problems, source.parent)
    agents = read_agents(root, read_capacities(root))
    errors = problems.located(lambda _key: 0).errors
    if errors:
        raise ConfigError(tuple(map(str, errors)))
    return agents[0]
