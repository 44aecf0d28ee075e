"""From TOML to a `Config`: what is accepted, and the exact words about what is not."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core import limits
from acd.core.messages import (
    Action,
    AgentSettings,
    Capacity,
    ChannelShare,
    Condition,
    CoreSettings,
    QueueSettings,
    Step,
)
from acd.errors import ConfigError
from acd.runtime.config import (
    PROFILES,
    AgentConfig,
    ChannelConfig,
    QueueConfig,
    Report,
    SnapshotsConfig,
    check,
    check_text,
    load,
    loads,
)

TOKEN = "0123456789abcdef"
GONE = (
    "there is no file {key}, and without it nobody can read {store}; "
    "restore it from your backup, or move the store away to begin anew"
)
FULL = """\
[domain]
name = "shanghai"
allow = ["always-first", "unasked-membership"]

[journal]
path = "data/journal.db"
durability = "full"

[personal]
path = "data/personal.db"
key_file = "data/key"
region = "DE"

[snapshots]
path = "data/snapshots"
enabled = false
every = 5_000
interval = "10m"
keep = 2

[router]
inbox = 500
batch = 50
channel_deadline = "2s"

[api]
host = "127.0.0.1"
port = 0
origins = ["https://desk.example.com"]
answers = "answers.db"
idempotency = "2h"

[[api.tokens]]
name = "anna-desktop"
token_file = "anna.token"
roles = ["agent"]
agent = "anna"
expires = 2027-01-31T01:00:00+01:00

[[api.tokens]]
name = "wallboard"
token_env = "WALLBOARD"
roles = ["system", "supervisor"]

[channels.pbx]
type = "asterisk"
url = "http://127.0.0.1:8088"
nested = { deep = [1, 2] }

[capacities.mail-heavy]
total = 200
channels = { email = { cost = 10, most = 20 }, "*" = { cost = 100, most = 2, interrupts = ["email"] } }

[agents."张伟"]
name = "张伟 (Zhang Wei)"
skills = { "客服" = 9, english = 3 }
labels = ["vip", "夜班"]
queues = ["华语", "sales"]
levels = { sales = 3 }
capacity = "mail-heavy"
addresses = { voice = "PJSIP/zhang", email = "zhang@example.com" }

[agents.anna]
skills = { "客服" = 6 }

[queues.sales]
title = "Sales"
requirement = 'skills.english >= 2 && "vip" in labels'
strategy = "weighted"
fit_weight = "5s"
offer_timeout = 15
retry_after = "1m"
wrap_up = "1m30s"
wrap_up_policy = "extended"
wrap_up_most = "5m"
dispositions = ["solved", "other"]
disposition_required = true
head_start = "250ms"
late = 0.5
rona = "stay-ready"
max_waiting = 7
when_closed = "release"
when_unstaffed = { queue = "华语", reason = "home" }
when_full = { release = "busy" }
max_wait = "5m"
when_overdue = "callback"
callback_attempts = 5
callback_retry = "1h"
ordering = "due"
target = "40s"
band = 2
level_delays = ["20s", 60]
reserve = 1
hold_for = "45s"
affinity = "7d"
dedicated_attribute = "manager"
allow = ["level-empty"]
service_level = "30s"

[[queues.sales.steps]]
after = "20s"
requirement = "skills.english >= 1"
drop_own = true

[[queues.sales.steps]]
after = 40
when = "estimated_wait > 60s"
queues = ["华语"]
priority = 2
announce = "sorry"

[queues."华语"]
requirement = 'skills["客服"] >= 5'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    token = tmp_path / "anna.token"
    token.write_text("a-token-of-annas-own\n")
    token.chmod(0o600)
    return tmp_path


