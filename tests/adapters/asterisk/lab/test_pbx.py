"""A real Asterisk: alone on 127.0.0.1, side by side, killed, restarted, and gone with its parent."""

import asyncio
import base64
import os
import select
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import aiohttp
import pytest

from acd_asterisk.lab import LabAgent, Pbx, PbxFailed, Provisioned
from acd_asterisk.options import read_options

SURVIVOR = """
import asyncio, sys
from acd_asterisk.lab import Pbx, provision
async def main():
    pbx = Pbx(provision(), detached=sys.argv[1] == "detached")
    await pbx.start()
    print(pbx.pid, pbx.folder, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def sockets_of(pid: int) -> dict[str, set[tuple[str, int]]]:
    """The listening TCP and all UDP sockets of a process, as (address, port), from /proc."""
    links = (str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir())
    own = {link[8:-1] for link in links if link.startswith("socket:[")}
    found: dict[str, set[tuple[str, int]]] = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            address, port = columns[1].split(":")
            if columns[9] in own and (columns[3] == "0A" or table.startswith("udp")):
                found.setdefault(table, set()).add((address, int(port, 16)))
    return found


LOOPBACK = "0100007F"


async def test_it_boots_empty_and_answers_on_ari_and_ami(provisioned: Provisioned) -> None:
    async with Pbx(provisioned, agents=[LabAgent("ann", "127.0.0.1", 9)]) as pbx:
        assert await pbx.channels() == []
        assert await pbx.bridges() == []
        info = await pbx.ari_get("asterisk/info")
        assert info["system"]["version"].startswith("22.")
        assert "sip:ann@127.0.0.1:9" in await pbx.cli("pjsip show contacts")
        assert " ERROR[" not in pbx.log_tail(1_000)
        assert "ocumentation" not in pbx.log_tail(1_000)
        folder = pbx.folder
    assert not folder.exists()


async def test_two_run_side_by_side(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as one, Pbx(provisioned) as two:
        assert one.sip_port != two.sip_port
        assert not set(one.rtp_ports) & set(two.rtp_ports)
        assert one.ari_password != two.ari_password
        infos = await asyncio.gather(*(pbx.ari_get("asterisk/info") for pbx in (one, two)))
        assert infos[0]["system"]["entity_id"] is not None
        assert await one.channels() == await two.channels() == []


async def test_it_listens_on_loopback_only(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as pbx:
        assert pbx.pid is not None
        found = sockets_of(pbx.pid)
        assert found.get("tcp6") is None
        assert {address for address, _port in found["tcp"]} == {LOOPBACK}
        assert (LOOPBACK, pbx.sip_port) in found["udp"]
        # PJSIP's own DNS client keeps one socket per family, on a port of the kernel's choice, bound to every
        # address; nothing configures that. It is the only one.
        elsewhere = [socket for socket in found["udp"] if socket[0] != LOOPBACK]
        assert len(elsewhere) <= 1
        assert len(found.get("udp6", ())) <= 1


async def test_a_kill_and_a_restart_keep_ports_and_password(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as pbx:
        before = (pbx.pid, pbx.ari_url, pbx.ari_password, pbx.sip_port, pbx.ami_port)
        await pbx.kill()
        assert not pbx.is_running
        with pytest.raises(OSError):  # noqa: PT011 - refused, in whichever way
            await pbx.channels()
        await pbx.start()
        assert await pbx.channels() == []
        await pbx.restart()
        assert await pbx.channels() == []
        after = (pbx.pid, pbx.ari_url, pbx.ari_password, pbx.sip_port, pbx.ami_port)
        assert after[1:] == before[1:]
        assert after[0] != before[0]


async def test_a_broken_configuration_fails_with_asterisks_own_words(provisioned: Provisioned) -> None:
    pbx = Pbx(provisioned, replace_config={"asterisk.conf": "[directories]\nastmoddir => /nowhere"})
    try:
        with pytest.raises(PbxFailed, match=r"ended while booting|not ready"):
            await pbx.start()
    finally:
        await pbx.stop()


@pytest.mark.parametrize("name", ["a]b", "a\nb", "", "a b", "-x"])
def test_a_name_that_would_break_out_of_the_configuration_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        LabAgent(name, "127.0.0.1", 5060)


@pytest.mark.parametrize("how", ["attached", "detached"])
async def test_it_dies_with_its_parent_unless_detached(provisioned: Provisioned, how: str) -> None:
    assert provisioned.root.exists()
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SURVIVOR, how), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    line = (await asyncio.wait_for(parent.stdout.readline(), 60)).decode().split()
    pid, folder = int(line[0]), Path(line[1])
    death = os.pidfd_open(pid)
    try:
        parent.kill()
        await parent.wait()
        died = bool(select.select([death], [], [], 5 if how == "attached" else 0.3)[0])
        assert died == (how == "attached")
    finally:
        if how == "detached":
            signal.pidfd_send_signal(death, signal.SIGKILL)
        os.close(death)
        shutil.rmtree(folder)


@pytest.mark.usefixtures("provisioned")
async def test_what_the_command_prints_can_be_pasted(tmp_path: Path) -> None:
    """Its [channels.pbx] leads to the PBX that runs: ARI lets in whoever has what stands there."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "acd_asterisk.lab", "run", "--folder", str(tmp_path / "pbx")), stdout=subprocess.PIPE
    )
    assert running.stdout is not None
    try:
        said = (await running.stdout.readuntil(b"Stop it")).decode()
        shown = [line.strip() for line in said.partition("For acd.toml:")[2].splitlines()[1:-1]]
        (tmp_path / "acd.toml").write_text("\n".join([*shown, "[queues.sales]", ""]))
        options = tomllib.loads((tmp_path / "acd.toml").read_text())["channels"]["pbx"]
        assert options.pop("type") == "asterisk"
        read = read_options("pbx", options)
        token = base64.b64encode(f"{read.user}:{read.password.read()}".encode()).decode()
        access = {"Authorization": f"Basic {token}"}
        async with aiohttp.ClientSession(headers=access) as http, http.get(f"{read.url}/asterisk/info") as answer:
            assert answer.status == 200
    finally:
        running.send_signal(signal.SIGINT)
        assert await running.wait() == 0
