"""Channels by their entry points: found, constructed, and every problem told at once."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from acd.errors import ConfigError
from acd.runtime import channels as under_test
from acd.runtime.channels import Options, channel_types, open_channel, open_channels
from acd.runtime.config import ChannelConfig
from acd.testing.simulated import SimulatedChannel


def config(name: str, kind: str, base: Path = Path(), **options: object) -> ChannelConfig:
    return ChannelConfig(name=name, type=kind, options=options, base=base)


def test_what_is_installed_is_found() -> None:
    assert {"asterisk", "external", "simulated"} <= set(channel_types())
    channel = open_channel(config("lab", "simulated", ring=["1s", "2s"]))
    assert isinstance(channel, SimulatedChannel)
    assert channel.name == "lab"
    assert channel.behaviour.ring == (1.0, 2.0)


def test_every_problem_of_every_channel_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        open_channels(
            (
                config("one", "simulatd"),
                config("two", "simulated", rings=1, talk="never"),
                config("three", "simulated"),
            )
        )
    one, two, three = caught.value.problems
    assert one == 'channels.one.type: no channel of type "simulatd" is installed; did you mean "simulated"?'
    assert two.startswith("channels.two.rings: there is no such option")
    assert three.startswith("channels.two.talk: ")


def test_a_plugin_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "acd_no_such_package:open_channel", under_test.GROUP)
    monkeypatch.setattr(under_test, "entry_points", lambda group: (broken,) if group == under_test.GROUP else ())
    with pytest.raises(ConfigError, match=r'channels.x.type: the plugin of type "broken" cannot be loaded \(No module'):
        open_channel(config("x", "broken"))


def test_options_come_with_the_folder_of_relative_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Options] = []

    def open_spy(name: str, options: Options) -> SimulatedChannel:
        seen.append(options)
        return SimulatedChannel(name)

    class Point:
        name = "spy"

        def load(self) -> object:
            return open_spy

    monkeypatch.setattr(under_test, "entry_points", lambda group: (Point(),))  # noqa: ARG005 - its signature
    open_channel(config("x", "spy", tmp_path, file="secret"))
    assert seen == [{"file": "secret"}]
    assert seen[0].base == tmp_path
