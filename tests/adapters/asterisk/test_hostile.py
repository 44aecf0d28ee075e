"""The corpus of hostile texts by every way into the ACD, on the real Asterisk: calls are served, and that is all.

By each way each value is one real SIP call, of several at a time. It is routed, one agent rings once, nothing that it
says is carried out, by the dialplan that gets it back, either, and whoever is a person stands in no journal and no log.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from acd.core.messages import InteractionCompleted, InteractionQueued
from acd.runtime.config import QueueLogConfig
from acd.runtime.queue_log import QueueLog
from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.hostile import BROKEN, WRITTEN
from tests.adapters.asterisk.raw_caller import raw_caller
from tests.adapters.asterisk.rig import EXAMPLES, INSTANCE, PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until
from tests.adapters.asterisk.test_variables import was_made
from tests.runtime.queue_log.reader import read

TALKER: Final = AgentBehaviour(ring_ms=20, talk_ms=800, hang_up_chance=1.0, trace=True)
"""Long enough to be joined on a busy machine before it hangs up: else it would ring twice."""
READY: Final = ("anna", "carl", "dora", "emil")
"""As many call at a time."""

NUMBER, NAME = "8613800138{:03}", "Kanarienvogel {:03}"
"""Whoever calls, as far as a value is not that itself."""

TELLING: Final = 13
"""Characters; what is shorter may stand in a file by chance."""

EVIL: Final = "\n[evil]\nexten => s,1,Set(DB(acd/evil)=reached)\n same => n,Hangup()\n"
NUMBERS: Final = """[acd-inbound]
exten => _7.,1,Set(X_ACD_DID=${EXTEN:1})
 same => n,Set(X_ACD_QUEUE=sales)
 same => n,Set(X_ACD_AFTER=continue)
 same => n,Set(X_ACD_TIER=${REDIRECTING(from-num)}${PJSIP_HEADER(read,X-Note)})
 same => n,Goto(acd-enter,s,1)
"""
AFTER: Final = """[acd-after]
exten => s,1,Set(SEEN=${EVAL(${ACD_DATA_TIER})}${EVAL(${ACD_DATA_EVIL})})
 same => n,Set(SEEN=${EVAL(${ACD_DATA_DID})}${EVAL(${ACD_DATA_X_ID})})
 same => n,Hangup()
[unused]
"""
ATTRIBUTES: Final = ["tier", "evil", "did", "x_id"]
DATA: Final = {
    "headers": ["X-Id"],
    "attributes": ATTRIBUTES,
    "set_on_connect": True,
    "agent_variables": ["queue", *(f"attribute.{name}" for name in ATTRIBUTES)],
    "agent_headers": {f"X-Out-{at}": f"attribute.{name}" for at, name in enumerate(ATTRIBUTES)},
}


@dataclass(frozen=True)
class Call:
    """How one value comes in."""

    number: str
    dialled: str = "7000"
    name: str = ""
    headers: tuple[str, ...] = ()


def call(way: str, value: str, at: int) -> Call:
    number, name = NUMBER.format(at), NAME.format(at)
    match way:
        case "name":
            return Call(number, name=value)
        case "number":
            return Call(value, name=name)
        case "dialled":
            return Call(number, f"7{value}", name)
        case "diverted":
            user = quote(value.encode("utf-8", "surrogateescape"), safe="")
            return Call(number, name=name, headers=(f"Diversion: <sip:{user}@diverted.example>;reason=unconditional",))
        case "header":
            return Call(number, "sales", name, (f"X-ACD-Evil: {value}", "X-ACD-After: continue"))
        case "allowed":
            return Call(number, name=name, headers=(f"X-Id: {value}",))
    return Call(number, name=name, headers=(f"X-Note: {value}",))


URIS: Final = ("number", "dialled", "diverted")
WAYS: Final = (*URIS, "name", "header", "allowed", "variable")


# Headers are the dialplan's to read without ARI, as variables.
MATRIX: Final = [
    (way, control) for way in WAYS for control in ("ari", "ami") if control == "ari" or way not in {"header", "allowed"}
]


@pytest.mark.parametrize(("way", "control"), MATRIX)
async def test_hostile(
    provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str, control: str
) -> None:
    over_ami = control == "ami"
    marker = tmp_path / "acd-was-here"
    (tmp_path / "acd").mkdir()
    corpus = (*WRITTEN, *(BROKEN if way in URIS else ()))
    calls = [call(way, value.replace("MARKER", str(marker)), at) for at, value in enumerate(corpus)]
    options: dict[str, object] = {"data": DATA, "phones": {"caller_name": "{queue}: {name} {number}"}}
    async with rig(
        provisioned,
        tmp_path / "acd",
        [Agent(name, TALKER) for name in (*READY, "ben")],
        options=options,
        dialplan=dialplan("extensions_ami.conf" if over_ami else "extensions.conf"),
        over_ami=over_ami,
        ami=not over_ami,
    ) as it:
        ours = tmp_path / "queue_log"
        log = QueueLog(
            QueueLogConfig(ours, tmp_path / "queue_log.acd", "number", ami="" if over_ami else INSTANCE),
            it.config.domain,
            it.router,
        )
        await log.start()
        await it.pbx.cli("database put acd canary alive")
        await it.ready(*READY)
        line = iter(calls)
        async with asyncio.TaskGroup() as callers:
            for _ in READY:
                callers.create_task(one_by_one(it.pbx.sip_port, line))
        await until(lambda: len(it.all(InteractionCompleted)) == len(calls), lambda: str(it.events[-3:]))
        await it.empty()
        await served(it, calls)
        assert not was_made(marker)
        assert "alive" in await it.pbx.cli("database get acd canary")
        assert "not found" in await it.pbx.cli("database get acd evil")
        await it.stop_engine()
        await log.close()
        theirs = it.pbx.folder / "log" / "queue_log"
        logs = [ours, *([] if over_ami else [theirs])]
        for path in logs:
            entries = [entry for entry in read(path) if entry.event != "QUEUESTART"]
            assert sum(entry.event == "ENTERQUEUE" for entry in entries) == len(calls), path
            assert all(value.isprintable() for entry in entries for value in entry.data.values())
    nobody_is_named(calls, tmp_path / "acd", capsys.readouterr().out)


async def one_by_one(sip_port: int, line: Iterator[Call]) -> None:
    """Whoever is next calls when the one before has been served."""
    for each in line:
        async with raw_caller(sip_port, each.number, each.dialled, name=each.name, headers=each.headers) as caller:
            await caller.ended.wait()


def dialplan(name: str) -> str:
    """The example's, with a number for every way, and callers who go on afterwards where everything is evaluated."""
    text = (EXAMPLES / name).read_text()
    assert "[acd-inbound]\n" in text
    assert "[acd-after]\n" in text
    text = text.replace("[acd-inbound]\n", NUMBERS).replace("[acd-after]\n", AFTER)
    return f"{text}{EVIL}"


