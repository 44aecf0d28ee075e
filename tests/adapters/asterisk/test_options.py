"""Options of `[channels.NAME]`: defaults, every problem at once, and no secret in any message."""

import re
import tomllib
from pathlib import Path

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import Options, PasswordUnavailable, read_options
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.page_text import ROOT, blocks
from tests.adapters.asterisk.rig import EXAMPLES

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "canary-secret"}


def problems(**changes: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {**PLAIN, **changes})
    return caught.value.problems


def test_defaults() -> None:
    options = read_options("pbx1", PLAIN)
    assert (options.url, options.user, options.app) == ("http://127.0.0.1:8088/ari", "acd", "acd")
    assert options.password.read() == "canary-secret"
    assert (options.heartbeat_us, options.dead_man_us) == (10_000_000, 30_000_000)
    assert options.connections <= 90
    assert "canary" not in repr(options)


def test_channel_is_opened_without_io() -> None:
    channel = open_channel("pbx1", PLAIN)
    assert channel.name == "pbx1"
    assert channel.health()["connected"] is False


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("http://127.0.0.1:8088", "http://127.0.0.1:8088/ari"),
        ("http://127.0.0.1:8088/", "http://127.0.0.1:8088/ari"),
        ("https://pbx.example/asterisk/ari/", "https://pbx.example/asterisk/ari"),
        ("http://[::1]:8088/ari", "http://[::1]:8088/ari"),
    ],
)
def test_urls(url: str, becomes: str) -> None:
    assert read_options("pbx1", {**PLAIN, "url": url}).url == becomes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": ""}, "channels.pbx1.url: is missing"),
        ({"url": "127.0.0.1:8088"}, "channels.pbx1.url: '127.0.0.1:8088' is not an http or https URL"),
        ({"url": "http://acd:canary-secret@127.0.0.1/ari"}, "channels.pbx1.url: holds a user or a password"),
        ({"url": "http://127.0.0.1:99999/ari"}, "channels.pbx1.url: cannot be read as a URL"),
        ({"url": "http://127.0.0.1/ari?api_key=canary-secret"}, "channels.pbx1.url: has more than"),
        ({"url": 5}, "channels.pbx1.url: is not a text"),
        ({"user": "a:b"}, "channels.pbx1.user: 'a:b' cannot be used"),
        ({"password_file": "x"}, "channels.pbx1: has password and password_file"),
        ({"password": ""}, "channels.pbx1.password: is empty"),
        ({"password": "canary\n"}, "channels.pbx1.password: is too long or has control characters"),
        ({"app": "a b"}, "channels.pbx1.app: 'a b' cannot be used"),
        ({"app": "a" * 21}, "channels.pbx1.app"),
        ({"queue": "two words"}, "channels.pbx1.queue: 'two words' is no queue's name"),
        ({"caller_id": 'x" <1>'}, "channels.pbx1.caller_id"),
        ({"ring_margin": "0s"}, "channels.pbx1.ring_margin: 0 seconds are out of bounds"),
        ({"heartbeat": "soon"}, "channels.pbx1.heartbeat: is not a duration"),
        ({"heartbeat": "20s"}, "channels.pbx1.dead_man: is shorter than two heartbeats"),
        ({"connections": 91}, "channels.pbx1.connections: 91 is not a number from 4 to 90"),
        ({"connections": True}, "channels.pbx1.connections"),
        ({"variables": ["tier"]}, "channels.pbx1.variables: 'tier' cannot be used"),
        ({"variables": "X_ACD_A"}, "channels.pbx1.variables: is not a list"),
        ({"fetch_variables": "yes"}, "channels.pbx1.fetch_variables: 'yes' is not true or false"),
        ({"on_cancel": "stay"}, "channels.pbx1.on_cancel: 'stay' is no choice"),
        ({"music_class": "a/b"}, "channels.pbx1.music_class"),
        ({"timout": 5}, "channels.pbx1.timout: is no option"),
        (
            {"keys": {}},
            "channels.pbx1.keys: is no option of an Asterisk channel; it belongs into [channels.pbx1.queues.QUEUE]",
        ),
        (
            {"dial": ""},
            "channels.pbx1.dial: is no option of an Asterisk channel; it belongs into [channels.pbx1.callbacks]",
        ),
        (
            {"queues": {"sales": {"dispositions": ["a", "a"]}}},
            "channels.pbx1.queues.sales.dispositions: 'a' is no code",
        ),
        (
            {"queues": {"sales": {"disposition_within": "1h"}}},
            "channels.pbx1.queues.sales.disposition_within: 3600 seconds are out of bounds",
        ),
        ({"survey": {"keys": "12"}}, "channels.pbx1.survey.questions: is missing"),
        ({"survey": {"questions": ["a b"]}}, "channels.pbx1.survey.questions: 'a b' cannot be played"),
        ({"survey": {"questions": ["a"], "keys": "11"}}, "channels.pbx1.survey.keys: '11' cannot be used"),
        ({"survey": {"questions": ["a"], "queues": ["a b"]}}, "channels.pbx1.survey.queues: 'a b' is no queue's name"),
        ({"survey": {"questions": ["a"], "tries": 9}}, "channels.pbx1.survey.tries: 9 is not a number from 1 to 5"),
        ({"recording": "yes"}, "channels.pbx1.recording: is not a table"),
        ({"recording": {"mode": "stereo"}}, "channels.pbx1.recording.mode: 'stereo' is no choice"),
        ({"recording": {"mode": "mixed", "queues": ["a b"]}}, "channels.pbx1.recording.queues: 'a b' is no queue's"),
        ({"recording": {"queues": ["sales"]}}, "channels.pbx1.recording.queues: is there, but nothing is recorded"),
        ({"recording": {"pause_code": "*7"}}, "channels.pbx1.recording.pause_code: is there, but nothing is recorded"),
        ({"recording": {"mode": "off", "format": "../x"}}, "channels.pbx1.recording.format: '../x' cannot be used"),
        ({"recording": {"mode": "off", "pause_code": "7"}}, "channels.pbx1.recording.pause_code: '7' cannot be used"),
        (
            {"recording": {"mode": "off", "announcement": ["a b"]}},
            "channels.pbx1.recording.announcement: 'a b' cannot be played",
        ),
        ({"recording": {"mode": "off", "keep": "1h"}}, "channels.pbx1.recording.keep: 3600 seconds are out of bounds"),
        ({"recording": {"mode": "off", "keeep": "90d"}}, "channels.pbx1.recording.keeep: is no option of recordings"),
    ],
)
def test_problem(changes: dict[str, object], says: str) -> None:
    (found,) = problems(**changes)
    assert found.startswith(says), found
    assert "canary" not in found


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {"app": "", "connections": 0, "hartbeat": 3})
    keys = [problem.split(":")[0] for problem in caught.value.problems]
    assert keys == [
        "channels.pbx1.url",
        "channels.pbx1.user",
        "channels.pbx1",
        "channels.pbx1.app",
        "channels.pbx1.connections",
        "channels.pbx1.hartbeat",
    ]
    assert "did you mean heartbeat?" in caught.value.problems[-1]


