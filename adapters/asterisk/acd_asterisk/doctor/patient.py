"""What is examined: one PBX of a configuration, and what the configuration expects of it.

Owns how these are had from a checked file. Must not know what is looked at.
"""

from collections.abc import Mapping
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
    rival: str = ""
    """Another channel of this configuration with the same application of the same PBX."""


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
    read: dict[str, Options] = {}
    problems: list[str] = []
    for channel in channels:
        try:
            read[channel.name] = read_options(channel.name, Based(channel.options, channel.base))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(tuple(problems))
    names = [channel.name for channel in chosen]
    is_only, journal = len(channels) == 1, config.journal.path
    return [Patient(name, read[name], telephones, journal, is_only, _rival(name, read)) for name in names]


def _rival(name: str, read: Mapping[str, Options]) -> str:
    own = read[name]
    return next(
        (other for other, options in read.items() if other != name and options.far_end == own.far_end),
        "",
    )
