"""The entry point `acd.channels`: `type = "webrtc"`. Owns nothing but the door; does no IO."""

from collections.abc import Mapping

from acd_webrtc.channel import WebrtcChannel
from acd_webrtc.options import read_options


def open_channel(name: str, options: Mapping[str, object]) -> WebrtcChannel:
    """A channel instance. `options` are those of `[channels.NAME]`, without `type`.

    Raises:
        ConfigError: with every problem found, each naming `channels.NAME.option`.
    """
    return WebrtcChannel(name, read_options(name, options))
