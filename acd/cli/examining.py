"""Channels' far ends, looked at for `acd check --connect`. Owns who is asked, and where what they say is shown."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from acd.ports.addresses import Addressing
from acd.ports.examination import Examinable, Fault, Surroundings
from acd.runtime.channels import open_channel
from acd.runtime.config import ChannelConfig, Config, Problem
from acd.runtime.config.environment import Override
from acd.runtime.config.places import Places
from acd.runtime.config.problems import Key, Located, dotted


def examined(file: Path, config: Config, overrides: Sequence[Override] = ()) -> Located:
    """What is wrong at the far ends of a configuration without errors. Blocks.

    Each with its key and where that stands, or else those of its channel.
    """
    found = asyncio.run(_all(config))
    places = Places(file, overrides)
    problems: dict[str, list[Problem]] = {"error": [], "warning": []}
    for channel, faults in zip(config.channels, found, strict=True):
        for fault in faults:
            key: Key = fault.key or ("channels", channel.name)
            reason, _, fix = fault.text.partition("; ")
            problems[fault.severity].append(Problem(*places.of(key), dotted(key), reason, fix))
    return Located(tuple(problems["error"]), tuple(problems["warning"]))


async def _all(config: Config) -> list[list[Fault]]:
    kinds = Counter(channel.type for channel in config.channels)
    return await asyncio.gather(
        *(_one(config, channel, is_only=kinds[channel.type] == 1) for channel in config.channels)
    )


async def _one(config: Config, channel: ChannelConfig, *, is_only: bool) -> list[Fault]:
    opened: object = open_channel(channel)
    if not isinstance(opened, Examinable):
        return []
    medium = opened.medium if isinstance(opened, Addressing) else ""
    addresses = (
        (agent.settings.id, address) for agent in config.agents for kind, address in agent.addresses if kind == medium
    )
    return await opened.examine(Surroundings(tuple(addresses), config.journal.path, is_only, channel.options))
