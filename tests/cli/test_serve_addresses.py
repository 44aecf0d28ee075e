"""`acd serve` on a UNIX socket, with figures at an address of their own, and with a certificate that is renewed."""

import asyncio
import signal
import ssl
from pathlib import Path

import pytest

from acd.client import Client
from tests.api.test_server import self_signed, served_certificate
from tests.served import CONFIG, TOKEN, Served, ask, write_secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_secret(tmp_path)
    return tmp_path


def test_a_socket_and_figures_apart(folder: Path, lives: list[Served]) -> None:
    (folder / "acd.toml").write_text(CONFIG.replace("port = 0", 'socket = "api.sock"') + "[metrics]\nport = 0\n")
    served = Served(folder)
    lives.append(served)
    unix, metrics = served.ready().split(", ")
    assert unix == f"unix:{folder / 'api.sock'}"

    async def presence() -> str:
        async with Client(unix, TOKEN) as client:
            await client.request("POST", "/v1/agents/anna/sign-in")
            found: str = (await client.request("GET", "/v1/agents/anna"))["presence"]
            return found

    assert asyncio.run(presence()) == "not-ready"
    status, text = ask(metrics)
    assert status == 200
    assert 'acd_agents{domain="default",presence="not-ready"} 1.0' in text.splitlines()
    assert served.end(signal.SIGTERM)[0] == 0
    assert not (folder / "api.sock").exists()


def test_the_socket_of_one_that_was_killed_is_replaced(folder: Path, lives: list[Served]) -> None:
    (folder / "acd.toml").write_text(CONFIG.replace("port = 0", 'socket = "api.sock"'))
    for _ in range(2):
        lives.append(Served(folder))
        lives[-1].ready()
        lives[-1].end(signal.SIGKILL)
        assert (folder / "api.sock").is_socket()


def test_sighup_takes_a_renewed_certificate(folder: Path, lives: list[Served]) -> None:
    certificate, key = self_signed(folder)
    key.chmod(0o600)
    tls = f'port = 0\ncertificate = "{certificate.name}"\nprivate_key = "{key.name}"'
    (folder / "acd.toml").write_text(CONFIG.replace("port = 0", tls))
    served = Served(folder, "--log", "json")
    lives.append(served)
    address = served.ready()
    before = asyncio.run(served_certificate(address))
    self_signed(folder)
    served.process.send_signal(signal.SIGHUP)
    assert served.process.stderr is not None
    line = ""
    while '"what": "api.certificate"' not in line:
        line = served.process.stderr.readline()
        assert line
    assert '"event": "read anew"' in line
    after = asyncio.run(served_certificate(address))
    assert after == ssl.PEM_cert_to_DER_cert(certificate.read_text()) != before
    assert served.end(signal.SIGTERM)[0] == 0
