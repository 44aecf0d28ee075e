"""The entry point `acd.channels`: `type = "asterisk"`. Owns nothing but the door; does no IO."""

from collections.abc import Mapping

from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.options import read_options


def open_channel(name: str, options: Mapping[str, object]) -> AsteriskChannel:
    """A channel instance for one PBX. `options` are those of `[channels.NAME]`, without `type`.

    Raises:
        ConfigError: with every problem found, each naming `channels.NAME.option`.
    """
    return AsteriskChannel(name, read_options(name, options))
