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
        "files": True,
        "file_megabytes": 3,
        "file_kinds": ["text", "docx"],
        "conversation_megabytes": 4,
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
    assert (found.files, found.file_bytes, found.file_kinds) == (True, 3_000_000, ("docx", "text"))
    assert found.conversation_megabytes == 4


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


def test_files_have_room_and_are_of_kinds_that_are_known(tmp_path: Path) -> None:
    for keys, expected in (
        ({"files": True, "file_kinds": ["png", "svg"]}, 'channels.shop.file_kinds: "svg" is no kind of file'),
        ({"files": True, "file_megabytes": 0}, "channels.shop.file_megabytes: 0 is out of range; use 1 to 100"),
        ({"files": True, "megabytes": 9}, "channels.shop.file_megabytes: a conversation, or the chat file, has room"),
        ({"files": True, "conversation_megabytes": 9}, "channels.shop.file_megabytes: a conversation, or"),
        ({"file_kinds": ["png"]}, "channels.shop.file_kinds: no files can be sent, so that it does nothing; set files"),
        ({"file_megabytes": 1}, "channels.shop.file_megabytes: no files can be sent"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_options("shop", Options({**LEAST, **keys}, tmp_path))
        (problem,) = caught.value.problems
        assert problem.startswith(expected)
    assert read_options("shop", Options(LEAST, tmp_path)).file_bytes == 0


def test_pages_and_queues_have_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("shop", Options({}, tmp_path))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "channels.shop.origins",
        "channels.shop.queues",
    ]


def test_the_secret_that_vouches_is_read_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").write_text("n" * 32 + "\n")
    (tmp_path / "old").write_text("o" * 32)
    monkeypatch.setenv("SHOP_SECRET", "e" * 40)
    both = {"identity_secret_file": "new", "old_identity_secret_file": "old"}
    found = read_options("shop", Options({**LEAST, **both}, tmp_path))
    assert [each.reveal() for each in found.identity_secrets] == ["n" * 32, "o" * 32]
    assert "nnn" not in repr(found)
    found = read_options("shop", Options({**LEAST, "identity_secret_env": "SHOP_SECRET"}, tmp_path))
    assert [each.reveal() for each in found.identity_secrets] == ["e" * 40]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"identity_secret_file": "nowhere"}, "identity_secret_file: there is no file"),
        ({"identity_secret_file": "short"}, "identity_secret_file: holds a secret of 5 characters"),
        ({"identity_secret_file": "empty"}, "identity_secret_file: "),
        ({"identity_secret_env": "NOT_THERE"}, "identity_secret_env: the environment has no NOT_THERE"),
        ({"identity_secret": "x" * 32, "identity_secret_env": "Y"}, "identity_secret: is there beside"),
        ({"old_identity_secret_file": "short"}, "old_identity_secret_file: is there without a new one"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told(tmp_path: Path, wrong: dict[str, str], problem: str) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "empty").write_text("")
    with pytest.raises(ConfigError) as caught:
        read_options("shop", Options({**LEAST, **wrong}, tmp_path))
    text = "\n".join(caught.value.problems)
    assert problem in text
    assert "xxx" not in text
