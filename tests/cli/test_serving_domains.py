"""`acd serve` with several domains: each is whole by itself, in life, in death and afterwards."""

import asyncio
import json
import os
import signal
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd.client import Client
from acd.runtime.journal import SqliteJournal
from acd.runtime.replay import verify
from tests import served
from tests.served import Served, write_secret

NAMES = ("red", "blue")
BOTH = ("--config", "red/acd.toml", "--config", "blue/acd.toml", "--log", "json")
CONFIG = """\
[domain]
name = "{name}"
[api]
port = 0
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[agents.anna]
name = "Anna of {name}"
[queues.sales]
"""


def token_of(name: str) -> str:
    return f"canary-token-of-{name}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "acd.toml").write_text(CONFIG.format(name=name))
        write_secret(tmp_path / name, text=token_of(name))
    return tmp_path


def start(folder: Path, lives: list[Served], *arguments: str) -> str:
    """The address of a process with both domains."""
    lives.append(Served(folder, *(arguments or BOTH)))
    return lives[-1].ready()


def ask(address: str, name: str, path: str, body: object = None) -> tuple[int, str]:
    method = "GET" if body is None else "POST"
    return served.ask(address + path, method, token_of(name), json.dumps(body).encode())


def enqueue(address: str, name: str, number: int) -> int:
    order = {"id": f"mail-{number}", "queue": "sales", "channel": "email", "attributes": {"of": name}}
    return ask(address, name, "/v1/interactions", order)[0]


def test_both_are_served_at_one_address_and_recover_from_a_kill(folder: Path, lives: list[Served]) -> None:
    address = start(folder, lives)
    assert "," not in address
    for number in range(3):
        assert enqueue(address, "red", number) == 201
    assert enqueue(address, "blue", 0) == 201
    os.kill(lives[0].process.pid, signal.SIGKILL)
    lives[0].process.wait()
    address = start(folder, lives)
    for name, count in (("red", 3), ("blue", 1)):
        _, body = ask(address, name, "/v1/interactions")
        rows = json.loads(body)["interactions"]
        assert [row["id"] for row in rows] == [f"mail-{number}" for number in range(count)]
        assert {row["attributes"]["of"] for row in rows} == {name}
        assert f"Anna of {name}" in ask(address, name, "/v1/agents")[1]
    assert ask(address, "nobody", "/v1/agents")[0] == 401
    status, out, log = lives[1].end(signal.SIGTERM)
    assert (status, out) == (0, "")
    assert not any(token_of(name) in log for name in NAMES)
    for name in NAMES:
        report = verify(folder / name / "acd-journal.db")
        assert report.ok, name
        assert len(list((folder / name / "acd-snapshots").iterdir())) >= 1, "a follower each"


def test_a_domain_that_is_taken_over_stops_alone(folder: Path, lives: list[Served]) -> None:
    address = start(folder, lives)
    with closing(SqliteJournal(folder / "blue" / "acd-journal.db", "blue", lock=False)) as journal:
        journal.open_epoch()
    assert enqueue(address, "blue", 1) == 503
    status, body = ask(address, "blue", "/v1/agents")
    assert (status, json.loads(body)["code"]) == (503, "closed"), "what it remembers is not told either"
    status, body = ask(address, "nobody", "/readyz")
    assert (status, json.loads(body)["domains"]) == (503, {"ready": 1, "all": 2})
    assert ask(address, "red", "/readyz")[0] == 200
    assert 'acd_ready{domain="blue"} 0.0' in ask(address, "nobody", "/metrics")[1]
    assert enqueue(address, "red", 1) == 201
    status, _, log = lives[0].end(signal.SIGTERM)
    assert status == 0
    events = [json.loads(line) for line in log.splitlines()]
    (said,) = [event for event in events if event["event"] == "a domain takes no more commands; the others go on"]
    assert (said["domain"], said["status"]) == ("blue", "fenced")


def test_it_ends_when_every_domain_has_stopped(folder: Path, lives: list[Served]) -> None:
    address = start(folder, lives)
    for name in NAMES:
        with closing(SqliteJournal(folder / name / "acd-journal.db", name, lock=False)) as journal:
            journal.open_epoch()
        assert enqueue(address, name, 1) == 503
    status, _, log = lives[0].end()
    assert status == 1
    assert "stopping: the router takes no more commands" in log


