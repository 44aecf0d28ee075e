"""Which secrets a configuration holds or points at, for the log's redaction. Owns the search, not the hiding."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from acd.runtime.config import ChannelConfig, Config
from acd.runtime.config.secrets import SECRET_KEY

MAX_SECRET_BYTES: Final = 4_096
"""A file of secrets is read up to here."""


def secrets_of(config: Config) -> Iterator[str]:
    """Every value that must not be seen: tokens, keys of webhooks, and what channels' options hold or point at."""
    if config.api is not None:
        yield from (secret.reveal() for token in config.api.tokens for secret in token.secrets)
    yield from (secret.reveal() for hook in config.webhooks for secret in hook.secrets)
    for channel in config.channels:
        yield from _of_options(channel, channel.options)


def _of_options(channel: ChannelConfig, options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _of_options(channel, value)
        elif isinstance(value, str) and value and SECRET_KEY.search(name):
            yield _resolved(channel.base, name, value)


def _resolved(base: Path, name: str, value: str) -> str:
    """The secret itself; empty when it cannot be had, which the channel will say."""
    if name.endswith("_env"):
        return os.environ.get(value, "")
    if name.endswith("_file"):
        path = base / os.path.expanduser(value)  # noqa: PTH111 - Path's raises for users that are not there
        with suppress(OSError, ValueError), path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode().strip()
        return ""
    return value