def cases(name: str) -> list[tuple[str, str]]:
    """(configuration, what is said about it) of a file of cases."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    blocks = re.split(r"^===\n", text, flags=re.MULTILINE)[1:]
    return [(toml_text, said.strip("\n")) for toml_text, said in (block.split("---\n") for block in blocks)]


def report(text: str, base: Path, **environment: str) -> Report:
    found = check_text(text, "acd.toml", base, environment)
    assert (found.config is None) == bool(found.errors)
    return found


def errors(text: str, base: Path, **environment: str) -> list[str]:
    return [str(problem) for problem in report(text, base, **environment).errors]


def warnings(text: str, base: Path, **environment: str) -> list[str]:
    found = report(text, base, **environment)
    assert found.errors == ()
    return [str(problem) for problem in found.warnings]


def test_everything_that_can_be_said(folder: Path) -> None:
    config = loads(FULL, base=folder, environment={"WALLBOARD": TOKEN})
    assert config.warnings == ()
    assert config.domain == "shanghai"
    assert (config.journal.path, config.journal.durability) == (folder / "data/journal.db", "full")
    assert config.personal.path == folder / "data/personal.db"
    assert (config.personal.key_file, config.personal.region) == (folder / "data/key", "DE")
    assert config.snapshots == SnapshotsConfig(folder / "data/snapshots", False, 5_000, 600_000_000, 2)  # noqa: FBT003
    assert (config.router.inbox, config.router.batch, config.router.channel_deadline_us) == (500, 50, 2_000_000)
    assert config.api is not None
    assert (config.api.host, config.api.port, config.api.open) == ("127.0.0.1", 0, False)
    assert config.api.origins == ("https://desk.example.com",)
    assert (config.api.answers, config.api.idempotency_us) == (folder / "answers.db", 7_200_000_000)
    assert [token.expires_us for token in config.api.tokens] == [1_801_353_600_000_000, 0]
    anna, wallboard = config.api.tokens
    assert (anna.name, anna.secret.reveal(), anna.roles, anna.agent) == (
        "anna-desktop",
        "a-token-of-annas-own",
        ("agent",),
        "anna",
    )
    assert (wallboard.secret.reveal(), wallboard.roles) == (TOKEN, ("supervisor", "system"))
    options = {"url": "http://127.0.0.1:8088", "nested": {"deep": [1, 2]}}
    assert config.channels == (ChannelConfig("pbx", "asterisk", options, folder),)
    capacity = Capacity(200, (ChannelShare("*", 100, 2, ("email",)), ChannelShare("email", 10, 20)))
    zhang = AgentSettings(
        "张伟", (("english", 3), ("客服", 9)), ("vip", "夜班"), ("sales", "华语"), capacity, levels=(("sales", 3),)
    )
    addresses = (("email", "zhang@example.com"), ("voice", "PJSIP/zhang"))
    helper = AgentSettings("anna", (("客服", 6),))
    assert config.agents == (
        AgentConfig(helper, "anna"),
        AgentConfig(zhang, "张伟 (Zhang Wei)", addresses),
    )
    assert config.addresses()["张伟", "voice"] == "PJSIP/zhang"
    long_wait = Condition("estimated_wait", ">", 60_000_000)
    sales = QueueSettings(
        "sales",
        'skills.english >= 2 && "vip" in labels',
        "weighted",
        fit_weight_us=5_000_000,
        offer_timeout_us=15_000_000,
        retry_after_us=60_000_000,
        wrap_up_us=90_000_000,
        head_start_us=250_000,
        late_us=500_000,
        rona="stay-ready",
        max_waiting=7,
        when_closed=Action("release"),
        when_unstaffed=Action("queue", "华语", "home"),
        when_full=Action("release", reason="busy"),
        max_wait_us=300_000_000,
        when_overdue=Action("callback"),
        callback_attempts=5,
        callback_retry_us=3_600_000_000,
        ordering="due",
        target_us=40_000_000,
        band=2,
        level_delays_us=(20_000_000, 60_000_000),
        reserve=1,
        hold_for_us=45_000_000,
        affinity_us=7 * 24 * 3_600_000_000,
        dedicated_attribute="manager",
        wrap_up_policy="extended",
        wrap_up_most_us=300_000_000,
        dispositions=("other", "solved"),
        disposition_required=True,
        steps=(
            Step(20_000_000, "skills.english >= 1", drop_own=True),
            Step(
                40_000_000,
                queues=("华语",),
                priority=2,
                announce="sorry",
                when=long_wait,
            ),
        ),
    )
    chinese = QueueSettings("华语", 'skills["客服"] >= 5')
    assert config.queues == (QueueConfig(sales, "Sales", 30_000_000), QueueConfig(chinese, "华语", 20_000_000))
    assert config.core_settings() == CoreSettings((helper, zhang), (sales, chinese))


def test_a_channel_that_calls_back_is_for_those_who_called(tmp_path: Path) -> None:
    """Nobody is rung who wrote."""
    text = '[channels.pbx]\ntype = "asterisk"\n[queues.night]\ncallback_channel = "pbx"\n[queues.day]\n'
    queues = {each.settings.id: each.settings for each in loads(text, base=tmp_path).queues}
    assert (queues["night"].callback_channel, queues["night"].callback_medium) == ("pbx", "voice")
    assert (queues["day"].callback_channel, queues["day"].callback_medium) == ("", "")


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    config = loads("", base=tmp_path)
    assert config.core_settings() == CoreSettings()
    assert (config.domain, config.api, config.channels) == ("default", None, ())
    assert config.journal.path == tmp_path / "acd-journal.db"
    assert config.personal.region == "CN"


def test_the_order_in_the_file_does_not_change_the_settings(tmp_path: Path) -> None:
    one = loads('[agents.b]\n[agents.a]\nlabels = ["y", "x"]\n[queues.q]\n[queues.p]\n', base=tmp_path)
    two = loads('[queues.p]\n[queues.q]\n[agents.a]\nlabels = ["x", "y"]\n[agents.b]\n', base=tmp_path)
    assert one.core_settings() == two.core_settings()
    assert [agent.id for agent in one.core_settings().agents] == ["a", "b"]


def test_a_secret_shows_in_nothing_printed(folder: Path) -> None:
    config = loads(FULL, base=folder, environment={"WALLBOARD": TOKEN})
    assert TOKEN not in repr(config)
    assert "annas-own" not in repr(config)
    assert "reveal" not in repr(config)


@pytest.mark.parametrize(("text", "expected"), cases("errors.txt"))
def test_every_error_word_for_word(text: str, expected: str, tmp_path: Path) -> None:
    assert "\n".join(errors(text, tmp_path, T=TOKEN, U=TOKEN + "u")) == expected
    windows = text.replace("\n", "\r\n")
    assert "\n".join(errors(windows, tmp_path, T=TOKEN, U=TOKEN + "u")) == expected


def test_every_error_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = '[router]\nbatch = 0\n[agents.a]\nskils = {}\ncapacity = "x"\n[queues.q]\nrona = "no"\nlate = "y"\n'
    lines = [int(error.split(":")[1]) for error in errors(text, tmp_path)]
    assert lines == [2, 4, 5, 7, 8]
    with pytest.raises(ConfigError) as raised:
        loads(text, "my.toml", tmp_path)
    assert len(raised.value.problems) == 5
    assert raised.value.problems[0] == "my.toml:2: router.batch: 0 is out of range; use 1 to 10000"


def test_a_malformed_requirement_is_shown_with_a_caret(tmp_path: Path) -> None:
    (error,) = errors("[queues.q]\n\nrequirement = 'skills.english >> 5'", tmp_path)
    first, shown, caret = error.split("\n")
    assert first.startswith("acd.toml:3: queues.q.requirement: ")
    assert shown == "  skills.english >> 5"
    assert caret.strip() == "^"
    assert shown[caret.index("^")] == ">"


def test_the_caret_stands_below_wide_characters(tmp_path: Path) -> None:
    (error,) = errors("[queues.q]\nrequirement = 'skills[\"客服\"] >= x'", tmp_path)
    _, shown, caret = error.split("\n")
    assert shown == '  skills["客服"] >= x'
    assert caret.index("^") == shown.index("x") + 2  # two characters before it are two columns wide


# Tokens


def token(*lines: str) -> str:
    return "\n".join(["[api]", "[[api.tokens]]", 'name = "t"', 'roles = ["system"]', *lines])


def test_no_message_quotes_a_secret(tmp_path: Path) -> None:
    found = report(token('token = "canary with space in it"', 'agent = "x"'), tmp_path)
    assert len(found.errors) == 2
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no file {path}; create it with a random token in it, mode 600"),
        (b"", "{path} is empty; put one line with the token in it"),
        (b"\xff\xfe", "{path} is not a text; put one line with the token in it"),
        (b"short\n", "is a token of 5 characters; use 16 to 512, best random ones"),
    ],
)
def test_a_wrong_token_file(content: bytes | None, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    assert errors(token('token_file = "secret"'), tmp_path) == [
        f"acd.toml:5: api.tokens[0].token_file: {expected.format(path=path)}"
    ]


def test_an_old_token_beside_the_new_one(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(f"{name}-token-0123456789\n")
    config = loads(token('token_file = "new"', 'old_token_file = "old"'), base=tmp_path)
    assert config.api is not None
    (found,) = config.api.tokens
    assert [secret.reveal() for secret in found.secrets] == ["new-token-0123456789", "old-token-0123456789"]
    assert errors(token('token_file = "new"', 'old_token_file = "new"'), tmp_path) == [
        "acd.toml:6: api.tokens[0].old_token_file: holds the new token; leave it out, or put the one before into it"
    ]
    fix = "leave old_token_file out, or put the token before into this file, mode 600"
    assert errors(token('token_file = "new"', 'old_token_file = "gone"'), tmp_path) == [
        f"acd.toml:6: api.tokens[0].old_token_file: there is no file {tmp_path / 'gone'}; {fix}"
    ]


def test_a_folder_is_no_token_file(tmp_path: Path) -> None:
    (error,) = errors(token('token_file = "."'), tmp_path)
    assert error.endswith("let the user that runs acd read it")
    assert f"{tmp_path} cannot be read" in error


# Warnings


def test_secrets_that_others_can_read(folder: Path) -> None:
    secret = folder / "anna.token"
    secret.chmod(0o644)
    text = token('token_file = "anna.token"', "[channels.pbx]", 'type = "x"', 'password_file = "anna.token"')
    assert warnings(text, folder) == [
        f"acd.toml:5: api.tokens[0].token_file: every user of this machine can read {secret}; chmod 600 {secret}",
        f"acd.toml:8: channels.pbx.password_file: every user of this machine can read {secret}; chmod 600 {secret}",
    ]


def test_known_words_are_named_up_to_a_limit(tmp_path: Path) -> None:
    agents = "".join(f"[agents.a{number:02}]\n" for number in range(30))
    text = f'{agents}[agents.b]\n[queues.q]\nrequirement = "skills.x > 1"\n[agents.c]\nskills = {{ '
    text += ", ".join(f"s{number:02} = 1" for number in range(30)) + " }\n"
    (warning,) = warnings(text, tmp_path)
    assert warning.endswith(
        f"; known are {', '.join(f's{number:02}' for number in range(20))} and 10 more [unheld-skill]"
    )


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda key: key.mkdir(), "{key} does not hold 32 bytes; name the key file that acd made"),
        (lambda key: key.write_bytes(b"x" * 31), "{key} does not hold 32 bytes; name the key file that acd made"),
        (
            lambda key: (key.write_bytes(b"x" * 32), key.chmod(0o640)),
            "{key} is open to other users of this machine; chmod 600 {key}",
        ),
        (
            lambda key: key.with_name("acd-personal.db").touch(),
            GONE,
        ),
    ],
)
def test_a_wrong_key_file(make: Callable[[Path], object], expected: str, tmp_path: Path) -> None:
    key = tmp_path / "acd-personal.key"
    make(key)
    said = expected.format(key=key, store=tmp_path / "acd-personal.db")
    assert errors("[personal]\n\nkey_file = 'acd-personal.key'", tmp_path) == [f"acd.toml:3: personal.key_file: {said}"]


def test_a_key_file_of_its_own(tmp_path: Path) -> None:
    assert errors("[personal]\npath = 'a'\nkey_file = 'a'", tmp_path) == [
        "acd.toml:3: personal.key_file: is the store itself; keep the key in a file of its own"
    ]
    key = tmp_path / "acd-personal.key"
    key.write_bytes(b"x" * 32)
    key.chmod(0o600)
    assert report("", tmp_path).errors == ()


@pytest.mark.parametrize(("text", "expected"), cases("warnings.txt"))
def test_every_warning_word_for_word(text: str, expected: str, tmp_path: Path) -> None:
    assert "\n".join(warnings(text, tmp_path, T=TOKEN)) == expected
    assert [
        str(warning) for warning in loads(text, base=tmp_path, environment={"T": TOKEN}).warnings
    ] == expected.splitlines()


# Files


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "acd.toml"
    file.write_text('[journal]\npath = "../j.db"\n[channels.c]\ntype = "x"\n', encoding="utf-8-sig")
    monkeypatch.chdir(tmp_path)
    config = load("etc/acd.toml")
    assert config.journal.path == tmp_path / "j.db"
    assert config.channels[0].base == Path("etc")
    assert config.source == Path("etc/acd.toml")


def test_folders_that_are_not_there_and_files_that_are_folders(tmp_path: Path) -> None:
    text = f'[journal]\npath = "no/j.db"\n[personal]\npath = "{tmp_path}"\n'
    assert errors(text, tmp_path) == [
        f"acd.toml:2: journal.path: there is no folder {tmp_path / 'no'}; create it, or name another",
        f"acd.toml:4: personal.path: {tmp_path} is a folder; name a file",
    ]


def test_how_long_requests_with_a_key_are_remembered(tmp_path: Path) -> None:
    (found,) = errors('[api]\nopen = true\nidempotency = "10s"', tmp_path)
    assert found.startswith("acd.toml:3: api.idempotency: ")


def test_half_of_tls(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("")
    assert errors('[api]\nopen = true\ncertificate = "c.pem"', tmp_path) == [
        "acd.toml:1: api: has one half of TLS only; set private_key as well"
    ]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda _: None, "{path}: there is no such file; create one with: acd init"),
        (Path.mkdir, "{path}: cannot be read (Is a directory); name a file that this user may read"),
        (
            lambda path: path.write_bytes("a = 1\n# 张伟\n".encode("gbk")),
            "{path}:2: is not UTF-8; save the file as UTF-8",
        ),
    ],
)
def test_a_file_that_cannot_be_read(write: Callable[[Path], object], expected: str, tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    write(path)
    found = check(path)
    assert found.config is None
    assert [str(error) for error in found.errors] == [expected.format(path=path)]


# Texts that are no TOML


def test_an_unfinished_text_is_shown_at_its_end(tmp_path: Path) -> None:
    (error,) = errors("a = 1\nb = [1,\n\n", tmp_path)
    assert error.startswith("acd.toml:2: ")
    assert error.endswith("\n  b = [1,\n         ^")


@pytest.mark.parametrize("name", ["/" + "x" * 300 + "/j.db", "~nobody-of-this-name/j.db", "\\u0000", ""])
def test_paths_that_no_system_has(name: str, tmp_path: Path) -> None:
    text = f'[journal]\npath = "{name}"\n[personal]\nkey_file = "{name}"\n'
    text += f'[channels.c]\ntype = "x"\npassword_file = "{name}"'
    assert [error.split(": ")[1] for error in errors(text, tmp_path)] == ["journal.path", "personal.key_file"]


def test_numbers_too_long_to_write_out(tmp_path: Path) -> None:
    text = f"[router]\nbatch = 0x{'f' * 6_000}\nchannel_deadline = 0x{'f' * 6_000}\ninbox = -1e400"
    assert errors(text, tmp_path) == [
        "acd.toml:2: router.batch: a number of more than 30 digits is out of range; use 1 to 10000",
        "acd.toml:3: router.channel_deadline: a number of more than 30 digits is out of range; use 1ms to 1m",
        "acd.toml:4: router.inbox: -inf is not a whole number; use 1 to 1000000",
    ]
    assert errors(f"a = {'1' * 6_000}", tmp_path) == [
        "acd.toml: holds a number of thousands of digits; write a shorter one"
    ]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_makes_it_raise(data: st.DataObject) -> None:
    text = FULL
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text(st.sampled_from("\"'[]{}=.,#\n 1x张－"), max_size=3)) + text[at + length :]
    found = check_text(text, base=Path(os.sep), environment={"WALLBOARD": TOKEN})
    assert (found.config is None) == bool(found.errors)
    for problem in (*found.errors, *found.warnings):
        assert 0 <= problem.line <= text.count("\n") + 1
        assert problem.reason


def test_a_bomb_of_brackets_is_refused(tmp_path: Path) -> None:
    assert errors("a = " + "[" * 100_000, tmp_path) == ["acd.toml: is nested too deeply; write tables as sections"]


def test_problems_are_bounded(tmp_path: Path) -> None:
    text = "".join(f"[agents.a{number}]\nx = 1\n" for number in range(1_500))
    found = errors(text, tmp_path)
    assert len(found) == 1_001
    assert found[-1] == "acd.toml: 500 more problems are not shown; put these right first"


# Capacity


def fits(capacity: Capacity, *items: str) -> bool:
    """Whether these items can be in hand at once, by the rule of ARCHITECTURE.md."""
    shares = {share.channel: share for share in capacity.channels}
    counts: dict[str, int] = {}
    used = 0
    for item in items:
        share = shares.get(item) or shares.get("*")
        if share is None:
            return False
        counts[share.channel] = counts.get(share.channel, 0) + 1
        used += share.cost
        if used > capacity.total or counts[share.channel] > share.most:
            return False
    return True


def test_exclusive_takes_one_of_anything() -> None:
    capacity = PROFILES["exclusive"]
    assert capacity == Capacity()
    assert fits(capacity, "voice")
    assert fits(capacity, "chat")
    assert not fits(capacity, "voice", "chat")
    assert not fits(capacity, "chat", "chat")


def test_parallel_takes_a_call_beside_two_chats_or_four_chats() -> None:
    capacity = PROFILES["parallel"]
    assert fits(capacity, "voice", "chat", "chat")
    assert fits(capacity, "chat", "email", "voice")
    assert fits(capacity, "chat", "chat", "sms", "email")
    assert not fits(capacity, "voice", "voice")
    assert not fits(capacity, "voice", "chat", "chat", "chat")
    assert not fits(capacity, "chat", "chat", "chat", "chat", "chat")


def test_reserved_voice_always_has_room_for_a_call() -> None:
    capacity = PROFILES["reserved-voice"]
    written = ["chat", "email", "sms", "messaging"]
    for first in written:
        for second in written:
            assert fits(capacity, first, second, "voice")
            assert not any(fits(capacity, first, second, third) for third in written)


# What is accepted always suits the core.

ATOMS = st.one_of(
    st.text(max_size=3),
    st.integers(-2, 12),
    st.booleans(),
    st.floats(),
    st.sampled_from(["20s", "voice", "true", "skills.x > 1", "weighted", "parallel", "张伟", "a" * 129]),
)
NAMES = ("skills", "labels", "queues", "capacity", "name", "addresses", "requirement", "strategy", "offer_timeout")
KEYS = st.sampled_from((*NAMES, "late", "max_waiting", "total", "channels", "voice", "cost", "most", "*", "x", "张伟"))
TABLES = st.recursive(
    st.dictionaries(KEYS, ATOMS, max_size=4),
    lambda inner: st.dictionaries(KEYS, st.one_of(ATOMS, st.lists(ATOMS, max_size=3), inner), max_size=4),
    max_leaves=8,
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(char):08X}" for char in value if not "\ud800" <= char <= "\udfff") + '"'
    return str(value).lower()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["agents", "queues", "capacities"]), st.dictionaries(KEYS, TABLES, max_size=3))
def test_whatever_is_accepted_suits_the_core(section: str, tables: dict[str, object]) -> None:
    found = check_text(f"{section} = {toml(tables)}", base=Path(os.sep), environment={})
    if found.config is None:
        assert found.errors
        return
    core = found.config.core_settings()
    packed = msgspec.msgpack.encode(core)
    assert msgspec.msgpack.decode(packed, type=CoreSettings) == core


def test_the_limits_of_the_core_are_those_of_the_file(tmp_path: Path) -> None:
    many = ", ".join(f'"l{number}"' for number in range(limits.MAX_SKILLS + 1))
    assert errors(f"[agents.a]\nlabels = [{many}]", tmp_path) == [
        "acd.toml:2: agents.a.labels: has 65 entries; 64 at most"
    ]
    long = "x" * (limits.MAX_ID + 1)
    assert errors(f"[agents.{long}]", tmp_path) == [
        f"acd.toml:1: agents.{long}: is an id of 129 characters; 128 at most"
    ]
