"""What several configurations of one process must not have in common; each finding with file, line, key and fix."""

from pathlib import Path
from typing import get_args

import pytest
from msgspec import Struct
from msgspec.structs import fields

from acd.runtime.config import Config, load
from acd.runtime.config.problems import Located
from acd.runtime.config.together import MAX_DOMAINS, check_together

API = """
[api]
port = {port}
{more}
[[api.tokens]]
name = "pbx"
token = "{token}"
roles = ["system"]
"""


def written(folder: Path, text: str, name: str = "") -> Config:
    folder.mkdir(exist_ok=True)
    file = folder / "acd.toml"
    file.write_text(f'[domain]\nname = "{name or folder.name}"\n{text}')
    return load(file)


def api(name: str, port: int = 8420, more: str = "") -> str:
    return API.format(port=port, more=more, token=f"token-of-{name}-0123456789")


def said(*configs: Config) -> list[str]:
    return [str(problem) for problem in check_together(configs).errors]


def test_domains_in_folders_of_their_own_have_nothing_in_common(tmp_path: Path) -> None:
    red, blue = (written(tmp_path / name, api(name)) for name in ("red", "blue"))
    assert said(red, blue) == []
    assert said(red) == []


def test_a_name_belongs_to_one(tmp_path: Path) -> None:
    red, blue = written(tmp_path / "red", ""), written(tmp_path / "blue", "", name="red")
    assert said(red, blue) == [
        f'{blue.source}:2: domain.name: "red" is the domain of {red.source}, too; give each its own name'
    ]


@pytest.mark.parametrize(
    ("section", "key", "where"),
    [
        ("journal", "path", "../red/acd-journal.db"),
        ("personal", "path", "../red/acd-personal.db"),
        ("personal", "key_file", "../red/acd-personal.key"),
        ("snapshots", "path", "../red/acd-snapshots"),
        ("outbox", "path", "../red/acd-outbox.db"),
        ("api", "versions", "../red/acd-versions.db"),
        ("api", "answers", "../red/acd-answers.db"),
        ("queue_log", "path", '../red/queue_log"\nstate = "queue_log.own'),
        ("queue_log", "state", "../red/queue_log.acd"),
    ],
)
def test_every_file_belongs_to_one(tmp_path: Path, section: str, key: str, where: str) -> None:
    more = f'{key} = "{where}"'
    outbox = "[outbox]\n"
    red = written(tmp_path / "red", outbox + "[queue_log]\n" + api("red"))
    own = api("blue", more=more) if section == "api" else api("blue") + f"[{section}]\n{more}\n"
    blue = written(tmp_path / "blue", own if section in {"api", "outbox"} else outbox + own)
    (problem,) = check_together((red, blue)).errors
    assert problem.key == f"{section}.{key}"
    assert problem.line > 2
    assert problem.reason.endswith(f"is also {section}.{key} of {red.source}")


def test_no_path_of_a_configuration_is_forgotten() -> None:
    """Who adds a file of a domain's own adds it to `check_together`, and to the test above."""
    paths = {
        f"{section.name}.{field.name}"
        for section in fields(Config)
        for kind in (get_args(section.type) or (section.type,))
        if isinstance(kind, type) and issubclass(kind, Struct)
        for field in fields(kind)
        if Path in (field.type, *get_args(field.type))
    }
    shared = {"api.certificate", "api.private_key", "channels.base"}
    assert paths - shared == {
        *("journal.path", "personal.path", "personal.key_file", "snapshots.path", "outbox.path"),
        *("api.versions", "api.answers", "queue_log.path", "queue_log.state"),
    }


def test_a_file_may_not_have_two_uses_nor_two_names(tmp_path: Path) -> None:
    red = written(tmp_path / "red", "")
    (tmp_path / "alias").symlink_to(tmp_path / "red")
    blue = written(tmp_path / "blue", '[personal]\npath = "../alias/acd-journal.db"\n')
    (problem,) = check_together((red, blue)).errors
    assert problem.reason.endswith(f"is also journal.path of {red.source}")


def test_an_outbox_that_nobody_uses_is_no_file(tmp_path: Path) -> None:
    red = written(tmp_path / "red", "")
    assert {problem.key for problem in check_together((red, red)).errors} == {
        *("domain.name", "journal.path", "personal.path", "personal.key_file", "snapshots.path")
    }


def test_a_token_belongs_to_one_and_is_not_quoted(tmp_path: Path) -> None:
    red, blue = written(tmp_path / "red", api("red")), written(tmp_path / "blue", api("red", port=8421))
    (problem,) = check_together((red, blue)).errors
    assert (problem.key, problem.line) == ("api.tokens[0]", 7)
    assert problem.reason == f'"pbx" is the same token as "pbx" of {red.source}'
    assert "0123456789" not in str(problem)


def test_who_shares_an_address_has_one_certificate(tmp_path: Path) -> None:
    for name in ("one.pem", "two.pem"):
        (tmp_path / name).touch(mode=0o600)
    tls = 'certificate = "../{0}.pem"\nprivate_key = "../{0}.pem"'
    red = written(tmp_path / "red", api("red", more=tls.format("one")))
    assert said(red, written(tmp_path / "blue", api("blue", more=tls.format("one")))) == []
    assert said(red, written(tmp_path / "blue", api("blue", port=8421))) == []
    for other in (tls.format("two"), ""):
        found = check_together((red, written(tmp_path / "blue", api("blue", more=other)))).errors
        assert [problem.key for problem in found] == ["api.certificate", "api.private_key"]


