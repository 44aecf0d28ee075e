"""What is examined: one PBX of a configuration, and what the configuration expects of it.

Owns how these are had from a checked file. Must not know what is looked at.
"""

from pathlib import Path

from msgspec import Struct

from acd.errors import ConfigError
from acd.runtime.channels import Options as Based
from acd.runtime.config import Config
from acd_asterisk.options import Options, read_options

TYPE = "asterisk"
VOICE = "voice"


class Patient(Struct, frozen=True):
    """One channel of type asterisk. `telephones`: agents' addresses, by agent."""

    name: str
    options: Options
    telephones: tuple[tuple[str, str], ...]
    journal: Path
    is_only: bool
    """There is no other PBX in this configuration, so that every agent's telephone must be on this one."""


def patients(config: Config, only: str | None) -> list[Patient]:
    """The PBXs of a configuration, or the one that is named. Raises `ConfigError`."""
    channels = [channel for channel in config.channels if channel.type == TYPE]
    chosen = [channel for channel in channels if only in {None, channel.name}]
    if not chosen:
        known = ", ".join(channel.name for channel in channels)
        reason = f"there is no channel {only} of type asterisk; there are: {known}" if known else "has no PBX"
        raise ConfigError((f'{reason}; add [channels.NAME] with type = "asterisk"',))
    telephones = tuple(
        (agent.settings.id, address) for agent in config.agents for kind, address in agent.addresses if kind == VOICE
    )
    found: list[Patient] = []
    problems: list[str] = []
    for channel in chosen:
        try:
            options = read_options(channel.name, Based(channel.options, channel.base))
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        found.append(Patient(channel.name, options, telephones, config.journal.path, len(channels) == 1))
    if problems:
        raise ConfigError(tuple(problems))
    return found