def test_password_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    options = read_options("pbx1", _with_file(file))
    with pytest.raises(PasswordUnavailable, match=r"password_file: .*secret cannot be read"):
        options.password.read()
    file.write_text(" \n")
    with pytest.raises(PasswordUnavailable, match="is empty"):
        options.password.read()
    file.write_text("first\n")
    assert options.password.read() == "first"
    file.write_text("second\n")
    assert options.password.read() == "second"
    file.write_bytes(b"\xff")
    with pytest.raises(PasswordUnavailable, match="UTF-8"):
        options.password.read()


def test_password_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    options: Options = read_options("pbx1", {"url": PLAIN["url"], "user": "acd", "password_env": "ACD_TEST_PASSWORD"})
    with pytest.raises(PasswordUnavailable, match="the environment has no ACD_TEST_PASSWORD"):
        options.password.read()
    monkeypatch.setenv("ACD_TEST_PASSWORD", "x")
    assert options.password.read() == "x"


def _with_file(file: Path) -> dict[str, object]:
    return {"url": PLAIN["url"], "user": "acd", "password_file": str(file)}


@pytest.mark.parametrize("control", ["ari", "ami"])
def test_the_password_of_ami_that_is_not_there(tmp_path: Path, control: str) -> None:
    given = {"url": PLAIN["url"], "user": "acd", "password": "x"} if control == "ari" else {"control": "ami"}
    ami = {"user": "acd", "password_file": str(tmp_path / "nowhere")}
    (caution,) = read_options("pbx1", {**given, "ami": ami}).cautions
    assert caution[0] == "ami.password_file"
    assert "cannot be read" in caution[1]
    (tmp_path / "nowhere").write_text("a password")
    assert read_options("pbx1", {**given, "ami": ami}).cautions == ()


def test_recording_that_is_switched_off_may_keep_its_options() -> None:
    given = {**PLAIN, "recording": {"mode": "off", "pause_code": "*7", "queues": ["sales"]}}
    assert read_options("pbx1", given).recording.mode == "off"


def test_the_page_has_every_option() -> None:
    """The table of the page for a plain Asterisk, against the keys that are known."""
    (said,) = problems(nosuch=1)
    known = set(said.partition("known are ")[2].split(", "))
    page = (EXAMPLES / "README.md").read_text().partition("\n## All options of `[channels.NAME]`\n")[2]
    rows = [line.split("|")[1] for line in page.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    shown = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    assert len(shown) == len(set(shown))
    assert set(shown) == known | {"type"}


PAGES = {
    page: shown
    for page in (*ROOT.glob("*.md"), *EXAMPLES.glob("*.md"))
    if (shown := [block for block in blocks(page) if "[channels.pbx" in block])
}


def test_the_pages_that_show_options() -> None:
    shown = {page.name for page in PAGES}
    about = {"ANNOUNCEMENTS.md", "MENUS.md", "PHONES.md", "RECORDING.md", "SURVEYS.md", "QUEUELOG.md"}
    assert {*about, "README.md", "FREEPBX.md", "AMI.md", "AMI_ONLY.md", "TRANSFERS.md", "CALLBACKS.md"} <= shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_pages_show_can_be_pasted(page: Path) -> None:
    """Every table of options of every page, each beneath the channel that the page for a plain Asterisk makes."""
    for block in PAGES[page]:
        shown = tomllib.loads(block)["channels"]["pbx"]
        shown.pop("type", None)
        has_access = {"control", "password_file", "password_env"} & shown.keys()
        if "ami" in shown and not {"password_file", "password_env"} & shown["ami"].keys():
            shown["ami"]["password"] = "x"
        read_options("pbx", shown if has_access else {**PLAIN, **shown})
