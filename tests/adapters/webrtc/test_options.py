"""What can be set of a channel of type `webrtc`, and what is said of mistakes."""

from pathlib import Path

import pytest

from acd.errors import ChannelError, ConfigError
from acd.runtime.channels import Options, channel_types
from acd_webrtc.options import TurnOptions, WebrtcOptions, read_options
from acd_webrtc.plugin import open_channel

LEAST: dict[str, object] = {"origins": ["https://Shop.example"], "queues": ["sales"]}
TURN = {"host": "turn.example.org", "realm": "example.org"}


def test_it_is_installed() -> None:
    assert "webrtc" in channel_types()


def test_the_least_that_has_to_be_said(tmp_path: Path) -> None:
    found = read_options("talk", Options(LEAST, tmp_path, {"sales"}))
    assert found == WebrtcOptions("voice", ("https://shop.example",), ("sales",), tmp_path / "acd-calls-talk.key")
    assert open_channel("talk", Options(LEAST, tmp_path)).health()["connected"] is False


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"origins": []}, "channels.talk.origins: there is none"),
        ({"origins": ["https://*.example"]}, "channels.talk.origins[0]: "),
        ({"queues": ["nowhere"]}, "channels.talk.queues[0]: there is no queue"),
        ({"resume": "1s"}, "channels.talk.resume: "),
        ({"per_visitor": 0}, "channels.talk.per_visitor: "),
        ({"per_address": -1}, "channels.talk.per_address: "),
        ({"relay_only": True}, "channels.talk.relay_only: needs a TURN server"),
        ({"turn": TURN}, "channels.talk.turn: has 0 secrets"),
        ({"turn": {**TURN, "secret": "x"}}, "channels.talk.turn.secret: "),
        ({"turn": {**TURN, "secret_env": "S", "port": 0}}, "channels.talk.turn.port: is 0"),
        ({"turn": {**TURN, "secret_env": "S", "secret_file": "s"}}, "channels.talk.turn: has 2 secrets"),
        ({"turn": {**TURN, "secret_env": "S", "ports": 1}}, "channels.talk.turn.ports: there is no such option"),
        ({"trun": {}}, "channels.talk.trun: is not a key here"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, more: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("talk", Options({**LEAST, **more}, tmp_path, {"sales"}))
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(problem)


def test_the_secret_is_read_late_and_shown_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "5e" * 32
    file = {**LEAST, "turn": {**TURN, "secret_file": "turn.secret"}}
    turn = read_options("talk", Options(file, tmp_path)).turn
    assert isinstance(turn, TurnOptions)
    with pytest.raises(ChannelError, match="secret_file"):
        turn.server()
    (tmp_path / "turn.secret").write_text(f"{secret}\n")
    assert turn.server().secret == secret
    monkeypatch.setenv("TURN_SECRET", secret)
    other = read_options("talk", Options({**LEAST, "turn": {**TURN, "secret_env": "TURN_SECRET"}}, tmp_path)).turn
    assert other is not None
    assert other.server().secret == secret
    assert secret not in repr(TurnOptions(TURN, secret)) + repr(other)