def test_a_domain_that_cannot_start_keeps_no_other_from_it(folder: Path, lives: list[Served]) -> None:
    (folder / "blue" / "acd-journal.db").write_text("nonsense" * 1_000)
    address = start(folder, lives)
    assert enqueue(address, "red", 1) == 201
    status, body = ask(address, "blue", "/v1/agents")
    assert (status, json.loads(body)["code"]) == (503, "closed")
    assert ask(address, "blue", "/readyz")[0] == 503
    status, _, log = lives[0].end(signal.SIGTERM)
    assert status == 0
    events = [json.loads(line) for line in log.splitlines()]
    (said,) = [event for event in events if event["event"] == "a domain cannot be started; the others go on"]
    assert said["domain"] == "blue"
    assert "acd-journal.db" in said["reason"]


def test_it_does_not_start_when_no_domain_can(folder: Path, lives: list[Served]) -> None:
    for name in NAMES:
        (folder / name / "acd-journal.db").write_text("nonsense" * 1_000)
    lives.append(Served(folder, *BOTH))
    status, out, log = lives[0].end()
    assert (status, out) == (1, "")
    assert log.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in log


def test_domains_of_different_addresses_are_served_apart(folder: Path, lives: list[Served]) -> None:
    file = folder / "blue" / "acd.toml"
    file.write_text(file.read_text().replace("port = 0", 'host = "localhost"\nport = 0'))
    addresses = dict(zip(NAMES, start(folder, lives).split(", "), strict=True))
    for name, other in (NAMES, NAMES[::-1]):
        assert ask(addresses[name], name, "/v1/agents")[0] == 200
        assert ask(addresses[name], other, "/v1/agents")[0] == 401
        assert f'domain="{other}"' not in ask(addresses[name], "", "/metrics")[1]


def test_a_socket_and_figures_of_both(folder: Path, lives: list[Served]) -> None:
    for name in NAMES:
        file = folder / name / "acd.toml"
        file.write_text(file.read_text().replace("port = 0", 'socket = "../api.sock"') + "[metrics]\nport = 0\n")
    unix, metrics = start(folder, lives).split(", ")
    assert unix == f"unix:{folder / 'api.sock'}"

    async def agents(name: str) -> object:
        async with Client(unix, token_of(name)) as client:
            return (await client.request("GET", "/v1/agents"))["agents"][0]["name"]

    assert [asyncio.run(agents(name)) for name in NAMES] == [f"Anna of {name}" for name in NAMES]
    text = ask(metrics, "", "")[1]
    assert all(f'acd_ready{{domain="{name}"}} 1.0' in text for name in NAMES)
    status, body = ask(metrics.removesuffix("/metrics"), "", "/readyz")
    assert (status, json.loads(body)["domains"]) == (200, {"ready": 2, "all": 2})


def test_what_two_domains_must_not_share_is_found_before_anything_begins(folder: Path, lives: list[Served]) -> None:
    text = '[journal]\npath = "../red/acd-journal.db"\n'
    (folder / "blue" / "acd.toml").write_text(CONFIG.format(name="blue") + text)
    lives.append(Served(folder, *BOTH))
    status, out, log = lives[0].end()
    assert (status, out) == (1, "")
    journal = folder / "red" / "acd-journal.db"
    expected = f"blue/acd.toml:13: journal.path: {journal} is also journal.path of red/acd.toml; "
    assert log == f"error: {expected}give each domain files of its own, best a folder of its own\n"
    assert not journal.exists()


def test_check_looks_at_them_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    files = ["red/acd.toml", "blue/acd.toml"]
    found = CliRunner().invoke(acd, ["check", *files])
    assert found.exit_code == 0, found.output
    assert found.output.count("no errors") == 2
    (folder / "blue" / "acd.toml").write_text(CONFIG.format(name="red"))
    found = CliRunner().invoke(acd, ["check", *files])
    assert found.exit_code == 1
    assert 'error: blue/acd.toml:2: domain.name: "red" is the domain of red/acd.toml, too' in found.output
    answers = json.loads(CliRunner().invoke(acd, ["check", "--json", *files]).output)
    assert [(each["file"], each["usable"]) for each in answers] == [(files[0], True), (files[1], False)]
    assert CliRunner().invoke(acd, ["check", files[1]]).exit_code == 0, "by itself"
