"""Where something listens: hosts, UNIX sockets, `[metrics]`."""

from pathlib import Path

import pytest

from acd.runtime.config import MetricsConfig, Report, SocketConfig, check_text

TOKEN = '[[api.tokens]]\nname = "admin"\ntoken_env = "TOKEN"\nroles = ["system"]\n'


def read(folder: Path, api: str, rest: str = "") -> Report:
    return check_text(f"[api]\n{api}\n{TOKEN}{rest}", "acd.toml", folder, {"TOKEN": "0123456789abcdef"})


def said(report: Report) -> list[str]:
    return [f"{problem.key}: {problem.reason}" for problem in (*report.errors, *report.warnings)]


@pytest.mark.parametrize(
    ("api", "host", "where"),
    [
        ("", "127.0.0.1", "127.0.0.1:8420"),
        ('socket = "api.sock"', "", "{}/api.sock"),
        ('socket = "api.sock"\nport = 8421', "127.0.0.1", "127.0.0.1:8421 and {}/api.sock"),
        ('socket = "api.sock"\nhost = "::1"', "::1", "::1:8420 and {}/api.sock"),
    ],
)
def test_a_socket_alone_or_beside_an_address(tmp_path: Path, api: str, host: str, where: str) -> None:
    report = read(tmp_path, api)
    assert report.config is not None, said(report)
    assert report.config.api is not None
    assert report.config.api.host == host
    assert report.config.api.where == where.format(tmp_path)
    assert report.config.api.local
    assert said(report) == []


def test_mode_and_group(tmp_path: Path) -> None:
    report = read(tmp_path, 'socket = "s"\nsocket_mode = "0600"\nsocket_group = "daemon"')
    assert report.config is not None, said(report)
    assert report.config.api is not None
    assert report.config.api.socket == SocketConfig(tmp_path / "s", 0o600, "daemon")


@pytest.mark.parametrize(
    ("api", "problem"),
    [
        ('socket_mode = "660"', "api.socket_mode: has no effect without a socket"),
        ('socket = "s"\nsocket_mode = "rw"', 'api.socket_mode: "rw" is not a mode'),
        ('socket = "s"\nsocket_mode = "4660"', 'api.socket_mode: "4660" is not a mode'),
        ('socket = "s"\nsocket_group = "no-such-group"', 'api.socket_group: there is no group "no-such-group" on '),
        (f'socket = "{"x" * 100}"', "api.socket: "),
        ('socket = "gone/s"', "api.socket: there is no folder {}/gone now"),
        ('host = ""', 'api.host: "" is not a host'),
        ('host = "0.0.0.0"\nsocket = "s"', "api.host: 0.0.0.0 can be reached from other machines"),
    ],
)
def test_what_is_wrong(tmp_path: Path, api: str, problem: str) -> None:
    found = said(read(tmp_path, api))
    assert len(found) == 1, found
    assert found[0].startswith(problem.format(tmp_path))


def test_figures_at_an_address_of_their_own(tmp_path: Path) -> None:
    report = read(tmp_path, "", "[metrics]\n")
    assert report.config is not None, said(report)
    assert report.config.metrics == MetricsConfig("127.0.0.1", 9420)
    assert report.config.api is not None
    assert not report.config.api.metrics
    without = read(tmp_path, "").config
    assert without is not None
    assert without.api is not None
    assert (without.metrics, without.api.metrics) == (None, True)


@pytest.mark.parametrize(
    ("metrics", "taken"),
    [
        ("port = 8420", True),
        ('port = 8420\nhost = "0.0.0.0"', True),
        ('port = 8420\nhost = "127.0.0.2"', False),
        ("port = 8421", False),
    ],
)
def test_not_where_the_api_is(tmp_path: Path, metrics: str, *, taken: bool) -> None:
    found = said(read(tmp_path, "", f"[metrics]\n{metrics}\n"))
    assert found == (["metrics.port: 8420 is the API's, too"] if taken else [])
