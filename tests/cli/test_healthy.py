"""`acd healthy`: what it asks where, and its exit status."""

from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port
from click.testing import CliRunner, Result

from acd.cli import acd
from tests.api.test_server import self_signed
from tests.served import CONFIG, Served, write_secret

AWAY = '[channels.pbx]\ntype = "asterisk"\nurl = "http://127.0.0.1:9/ari"\nuser = "acd"\npassword_file = "token"\n'


@pytest.fixture
def port() -> int:
    return unused_port()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_secret(tmp_path)
    return tmp_path


def asked(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(acd, ["healthy", *(arguments or ("--config", str(folder / "acd.toml")))])


@pytest.mark.parametrize("where", ["address", "socket", "tls", "metrics"])
def test_it_finds_the_engine_by_its_configuration(folder: Path, port: int, where: str, lives: list[Served]) -> None:
    certificate, key = self_signed(folder)
    key.chmod(0o600)
    here = {
        "address": CONFIG.replace("port = 0", f"port = {port}"),
        "socket": CONFIG.replace("port = 0", 'socket = "api.sock"'),
        "tls": CONFIG.replace("port = 0", f'port = {port}\ncertificate = "{certificate}"\nprivate_key = "{key}"'),
        "metrics": f"{CONFIG}[metrics]\nport = {port}\n",
    }
    (folder / "acd.toml").write_text(here[where])
    before = asked(folder)
    assert before.exit_code == 1
    assert "no engine answers" in before.output
    lives.append(Served(folder))
    lives[0].ready()
    done = asked(folder)
    assert (done.exit_code, done.output) == (0, "ready\n")


def test_one_that_is_not_ready_says_why(folder: Path, port: int, lives: list[Served]) -> None:
    (folder / "acd.toml").write_text(CONFIG.replace("port = 0", f"port = {port}") + AWAY)
    lives.append(Served(folder))
    address = lives[0].ready()
    done = asked(folder)
    assert done.exit_code == 1
    assert f"Error: {address}: not ready: " in done.output
    assert asked(folder, "--live", "--url", address).output == "live\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[agents.anna]\n", "has neither [api] nor [metrics]"),
        (CONFIG, "api.port: is 0, so that the address is known to nobody"),
    ],
)
def test_nobody_can_be_asked(folder: Path, text: str, problem: str) -> None:
    (folder / "acd.toml").write_text(text)
    done = asked(folder)
    assert done.exit_code == 1
    assert problem in str(done.exception)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("ftp://127.0.0.1", 2, "ftp://127.0.0.1 is not an address"),
        ("unix:gone.sock", 1, "unix:gone.sock: no engine answers (No such file or directory)"),
    ],
)
def test_addresses(folder: Path, url: str, code: int, said: str) -> None:
    done = asked(folder, "--url", url)
    assert done.exit_code == code
    assert said in done.output
