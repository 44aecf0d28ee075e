"""What can be set of a web chat: defaults, bounds, and every wrong value by name."""

from pathlib import Path

import pytest

from acd.errors import ConfigError
from acd.runtime.channels import Options
from acd.runtime.chat.channel import WebChatChannel, open_channel
from acd.runtime.chat.options import ChatOptions, read_options

LEAST = {"origins": ["https://Shop.example"], "queues": ["sales"]}


def test_two_keys_are_enough(tmp_path: Path) -> None:
    found = read_options("shop", Options(LEAST, tmp_path))
    path = tmp_path / "acd-chat-shop.db"
    assert found == ChatOptions("chat", ("https://shop.example",), ("sales",), path, path.with_suffix(".key"))


def test_everything_can_be_set(tmp_path: Path) -> None:
    more = {
        "media": "web",
        "queues": ["support", "sales"],
        "path": "chat.db",
        "key": "/keys/chat.key",
        "idle": "5m",
        "away": "30s",
        "token": "1h",
        "keep": "7d",
        "conversations": 9,
        "connections": 10,
        "per_visitor": 3,
        "per_address": 0,
        "megabytes": 5,
        "names": {"anna": "Anna W."},
        "widget": True,
        "messages": True,
        "message_priority": -10,
    }
    channel = open_channel("shop", Options({**LEAST, **more}, tmp_path, {"sales", "support"}))
    assert isinstance(channel, WebChatChannel)
    found = channel.options
    assert (found.media, found.queues, found.path, found.key) == (
        "web",
        ("support", "sales"),
        tmp_path / "chat.db",
        Path("/keys/chat.key"),
    )
    assert (found.idle_us, found.away_us, found.token_us, found.keep_us) == (
        300_000_000,
        30_000_000,
        3_600_000_000,
        604_800_000_000,
    )
    assert (found.conversations, found.connections, found.per_visitor, found.per_address) == (9, 10, 3, 0)
    assert (found.megabytes, found.names) == (5, {"anna": "Anna W."})
    assert (found.widget, found.messages, found.message_priority) == (True, True, -10)


def test_every_problem_is_told_with_its_fix(tmp_path: Path) -> None:
    wrong = {
        "origins": ["shop.example", "https://*.example"],
        "queues": ["sale"],
        "idle": "soon",
        "away": "1s",
        "orgins": [],
        "conversations": 0,
        "names": {"anna": 5},
        "widget": "yes",
        "message_priority": -10,
    }
    with pytest.raises(ConfigError) as caught:
        read_options("shop", Options(wrong, tmp_path, {"sales"}))
    text = "\n".join(caught.value.problems)
    for expected in (
        'channels.shop.origins[0]: "shop.example" is not a web origin; write it like "https://shop.example.com"',
        'channels.shop.origins[1]: "https://*.example" is not a web origin',
        'channels.shop.queues[0]: there is no queue "sale"; name one of [queues]',
        'channels.shop.idle: "soon" is not a duration',
        'channels.shop.away: "1s" is out of range; use 5s to 1d',
        'channels.shop.orgins: is not a key here; did you mean "origins"?',
        "channels.shop.conversations: 0 is out of range",
        "channels.shop.names.anna: 5 is not a text",
        'channels.shop.widget: "yes" is not',
        "channels.shop.message_priority: no messages can be left, so that it does nothing; set messages = true",
    ):
        assert expected in text


def test_pages_and_queues_have_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("shop", Options({}, tmp_path))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "channels.shop.origins",
        "channels.shop.queues",
    ]
