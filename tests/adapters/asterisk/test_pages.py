"""The pages for a plain Asterisk, for FreePBX and for Issabel, tried from their text: files, commands, calls."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from acd.core.messages import InteractionCompleted, InteractionQueued
from acd_asterisk.lab import (
    AgentBehaviour,
    CallSpec,
    LabUnavailable,
    Pbx,
    Provisioned,
    SippAgents,
    SippCallers,
    provision,
)
from tests.adapters.asterisk import page_text
from tests.adapters.asterisk.rig import EXAMPLES, POLL_SECONDS, Agent, Queue, rig
from tests.missing import missing_tool
from tests.served import Served, ask

README, FREEPBX = EXAMPLES / "README.md", EXAMPLES / "FREEPBX.md"
TALKER = AgentBehaviour(ring_ms=20, talk_ms=500, hang_up_chance=1.0)
GENERATED = """\
; As FreePBX writes it: inbound routes to a custom destination, a queue, and what extensions may dial.
[acd-inbound]
exten => _X.,1,Set(__FROM_DID=${EXTEN})
 same => n,Goto(acd-sales,s,1)
[ext-queues]
exten => 400,1,Answer()
 same => n,Queue(400,t,,,60)
 same => n,Hangup()
[from-internal]
include => from-internal-custom
include => from-internal-additional
[from-internal-additional]
exten => *45,1,Playback(agent-loginok)
[acd-agents]
include => from-internal
"""
QUEUES = "[general]\n[400]\nstrategy = rrmemory\ntimeout = 15\nmember => {technology}/1002\n"


def run(folder: Path, line: str, **variables: str) -> str:
    """A line of the page, `acd …`; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "acd.cli", *line.split()[1:]],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    return done.stdout