def test_who_shares_an_address_shares_its_pages(tmp_path: Path) -> None:
    """They are asked for before anybody has said who they are; what they then show may differ."""
    desk, with_sessions = "desk = {{ enabled = true, reasons = ['{0}'] }}", "sessions = {{ secure = {0} }}"
    red = written(tmp_path / "red", api("red", more=desk.format("lunch")))
    assert said(red, written(tmp_path / "blue", api("blue", more=desk.format("dinner")))) == []
    assert said(red, written(tmp_path / "blue", api("blue", port=8421))) == []
    found = check_together((red, written(tmp_path / "blue", api("blue")))).errors
    assert [problem.key for problem in found] == ["api.sessions", "api.desk"]
    red = written(tmp_path / "red", api("red", more=with_sessions.format("true")))
    found = check_together((red, written(tmp_path / "blue", api("blue", more=with_sessions.format("false"))))).errors
    assert [problem.key for problem in found] == ["api.sessions"]


def test_nobody_without_tokens_shares_an_address(tmp_path: Path) -> None:
    red = written(tmp_path / "red", api("red"))
    blue = written(tmp_path / "blue", "[api]\nopen = true\n")
    for pair in ((red, blue), (blue, red)):
        (problem,) = check_together(pair).errors
        assert problem.key == "api.port"
        assert "without tokens nobody could say which of them is meant" in problem.reason
    assert said(red, written(tmp_path / "blue", "[api]\nopen = true\nport = 8421\n")) == []


@pytest.mark.parametrize(
    ("one", "other", "problems"),
    [
        ("127.0.0.1", "localhost", 1),
        ("127.0.0.1", "0.0.0.0", 1),  # noqa: S104
        ("::1", "localhost", 1),
        ("192.0.2.1", "::", 1),
        ("::1", "127.0.0.1", 0),
        ("192.0.2.1", "192.0.2.2", 0),
    ],
)
def test_one_port_at_addresses_that_overlap(tmp_path: Path, one: str, other: str, problems: int) -> None:
    red = written(tmp_path / "red", api("red", more=f'host = "{one}"'))
    blue = written(tmp_path / "blue", api("blue", more=f'host = "{other}"'))
    found = check_together((red, blue)).errors
    assert [problem.key for problem in found] == ["api.host"] * problems


def test_a_process_takes_a_limited_number(tmp_path: Path) -> None:
    red = written(tmp_path / "red", "")
    (problem,) = check_together((red,) * (MAX_DOMAINS + 1)).errors
    assert problem.reason == f"is one of {MAX_DOMAINS + 1} domains, and one process takes {MAX_DOMAINS}"


def test_figures_for_whoever_has_no_token_are_better_told_elsewhere(tmp_path: Path) -> None:
    red, blue = (written(tmp_path / name, api(name)) for name in ("red", "blue"))
    (problem,) = check_together((red, blue)).warnings
    assert problem.key == "metrics"
    assert "shows this domain's queues and those of" in problem.reason
    blue = written(tmp_path / "blue", api("blue", port=8421))
    assert check_together((red, blue)).warnings == ()
    red, blue = (written(tmp_path / name, api(name) + "[metrics]\n") for name in ("red", "blue"))
    assert check_together((red, blue)) == Located()


@pytest.mark.parametrize(
    ("one", "other", "problems"),
    [
        (8422, 8421, 1),  # each where the other's API is
        (9420, 9420, 0),  # together
        (9420, 9421, 0),
        (0, 0, 0),
    ],
)
def test_figures_are_alone_at_their_address(tmp_path: Path, one: int, other: int, problems: int) -> None:
    red = written(tmp_path / "red", api("red", port=8421) + f"[metrics]\nport = {one}\n")
    blue = written(tmp_path / "blue", api("blue", port=8422) + f"[metrics]\nport = {other}\n")
    for pair in ((red, blue), (blue, red)):
        assert [problem.key for problem in check_together(pair).errors] == ["metrics.port"] * problems


def test_figures_at_every_address_meet_those_at_one(tmp_path: Path) -> None:
    red = written(tmp_path / "red", '[metrics]\nhost = "0.0.0.0"\n')
    blue = written(tmp_path / "blue", "[metrics]\n")
    assert [problem.key for problem in check_together((red, blue)).errors] == ["metrics.port"]


@pytest.mark.parametrize(
    ("one", "other", "problems"),
    [
        ('url = "http://pbx:8088/ari"', 'url = "http://pbx:8088/ari/"', 1),
        ('url = "http://pbx:8088/ari"\napp = "red"', 'url = "http://pbx:8088/ari"\napp = "blue"', 0),
        ('url = "http://pbx:8088/ari"', 'url = "http://other:8088/ari"', 0),
        ("", "", 0),
    ],
)
def test_a_pbx_is_used_by_two_only_under_two_names(tmp_path: Path, one: str, other: str, problems: int) -> None:
    channel = '[channels.pbx]\ntype = "asterisk"\n'
    red, blue = written(tmp_path / "red", channel + one), written(tmp_path / "blue", channel + other)
    found = check_together((red, blue)).errors
    assert [problem.key for problem in found] == ["channels.pbx"] * problems
    assert all("as channels.pbx of" in problem.reason for problem in found)
