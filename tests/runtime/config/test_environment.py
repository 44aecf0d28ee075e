"""Settings from the environment: which there are, what becomes of their texts, and who is named when one is wrong."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from acd.runtime.config import Report, check_text
from acd.runtime.config.environment import KEYS, TOKEN_KEYS, WEBHOOK_KEYS, put_over, variable_part
from acd.runtime.config.problems import Problems

TOKEN = "0123456789abcdef"
FILE = f"""\
[domain]
name = "shanghai"
[api]
[[api.tokens]]
name = "admin"
token = "{TOKEN}"
roles = ["system"]
[channels.pbx]
type = "asterisk"
url = "http://127.0.0.1:8088/ari"
user = "1000"
password = "from-the-file"
"""


def read(folder: Path, text: str = FILE, **environment: str) -> Report:
    return check_text(text, "acd.toml", folder, environment)


def said(report: Report) -> list[str]:
    return [str(problem) for problem in (*report.errors, *report.warnings)]


def test_it_replaces_what_the_file_says(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        ACD_DOMAIN_NAME="1234",
        ACD_API_PORT="8421",
        ACD_API_OPEN="False",
        ACD_JOURNAL_PATH=str(tmp_path / "elsewhere.db"),
        ACD_SNAPSHOTS_INTERVAL="90",
        ACD_ROUTER_CHANNEL_DEADLINE="7s",
        ACD_PERSONAL_REGION="",
        HOME="/nowhere",
    )
    assert report.config is not None, said(report)
    assert report.config.api is not None
    assert (report.config.domain, report.config.api.port, report.config.api.open) == ("1234", 8421, False)
    assert report.config.journal.path == tmp_path / "elsewhere.db"
    assert report.config.snapshots.interval_us == 90_000_000
    assert report.config.router.channel_deadline_us == 7_000_000
    assert report.config.personal.region == "CN", "an empty variable counts as not set"
    assert [str(override) for override in report.overrides] == [
        "ACD_API_OPEN sets api.open",
        "ACD_API_PORT sets api.port",
        "ACD_DOMAIN_NAME sets domain.name",
        "ACD_JOURNAL_PATH sets journal.path",
        "ACD_ROUTER_CHANNEL_DEADLINE sets router.channel_deadline",
        "ACD_SNAPSHOTS_INTERVAL sets snapshots.interval",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ACD_API_PORT", "http", 'ACD_API_PORT: api.port: "http" is not a whole number; use 0 to 65535'),
        ("ACD_API_PORT", "70000", "ACD_API_PORT: api.port: 70000 is out of range; use 0 to 65535"),
        ("ACD_API_OPEN", "yes", 'ACD_API_OPEN: api.open: "yes" is not true or false; write true or false'),
        ("ACD_JOURNAL_PATH", "gone/x.db", "ACD_JOURNAL_PATH: journal.path: there is no folder {}/gone; create it, "),
        ("ACD_SNAPSHOTS_INTERVAL", "soon", 'ACD_SNAPSHOTS_INTERVAL: snapshots.interval: "soon" is not a duration; '),
        (
            "ACD_AGENTS_ANNA_NAME",
            "Anne",
            "ACD_AGENTS_ANNA_NAME: is not a setting of acd; keep agents, queues, capacities and calendars in the file",
        ),
        ("ACD_API_PROT", "1", 'ACD_API_PROT: is not a setting of acd; did you mean "ACD_API_PORT"?'),
        (
            "ACD_API_TOKENS_ADMIN_TOKEN_FILE",
            "gone",
            "ACD_API_TOKENS_ADMIN_TOKEN_FILE: api.tokens[0].token_file: there ",
        ),
    ],
)
def test_problems_name_the_variable(tmp_path: Path, variable: str, value: str, problem: str) -> None:
    found = said(read(tmp_path, **{variable: value}))
    assert [text for text in found if text.startswith(problem.format(tmp_path))], found


def test_what_nobody_reads_is_a_warning_only(tmp_path: Path) -> None:
    """A name that the file, the build or the tests use is no slip."""
    text = FILE.replace(f'token = "{TOKEN}"', 'token_env = "ACD_CRM_TOKEN"')
    known = {"ACD_CRM_TOKEN": TOKEN, "ACD_SEED": "7", "ACD_LAB_CACHE": "cache", "ACDC": "rock"}
    assert [text for text in said(read(tmp_path, text, **known)) if text.startswith("ACD")] == []
    report = read(tmp_path, ACD_AGENTS_ANNA_NAME="Anna")
    assert report.config is not None
    assert [problem.file for problem in report.warnings if problem.file.startswith("ACD")] == ["ACD_AGENTS_ANNA_NAME"]


def test_a_secret_in_a_file_takes_the_place_of_the_files(tmp_path: Path) -> None:
    """As Docker and Kubernetes hand them out: a path in the environment, one line with a line break in the file."""
    secret = tmp_path / "run-secret"
    secret.write_text("fedcba9876543210\n")
    secret.chmod(0o644)
    report = read(tmp_path, ACD_API_TOKENS_ADMIN_TOKEN_FILE=str(secret), ACD_CHANNELS_PBX_PASSWORD_FILE=str(secret))
    assert report.config is not None, said(report)
    assert report.config.api is not None
    assert report.config.api.tokens[0].secret.reveal() == "fedcba9876543210"
    (pbx,) = report.config.channels
    assert pbx.options["password_file"] == str(secret)
    assert "password" not in pbx.options
    end = f"every user of this machine can read {secret}; chmod 600 {secret}"
    assert sorted(text for text in said(report) if "every user of this machine can read" in text) == [
        f"ACD_API_TOKENS_ADMIN_TOKEN_FILE: api.tokens[0].token_file: {end}",
        f"ACD_CHANNELS_PBX_PASSWORD_FILE: channels.pbx.password_file: {end}",
    ]


def test_a_secret_in_the_environment_is_not_in_clear_in_a_file(tmp_path: Path) -> None:
    other = "fedcba9876543210"
    report = read(tmp_path, ACD_API_TOKENS_ADMIN_TOKEN=other, ACD_CHANNELS_PBX_PASSWORD="123456")
    assert report.config is not None, said(report)
    assert report.config.api is not None
    assert report.config.api.tokens[0].secret.reveal() == other
    assert report.config.channels[0].options["password"] == "123456", "a secret of digits is no number"
    assert said(report) == []
    assert other not in str(report.overrides)


def test_options_of_plugins(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        ACD_CHANNELS_PBX_USER="2000",
        ACD_CHANNELS_PBX_DEAD_MAN="45",
        ACD_CHANNELS_PBX_ENDPOINT="PJSIP/{number}",
    )
    (pbx,) = report.channels
    assert pbx.options["user"] == "2000", "a text in the file stays a text"
    assert pbx.options["dead_man"] == 45
    assert pbx.options["endpoint"] == "PJSIP/{number}"


def test_the_longer_of_two_names_is_meant_and_two_that_look_alike_are_an_error(tmp_path: Path) -> None:
    text = '[channels.pbx]\ntype = "simulated"\n[channels.pbx-1]\ntype = "simulated"\n'
    report = read(tmp_path, text, ACD_CHANNELS_PBX_1_SEED="5")
    assert [dict(channel.options) for channel in report.channels] == [{}, {"seed": 5}]
    report = read(tmp_path, f'{text}[channels.pbx_1]\ntype = "simulated"\n', ACD_CHANNELS_PBX_1_SEED="5")
    assert "ACD_CHANNELS_PBX_1_SEED: fits channels.pbx-1 and channels.pbx_1; rename one of them, or " in said(report)[0]


@pytest.mark.parametrize("text", ["api = 3", "[api]\ntokens = 3", "channels = 3", "webhooks = []", "[[api.tokens]]"])
def test_sections_that_are_no_tables_are_noted_by_their_readers(tmp_path: Path, text: str) -> None:
    environment = {"ACD_API_PORT": "1", "ACD_CHANNELS_PBX_URL": "x", "ACD_API_TOKENS_ADMIN_TOKEN": TOKEN}
    assert read(tmp_path, text, **environment).errors


def test_the_document_that_was_given_stays_as_it_is() -> None:
    raw: dict[str, object] = {"api": {"tokens": [{"name": "admin", "token": "x"}]}, "domain": {"name": "a"}}
    before = repr(raw)
    merged, _ = put_over(raw, {"ACD_API_TOKENS_ADMIN_TOKEN_FILE": "f", "ACD_DOMAIN_NAME": "b"}, Problems("acd.toml"))
    assert repr(raw) == before
    assert merged["domain"] == {"name": "b"}


NOT_SINGLE: Mapping[str, frozenset[str]] = {
    "domain": frozenset({"allow"}),
    "": frozenset({"agents", "queues", "capacities", "calendars", "channels", "webhooks"}),
    "api": frozenset({"tokens", "origins", "rates", "sessions", "desk", "wallboard"}),
    "api.desk": frozenset({"reasons", "answers"}),
    "webhooks.crm": frozenset({"queues", "agents", "kinds"}),
    "queue_log": frozenset({"channels"}),
    "api.tokens[0]": frozenset(
        {"name", "roles", "agent", "telephone", "expires", "channel", "queues", "channels", "rate", "burst"}
    ),
}
"""Keys that hold several values, or say who somebody is and what they may do."""


def test_every_single_setting_can_be_set(tmp_path: Path) -> None:
    """A reader that is asked for a key that it does not know tells all that it knows."""
    sections = {"": {name for name in KEYS if "." not in name}, **KEYS}
    sections |= {"webhooks.crm": WEBHOOK_KEYS, "api.tokens[0]": TOKEN_KEYS}
    text = "zzzzzzzzzzzz = 1\n" + "".join(f"[{name}]\nzzzzzzzzzzzz = 1\n" for name in (*KEYS, "webhooks.crm"))
    report = read(tmp_path, f"{text}[[api.tokens]]\nzzzzzzzzzzzz = 1\n")
    known = {
        problem.key.removesuffix("zzzzzzzzzzzz").removesuffix("."): set(
            re.findall(r"[a-z_]+", problem.fix.partition("known are ")[2])
        )
        for problem in report.errors
        if "zzzzzzzzzzzz" in problem.key
    }
    assert {name: set(keys) | NOT_SINGLE.get(name, frozenset()) for name, keys in sections.items()} == known


def test_names_in_variables() -> None:
    assert [variable_part(name) for name in ("pbx", "pbx-1", "客服", "key_file")] == ["PBX", "PBX_1", "__", "KEY_FILE"]
