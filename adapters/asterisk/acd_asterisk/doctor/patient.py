"""What is examined: one PBX of a configuration, and what the configuration expects of it.

Owns how these are had from a checked file. Must not know what is looked at.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.errors import ConfigError
from acd.runtime.channels import Options as Based
from acd.runtime.config import Config
from acd.runtime.config.problems import Key
from acd_asterisk.options import Options, read_options

TYPE = "asterisk"
VOICE = "voice"

MAX_DEPTH: Final = 16
"""Tables and lists of options within each other."""


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
    given: Mapping[str, object] = {}
    """The channel's options as they were written."""

    def key(self, *parts: str) -> Key:
        """An option of this channel, from the top of the configuration."""
        return ("channels", self.name, *parts)

    def key_of_password(self) -> Key:
        """Whichever of the options it comes from."""
        given = (each for each in ("password_file", "password_env", "password") if each in self.given)
        return self.key(next(given, "user"))

    def where(self, is_meant: Callable[[str], bool]) -> Key:
        """The first option of this channel with such a text for a value; empty when there is none."""
        found = _within(self.given, is_meant, 0)
        return () if found is None else (*self.key(), *found)


def key_of(agent: str) -> Key:
    """Where an agent's telephone is written, from the top of the configuration."""
    return ("agents", agent, "addresses", VOICE)


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
    given = {channel.name: channel.options for channel in chosen}
    return [Patient(name, read[name], telephones, journal, is_only, _rival(name, read), given[name]) for name in names]


def _rival(name: str, read: Mapping[str, Options]) -> str:
    own = read[name]
    return next(
        (other for other, options in read.items() if other != name and options.far_end == own.far_end),
        "",
    )


def _within(value: object, is_meant: Callable[[str], bool], depth: int) -> Key | None:
    if isinstance(value, str):
        return () if is_meant(value) else None
    if depth >= MAX_DEPTH:
        return None
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    for part, each in inner:
        found = _within(each, is_meant, depth + 1)
        if found is not None:
            return (part, *found)
    return None