async def rasterisk(provisioned: Provisioned, pbx: Pbx, command: str) -> None:
    """`asterisk -rx '…'`."""
    process = await asyncio.create_subprocess_exec(
        *provisioned.asterisk_command("-C", str(pbx.folder / "config" / "asterisk.conf"), "-rx", command),
        env=provisioned.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert "no such" not in said.lower(), said


def put(pbx: Pbx, name: str, text: str) -> None:
    """Into Asterisk's folder of configuration."""
    (pbx.folder / "config" / name).write_text(text)


def port_of(pbx: Pbx) -> str:
    """Of its HTTP server."""
    match = re.search(r":(\d+)/", pbx.ari_url)
    assert match is not None
    return match[1]


@asynccontextmanager
async def serving(folder: Path, lives: list[Served], line: str, **variables: str) -> AsyncIterator[str]:
    """`acd serve …` of the page, once it is connected to the PBX; gives its address."""
    served = Served(folder, *line.split()[2:], **variables)
    lives.append(served)
    address = await asyncio.to_thread(served.ready)
    try:
        await until(lambda: ask(f"{address}/readyz")[0] == 200)
        yield address
    finally:
        await asyncio.to_thread(served.end, signal.SIGTERM)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    async with asyncio.timeout(15):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(POLL_SECONDS)


async def test_the_plain_page(provisioned: Provisioned, tmp_path: Path, lives: list[Served]) -> None:
    """An Asterisk that has nothing of ours gets the files and the commands of the page; then a call is served."""
    phones = SippAgents(provisioned, [(["anna", "ben"], TALKER)])
    empty = {"extensions.conf": "[general]\n", "ari.conf": "[general]\nenabled = no\n", "queues.conf": "[general]\n"}
    async with phones, Pbx(provisioned, replace_config=empty) as pbx:
        # An address, a port and a registered telephone are what differs from a machine of the reader's.
        replaced = {"0.0.0.0:5060": f"127.0.0.1:{pbx.sip_port}", "192.0.2.1": "127.0.0.1", "8088": port_of(pbx)}
        for name in ("http.conf", "ari.conf", "extensions.conf", "queues.conf", "pjsip.conf"):
            text = (EXAMPLES / name).read_text()
            for old, new in replaced.items():
                text = text.replace(old, new)
            for phone in phones.telephones:
                contact = f"contact = sip:{phone.name}@127.0.0.1:{phone.port}"
                text = text.replace(f"[{phone.name}](agent-aor)", f"[{phone.name}](agent-aor)\n{contact}")
            put(pbx, name, text)
        await pbx.restart()  # For the transport of pjsip.conf only.
        for command in page_text.asterisk_commands(README):
            await rasterisk(provisioned, pbx, command)
        (tmp_path / "acd.toml").write_text(
            (EXAMPLES / "acd.toml").read_text().replace("8088", port_of(pbx)).replace("8420", "0")
        )
        secret = {"ACD_ARI_PASSWORD": "change-me-please"}
        check, serve, doctor, *trials = page_text.shell(README)
        assert (check, serve) == ("acd check acd.toml", "acd serve --config acd.toml")
        assert [line.split()[:2] for line in (doctor, *trials)] == [["acd", "doctor"]] * 2
        await asyncio.to_thread(run, tmp_path, check, **secret)
        async with serving(tmp_path, lives, serve, **secret) as address:
            for line in (doctor, *trials):
                said = await asyncio.to_thread(run, tmp_path, line, **secret)
                assert " 0 wrong" in said
            assert (await asyncio.to_thread(sign_in, README, address))[0] == 200
            await served_by(provisioned, pbx, phones, "anna", "1000")


def sign_in(page: Path, address: str) -> tuple[int, str]:
    """The page's request with curl."""
    (line,) = [line for text in page_text.blocks(page) for line in text.splitlines() if line.startswith("curl -X POST")]
    match = re.search(r"localhost:8420(\S+) .*-d '([^']+)'", line)
    assert match is not None, line
    return ask(f"{address}{match[1]}", "POST", body=match[2].encode())


async def served_by(provisioned: Provisioned, pbx: Pbx, phones: SippAgents, agent: str, number: str) -> None:
    """Call, and see whose telephone answers."""
    before = len(phones.dialogs())
    async with SippCallers(provisioned, [CallSpec(caller="30100", dialled=number)], sip_port=pbx.sip_port) as callers:
        await phones.wait_for(lambda dialogs: len(dialogs) > before and dialogs[-1].how is not None)
        assert phones.dialogs()[-1].agent == agent
        assert phones.dialogs()[-1].is_answered
        await callers.finished(seconds=10)


def freepbx(technology: str) -> dict[str, str]:
    """Asterisk's files, laid out like FreePBX's: what it writes, and what it leaves to its users."""
    custom = page_text.files(FREEPBX)
    return {
        "extensions.conf": "[general]\n#include extensions_additional.conf\n#include extensions_custom.conf\n",
        "extensions_additional.conf": GENERATED,
        "extensions_custom.conf": custom["extensions_custom.conf"],
        "ari.conf": "[general]\nenabled = yes\n#include ari_additional_custom.conf\n",
        "ari_additional_custom.conf": custom["ari_additional_custom.conf"],
        "queues.conf": QUEUES.format(technology=technology),
    }


def acd_toml(folder: Path, pbx: Pbx, technology: str = "PJSIP") -> None:
    """The page's, with the ports of this machine."""
    text = page_text.files(FREEPBX)["acd.toml"].replace("8088", port_of(pbx)).replace("8420", "0")
    (folder / "acd.toml").write_text(text.replace("PJSIP/", f"{technology}/"))
    (line,) = (line for text in page_text.blocks(FREEPBX) for line in text.splitlines() if line.startswith("(umask"))
    subprocess.run(["/bin/sh", "-c", line], cwd=folder, check=True)
    assert (folder / "ari.password").stat().st_mode & 0o777 == 0o600


async def test_the_page_for_freepbx(provisioned: Provisioned, tmp_path: Path, lives: list[Served]) -> None:
    """Callers come to FreePBX's own queue without the ACD, and to the agent who has signed in by telephone with it."""
    phones = SippAgents(provisioned, [(["1001", "1002"], TALKER)])
    async with phones, Pbx(provisioned, agents=phones.telephones, replace_config=freepbx("PJSIP")) as pbx:
        acd_toml(tmp_path, pbx)
        for command in page_text.asterisk_commands(FREEPBX):
            await rasterisk(provisioned, pbx, command)
        check, doctor, serve, *more = page_text.shell(FREEPBX)
        assert more == []
        await asyncio.to_thread(run, tmp_path, check)
        said = await asyncio.to_thread(run, tmp_path, doctor)
        assert "served by Queue(400" in said
        await served_by(provisioned, pbx, phones, "1002", "5551234")
        async with serving(tmp_path, lives, serve) as address:
            async with SippCallers(
                provisioned, [CallSpec(caller="1001", dialled="*45")], sip_port=pbx.sip_port
            ) as code:
                await until(lambda: '"presence":"ready"' in ask(f"{address}/v1/agents/anna")[1].replace(" ", ""))
                await code.finished(seconds=15)
            said = await asyncio.to_thread(run, tmp_path, doctor)
            assert "the engine has taken the call in" in said
            await phones.wait_for(lambda dialogs: all(each.how is not None for each in dialogs))
            await served_by(provisioned, pbx, phones, "1001", "5551234")
        await served_by(provisioned, pbx, phones, "1002", "5551234")


async def test_let_go_on_freepbx(provisioned: Provisioned, tmp_path: Path) -> None:
    """The ACD's queue has decided: FreePBX's own does not get the caller."""
    text = f"[general]\n{GENERATED}{page_text.files(FREEPBX)['extensions_custom.conf']}"
    for place, first in (("400", "exten => 400,1,"), ("goodbye", "[acd-goodbye]\nexten => s,1,")):
        assert first in text
        text = text.replace(first, f"{first}UserEvent(Left,Place: {place},Reason: ${{ACD_REASON}})\n same => n,")
    queue = Queue(more='max_wait = "1s"\nwhen_overdue = { release = "sorry" }')
    async with (
        rig(provisioned, tmp_path, [Agent("1001", TALKER)], queues=(queue,), dialplan=text) as it,
        it.pbx.ami() as ami,
        it.callers(CallSpec("30100", "5551234")) as callers,
    ):
        left = await ami.event("UserEvent", lambda event: event.get("UserEvent") == "Left")
        assert (left["Place"], left["Reason"]) == ("goodbye", "sorry")
        await callers.finished(seconds=10)


async def test_variables_and_ways_out_on_freepbx(provisioned: Provisioned, tmp_path: Path) -> None:
    """What README.md lets a dialplan say is passed on; queue 400 gets nobody who was served or leaves a message."""
    text = f"[general]\n{GENERATED}{page_text.files(FREEPBX)['extensions_custom.conf']}"
    more = "X_ACD_AGENT=ben)\n same => n,Set(X_ACD_PRIORITY=5)\n same => n,Set(X_ACD_AFTER=continue"
    text = text.replace("Set(X_ACD_QUEUE=sales)", f"Set(X_ACD_QUEUE=sales)\n same => n,Set({more})")
    for place, first in (
        ("400", "exten => 400,1,"),
        ("goodbye", "[acd-goodbye]\nexten => s,1,"),
        ("message", "[acd-message]\nexten => s,1,"),
    ):
        told = f"UserEvent(Left,Place: {place},Result: ${{ACD_RESULT}})\n same => n,Hangup()\n same => n,"
        text = text.replace(first, f"{first}{told}")
    agents = [Agent(name, TALKER) for name in ("anna", "ben")]
    options = {"queues": {"sales": {"keys": {"2": "message"}}}}
    async with rig(provisioned, tmp_path, agents, dialplan=text, options=options) as it:
        for place, result in (("message", "message"), ("goodbye", "completed")):
            async with it.pbx.ami() as ami, it.callers(CallSpec("30100", "5551234")) as callers:
                if result == "message":
                    assert (await it.event(InteractionQueued)).priority == 5
                    await it.press("30100", "2")
                else:
                    await it.ready("anna")
                    await it.ready("ben")
                left = await ami.event("UserEvent", lambda event: event.get("UserEvent") == "Left")
                assert (left["Place"], left["Result"]) == (place, result)
                await callers.finished(seconds=10)
        assert (await it.event(InteractionCompleted)).agent_id == "ben"


async def test_the_page_for_issabel(tmp_path: Path, lives: list[Served]) -> None:
    """Asterisk 16, extensions of chan_sip, ARI from the files of the folder."""
    try:
        sixteen = provision(version="16")
    except LabUnavailable as reason:
        missing_tool(f"an Asterisk 16 for the tests: {reason}")
    phones = SippAgents(sixteen, [(["1001", "1002"], TALKER)])
    modules = {"modules.conf": "load = chan_sip\n"}
    async with phones:
        pbx = Pbx(sixteen, replace_config=freepbx("SIP"), extra_config=modules)
        peers = "".join(
            f"[{phone.name}]\ntype = peer\nhost = 127.0.0.1\nport = {phone.port}\ncontext = from-internal\n"
            f"defaultuser = {phone.name}\ndirectmedia = no\n"
            for phone in phones.telephones
        )
        general = f"[general]\nbindaddr = 127.0.0.1\nudpbindaddr = 127.0.0.1:{pbx.ami_port + 1}\nsrvlookup = no\n"
        put(pbx, "sip.conf", f"{general}{peers}")
        put(pbx, "http.conf", (EXAMPLES / "http.conf").read_text().replace("8088", port_of(pbx)))
        put(pbx, "ari.conf", (EXAMPLES / "ari.conf").read_text())
        async with pbx:
            acd_toml(tmp_path, pbx, "SIP")
            check, doctor, serve, *_ = page_text.shell(FREEPBX)
            await asyncio.to_thread(run, tmp_path, check)
            said = await asyncio.to_thread(run, tmp_path, doctor)
            assert "Asterisk 16" in said
            async with serving(tmp_path, lives, serve) as address:
                status, said = await asyncio.to_thread(
                    ask, f"{address}/v1/agents/anna/sign-in", "POST", body=b'{"ready": true}'
                )
                assert status == 200, said
                await served_by(sixteen, pbx, phones, "1001", "5551234")
