"""Channels by name: from the configuration to instances, through the entry points `acd.channels`.

Owns the discovery. Must not know any channel. An entry point is a function
`open_channel(name: str, options: Mapping[str, object]) -> Channel` that constructs and validates but
does no IO, and raises `ConfigError` with every problem in its options.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from acd.errors import ConfigError
from acd.ports.channel import Channel
from acd.runtime.config import ChannelConfig
from acd.runtime.config.problems import did_you_mean, quoted

GROUP: Final = "acd.channels"

OpenChannel = Callable[[str, Mapping[str, object]], Channel]


class Options(dict[str, object]):
    """One channel's options as its section has them. `base` is the folder that relative paths in them start from.

    `queues`: the names of all queues there are, for options that name one; None when they are not known.
    """

    def __init__(self, options: Mapping[str, object], base: Path, queues: Collection[str] | None = None) -> None:
        super().__init__(options)
        self.base = base
        self.queues = queues


def channel_types() -> tuple[str, ...]:
    """The types that are installed, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def open_channel(config: ChannelConfig, queues: Collection[str] | None = None) -> Channel:
    """Construct one channel; nothing is contacted. Raises `ConfigError` with every problem of its section.

    With the names of all `queues`, also those of options that name another one.
    """
    return _factory(config)(config.name, Options(config.options, config.base, queues))


def open_channels(configs: Iterable[ChannelConfig]) -> tuple[Channel, ...]:
    """Construct every channel. Raises one `ConfigError` with the problems of all of them."""
    channels: list[Channel] = []
    problems: list[str] = []
    for config in configs:
        try:
            channels.append(open_channel(config))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(tuple(problems))
    return tuple(channels)


def _factory(config: ChannelConfig) -> OpenChannel:
    points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
    point = points.get(config.type)
    place = f"channels.{config.name}.type"
    if point is None:
        advice = did_you_mean(config.type, points)
        raise ConfigError((f"{place}: no channel of type {quoted(config.type)} is installed; {advice}",))
    try:
        factory: OpenChannel = point.load()
    except (ImportError, AttributeError) as error:
        reason = f"{place}: the plugin of type {quoted(config.type)} cannot be loaded ({error}); install it again"
        raise ConfigError((reason,)) from error
    return factory
