"""The API on a UNIX socket: who may connect, what becomes of files that lie there, and that it is the same API."""

import asyncio
import os
import shutil
import socket
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from acd.api import probe, serve
from acd.api.unix_socket import UnixSocket
from acd.client import Client
from acd.errors import ApiProblem, ConfigError
from acd.runtime.config.model import SocketConfig
from tests.api.harness import CONFIG, TOKENS, MemoryRouter
from tests.missing import missing_tool


def left_behind(path: Path) -> None:
    """What a process leaves that was killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gone:
        gone.bind(str(path))


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        UnixSocket(SocketConfig(path))
    with pytest.raises(ConfigError) as tried:
        probe(msgspec.structs.replace(CONFIG, host="", socket=SocketConfig(path)))
    assert tried.value.problems == caught.value.problems, "what is found out before the start is what would happen"
    return caught.value.problems[0]


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_its_permissions_are_those_that_are_configured(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "api.sock"
    before = os.umask(0o077)
    try:
        with closing(UnixSocket(SocketConfig(path, mode, ""))):
            assert stat.S_ISSOCK(path.stat().st_mode)
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["api.sock.lock"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to any group")
def test_its_group(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with closing(UnixSocket(SocketConfig(path, 0o660, "daemon"))):
        assert path.group() == "daemon"


def test_one_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    left_behind(path)
    with closing(UnixSocket(SocketConfig(path))), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_one_that_is_alive_is_not(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as alive, socket.socket(socket.AF_UNIX) as client:
        alive.bind(str(path))
        alive.listen()
        assert refused(path) == (f"api.socket: {path} is in use by another program; stop that one or name another file")
        client.connect(str(path))


def test_two_engines_never_fight_over_one(tmp_path: Path) -> None:
    """Not even in the moment before the first listens, or while it is stopped."""
    path = tmp_path / "api.sock"
    with closing(UnixSocket(SocketConfig(path))) as first:
        path.unlink()
        assert refused(path) == (
            f"api.socket: {path} is in use by process {os.getpid()}; stop that one or name another file"
        )
        first.close()
        first.close()
        with closing(UnixSocket(SocketConfig(path))):
            first.close()
            assert path.is_socket(), "closed is closed: what is another's now stays"


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    path.write_text("precious")
    assert refused(path) == f"api.socket: {path} is there already, and is no socket; name another file"
    assert path.read_text() == "precious"


def test_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    left_behind(tmp_path / "others.sock")
    path = tmp_path / "api.sock"
    path.symlink_to(tmp_path / "others.sock")
    assert "is no socket" in refused(path)
    assert (tmp_path / "others.sock").is_socket()


def test_no_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone" / "api.sock") == (
        f"api.socket: there is no folder {tmp_path / 'gone'}; create it, or let systemd (RuntimeDirectory=acd)"
    )


async def test_the_client_over_a_socket_only(router: MemoryRouter, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    config = msgspec.structs.replace(CONFIG, host="", socket=SocketConfig(path))
    async with await serve(router, config) as server, Client(f"unix:{path}", TOKENS["system"]) as client:
        assert server.addresses == (f"unix:{path}",)
        assert (await client.request("GET", "/v1/agents/anna"))["name"] == "Anna"
    assert not path.exists()


async def test_beside_an_address(router: MemoryRouter, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    config = msgspec.structs.replace(CONFIG, socket=SocketConfig(path))
    async with await serve(router, config) as server:
        address, unix = server.addresses
        assert address.startswith("http://127.0.0.1:")
        for where in (address, unix):
            async with Client(where, TOKENS["boss"]) as client:
                assert (await client.request("GET", "/v1/agents/anna"))["id"] == "anna"


async def test_an_address_that_is_taken_leaves_no_socket(router: MemoryRouter, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = msgspec.structs.replace(CONFIG, port=taken.getsockname()[1], socket=SocketConfig(path))
        with pytest.raises(ConfigError, match=r"api\.port: .* is in use"):
            await serve(router, config)
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(ConfigError, match="is no socket"):
        await serve(router, msgspec.structs.replace(CONFIG, socket=SocketConfig(path)))


async def test_an_open_api_on_a_socket_asks_for_no_token(router: MemoryRouter, tmp_path: Path) -> None:
    """Who may connect is said by the file's permissions; a token is asked for all the same unless it is open."""
    config = msgspec.structs.replace(CONFIG, host="", socket=SocketConfig(tmp_path / "api.sock", 0o600))
    async with await serve(router, config) as server, Client(server.addresses[0]) as client:
        with pytest.raises(ApiProblem) as caught:
            await client.request("GET", "/v1/agents")
        assert caught.value.status == 401
    async with (
        await serve(router, msgspec.structs.replace(config, tokens=(), open=True)) as server,
        Client(server.addresses[0]) as client,
    ):
        assert (await client.request("GET", "/v1/agents/anna"))["id"] == "anna"


async def test_curl(router: MemoryRouter, tmp_path: Path) -> None:
    """The command of DEPLOYMENT.md."""
    if shutil.which("curl") is None:
        missing_tool("curl")
    path = tmp_path / "api.sock"
    async with await serve(router, msgspec.structs.replace(CONFIG, host="", socket=SocketConfig(path))):
        done = await asyncio.create_subprocess_exec(
            "curl",
            *("--silent", "--unix-socket", str(path)),
            *("-H", f"Authorization: Bearer {TOKENS['system']}", "http://acd/v1/agents/anna"),
            stdout=subprocess.PIPE,
        )
        out, _ = await done.communicate()
    assert msgspec.json.decode(out)["name"] == "Anna"