async def served(it: Rig, calls: list[Call]) -> None:
    """Each call once, by one agent, over a connection that has never been lost."""
    health = it.channel.health()
    assert (health["link"], health["connects"]) == ("live", 1)
    assert health.get("ami_connects", 1) == 1
    assert len(it.all(InteractionQueued)) == len(calls)
    rung = [dialog.agent for dialog in it.phones.dialogs()]
    assert len(rung) == len(calls)
    assert set(rung) <= set(READY)
    for queued in it.all(InteractionQueued):
        assert queued.queue == "sales"
        assert all(value.isprintable() for _, value in queued.attributes)
    for line in it.phones.messages().splitlines():
        name, _, value = line.partition(": ")
        assert name != "X-Evil"
        if name.startswith("X-Out-"):
            assert not set(value.strip()) & set("&,|;${}\"'<>()\\%!?\x1b\x00")


def nobody_is_named(calls: list[Call], folder: Path, said: str) -> None:
    """Neither in the journal, nor in any other file, nor in the log; and the log has nothing that moves a screen."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(b"sales" in raw for raw in files.values())
    whole = [text for each in calls for text in (each.name, each.number) if len(text) >= TELLING]
    assert whole
    for text in whole:
        raw = text.encode("utf-8", "surrogateescape")
        assert [path for path, held in files.items() if raw in held] == []
        assert text not in said
    assert not [char for char in said if not char.isprintable() and char not in "\n\x1b"]
    assert "\x1b[2J" not in said


async def test_what_other_calls_say_of_themselves(provisioned: Provisioned, tmp_path: Path) -> None:
    """AMI lists every channel of the PBX, with what its application was given: past the ACD, too."""
    other = "exten => _8.,1,Answer()\n same => n,WaitExten(60,${EXTEN})\n"
    text = dialplan("extensions_ami.conf").replace(NUMBERS, NUMBERS + other)
    owner = "8\r\n\r\nEvent: UserEvent\r\nUserEvent: AcdOwner\r\nApp: acd"
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], dialplan=text, over_ami=True) as it:
        async with raw_caller(it.pbx.sip_port, "10001", owner):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not any("AcdOwner" in each["dialplan"]["app_data"] for each in await it.pbx.channels()):
                    await asyncio.sleep(POLL_SECONDS)
            await it.channel.reconcile(())
            await it.ready("anna")
            async with raw_caller(it.pbx.sip_port, "10002", "7000") as caller:
                await caller.ended.wait()
        await it.empty()
        health = it.channel.health()
        assert (health["link"], health["connects"]) == ("live", 1)
