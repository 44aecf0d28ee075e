"""`acd serve` as a process: when it is ready, how it stops, and what it says when it cannot go on."""

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd.runtime.journal import SqliteJournal
from acd.runtime.replay import verify
from tests.served import CONFIG, TOKEN, Served, ask, write_centre, write_secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_centre(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_asked_to_stop(number: signal.Signals, folder: Path, lives: list[Served]) -> None:
    served = Served(folder, "--log", "json", "--log-level", "debug")
    lives.append(served)
    address = served.ready()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert ask(f"{address}/readyz")[0] == 200
    assert ask(f"{address}/v1/agents/anna/sign-in", "POST")[0] == 200
    status, out, log = served.end(number)
    assert (status, out) == (0, "")
    events = [json.loads(line) for line in log.splitlines()]
    assert [event["event"] for event in events if event["logger"] == "acd.cli.serve"] == ["stopping", "stopped"]
    assert TOKEN not in log
    report = verify(folder / "acd-journal.db")
    assert (report.ok, report.rows, report.refused) == (True, 2, 0)


def test_it_takes_other_tokens_when_it_is_told_to(folder: Path, lives: list[Served]) -> None:
    fresh = "canary-fresh-0123456789"
    served = Served(folder, "--log", "json")
    lives.append(served)
    address = served.ready()
    (folder / "token").write_text("short")
    status, body = ask(f"{address}/v1/tokens/reload", "POST")
    assert (status, "is a token of 5 characters" in body) == (422, True)
    (folder / "token").write_text(fresh)
    served.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 30
    while ask(f"{address}/v1/agents", token=fresh)[0] != 200:
        assert time.monotonic() < until
    assert ask(f"{address}/v1/agents")[0] == 401
    status, _, log = served.end(signal.SIGTERM)
    assert status == 0
    said = [event for event in map(json.loads, log.splitlines()) if event["event"] == "the tokens were read again"]
    assert [(event["by"], event["changed"]) for event in said] == [("SIGHUP", ["test"])]
    assert "canary" not in log


def test_it_goes_on_where_it_stopped(folder: Path, lives: list[Served]) -> None:
    lives.append(Served(folder))
    ask(f"{lives[0].ready()}/v1/agents/anna/sign-in", "POST")
    assert lives[0].end(signal.SIGTERM)[0] == 0
    lives.append(Served(folder))
    status, body = ask(f"{lives[1].ready()}/v1/agents/anna")
    assert status == 200
    assert json.loads(body)["presence"] == "not-ready"
    assert lives[1].end(signal.SIGTERM)[0] == 0


def test_it_runs_without_an_api_and_leaves_a_snapshot(folder: Path, lives: list[Served]) -> None:
    (folder / "acd.toml").write_text("[agents.anna]\n")
    served = Served(folder)
    lives.append(served)
    assert served.ready() == "no [api] is configured"
    assert served.end(signal.SIGTERM)[:2] == (0, "")
    assert len(list((folder / "acd-snapshots").iterdir())) == 1


def test_a_port_in_use_is_named_with_its_key_and_a_fix(folder: Path, lives: list[Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (folder / "acd.toml").write_text(CONFIG.replace("port = 0", f"port = {port}"))
        served = Served(folder)
        lives.append(served)
        status, out, log = served.end()
    assert (status, out) == (1, "")
    assert log.splitlines()[-1].startswith(f"error: api.port: 127.0.0.1:{port} is in use by another program; ")
    assert "Traceback" not in log
    assert not (folder / "acd-journal.db").exists(), "nothing was begun"


def test_two_engines_on_one_journal(folder: Path, lives: list[Served]) -> None:
    lives.append(Served(folder))
    lives[0].ready()
    lives.append(Served(folder))
    status, out, log = lives[1].end()
    assert (status, out) == (1, "")
    assert re.fullmatch(r"error: the journal .*acd-journal\.db is in use by process \d+; .*\n", log)
    assert lives[0].end(signal.SIGTERM)[0] == 0


def test_it_stops_when_another_engine_has_taken_over(folder: Path, lives: list[Served]) -> None:
    served = Served(folder)
    lives.append(served)
    address = served.ready()
    with closing(SqliteJournal(folder / "acd-journal.db", "default", lock=False)) as journal:
        journal.open_epoch()
    assert ask(f"{address}/v1/agents/anna/sign-in", "POST")[0] == 503
    status, _, log = served.end()
    assert status == 1
    assert "fenced" in log
    assert "Traceback" not in log


def test_a_journal_that_has_been_altered_is_refused(folder: Path, lives: list[Served]) -> None:
    (folder / "acd-journal.db").write_text("nonsense" * 1_000)
    served = Served(folder)
    lives.append(served)
    status, out, log = served.end()
    assert (status, out) == (1, "")
    assert log.startswith("error: ")
    assert "Traceback" not in log


class Refusing(BaseHTTPRequestHandler):
    """A PBX that refuses whoever comes."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of such a PBX."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ari"
        server.shutdown()
        thread.join()


def test_wrong_credentials_of_a_channel(folder: Path, refusing: str, lives: list[Served]) -> None:
    """It stays up, says which key to correct, and shows no password, wherever that comes from."""
    write_secret(folder, "ari.password", "canary-password\n")
    channel = f'[channels.pbx]\ntype = "asterisk"\nurl = "{refusing}"\nuser = "acd"\npassword_file = "ari.password"\n'
    (folder / "acd.toml").write_text(CONFIG + channel)
    served = Served(folder)
    lives.append(served)
    address = served.ready()
    assert served.process.stderr is not None
    seen = ""
    while "channels.pbx.password" not in seen:
        line = served.process.stderr.readline()
        assert line, seen
        seen += line
    status, body = ask(f"{address}/readyz")
    assert status == 503
    assert json.loads(body)["reason"] in {
        "no channel is connected (pbx); each one's own health says why",
        "the channels are being started",
    }
    assert json.loads(body)["channels"]["pbx"]["connected"] is False
    status, _, log = served.end(signal.SIGTERM)
    assert status == 0
    assert "canary-password" not in seen + log


def test_warnings_of_the_configuration_are_logged(folder: Path, lives: list[Served]) -> None:
    (folder / "acd.toml").write_text(CONFIG.replace('token_file = "token"', f'token = "{TOKEN}"'))
    served = Served(folder)
    lives.append(served)
    served.ready()
    _, _, log = served.end(signal.SIGTERM)
    assert "api.tokens[0].token: is a secret in clear" in log
    assert TOKEN not in log


def test_check_and_serve_agree_on_a_file_that_is_not_there(tmp_path: Path, lives: list[Served]) -> None:
    served = Served(tmp_path, "--config", "gone.toml")
    lives.append(served)
    status, out, log = served.end()
    assert (status, out) == (1, "")
    assert log == "error: gone.toml: there is no such file; create one with: acd init\n"
    assert CliRunner().invoke(acd, ["check", "gone.toml"]).exit_code == 1
