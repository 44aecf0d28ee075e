"""The same calls through app_queue and through this engine, on one real Asterisk: both logs tell the same."""

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

import pytest

from acd.core.messages import SignOutAgent
from acd.runtime.config import QueueLogConfig
from acd.runtime.queue_log import QueueLog
from acd_asterisk.lab import AgentBehaviour, CallSpec, Handset, Provisioned
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, Rig, manager_section, rig, until
from tests.runtime.queue_log.reader import Entry, read, stays

NATIVE: Final = "native-"
"""Before the names of app_queue's queues."""

AGENTS: Final[Mapping[str, AgentBehaviour]] = {
    "polite": AgentBehaviour(ring_ms=1_200, talk_ms=2_200, hang_up_chance=1.0),
    "patient": AgentBehaviour(ring_ms=600, talk_ms=60_000),
    "absent": AgentBehaviour(no_answer_chance=1.0),
    "busy": AgentBehaviour(busy_chance=1.0),
    "rude": AgentBehaviour(ring_ms=700, decline_chance=1.0),
}
"""Each has a queue of the same name; in the queue `nobody` there is none."""

_NATIVE_QUEUE: Final = """
[native-{name}]
strategy = rrmemory
musicclass = default
timeout = 2
retry = 1
ringinuse = no
joinempty = yes
leavewhenempty = no
"""
_EXTENSION: Final = """
exten => native-{name},1,Answer(,i)
 same => n,Queue(native-{name},,,,{seconds})
 same => n,Wait(10)
"""
_PATIENCE: Final = {"nobody": 3}
_SETTINGS: Final = 'offer_timeout = "2s"\nretry_after = "1s"\nrona = "stay-ready"\n'
_MAX_WAIT: Final = 'max_wait = "{seconds}s"\nwhen_overdue = "release"'

UNIQUEID: Final = re.compile(r"[0-9]{10}\.[0-9]+")
RETRIED: Final = "RINGNOANSWER"
"""How often within a few seconds is a matter of when somebody is tried again."""

OFF_BY_S: Final = 1
OFF_BY_MS: Final = 1_000
"""app_queue counts whole seconds; and milliseconds of who declines, too, in steps of a second."""

WANTED: Final = {
    "polite": ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"],
    "patient": ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"],
    "absent": ["ENTERQUEUE", "RINGNOANSWER", "RINGCANCELED", "ABANDON"],
    "busy": ["ENTERQUEUE", "RINGNOANSWER", "ABANDON"],
    "rude": ["ENTERQUEUE", "RINGNOANSWER", "ABANDON"],
}


def calls(prefix: str) -> tuple[CallSpec, ...]:
    """The two of `nobody` not one after the other: which of those comes first is for their channels' threads to say."""
    return (
        CallSpec("1001", f"{prefix}polite"),
        CallSpec("1002", f"{prefix}patient", hang_up_after_ms=3_000),
        CallSpec("1006", f"{prefix}nobody", hang_up_after_ms=4_500),
        CallSpec("1003", f"{prefix}absent", hang_up_after_ms=4_500),
        CallSpec("1004", f"{prefix}busy", hang_up_after_ms=2_600),
        CallSpec("1005", f"{prefix}rude", hang_up_after_ms=3_300),
        CallSpec("1007", f"{prefix}nobody", hang_up_after_ms=1_500),
    )


async def test_both_tell_the_same_of_the_same_calls(provisioned: Provisioned, tmp_path: Path) -> None:
    names = (*AGENTS, "nobody")
    members = {name: f"member => PJSIP/{name},0,{name}" for name in AGENTS}
    native = "".join(f"{_NATIVE_QUEUE.format(name=name)}{members.get(name, '')}\n" for name in names)
    extensions = [_EXTENSION.format(name=name, seconds=_PATIENCE.get(name, 30)) for name in names]
    # Whoever is released stays, so that both are asked no more.
    dialplan = (EXAMPLES / "extensions.conf").read_text().replace("Queue(acd-fallback,,,,300)", "Wait(10)")
    dialplan += f"\n[acd-inbound](+){''.join(extensions)}"
    queues = [
        Queue(name, f"skills.{name} >= 1", _SETTINGS + _MAX_WAIT.format(seconds=_PATIENCE.get(name, 30)))
        for name in names
    ]
    agents = [Agent(name, behaviour, {name: 5}) for name, behaviour in AGENTS.items()]
    async with rig(
        provisioned, tmp_path, agents, queues=queues, dialplan=dialplan, extra_config={"queues.conf": native}
    ) as it:
        ours = tmp_path / "queue_log"
        log = QueueLog(QueueLogConfig(ours, tmp_path / "queue_log.acd", "number"), it.config.domain, it.router)
        await log.start()
        await it.ready(*AGENTS)
        async with it.callers(*calls(NATIVE)) as callers:
            await callers.finished(seconds=20)
        await it.empty()
        async with it.callers(*calls("")) as callers:
            dialogs = await callers.finished(seconds=20)
        await it.empty()
        theirs = it.pbx.folder / "log" / "queue_log"
        native_entries = [entry for entry in read(theirs) if entry.queue.startswith(NATIVE)]
        phones = {dialog.agent: dialog for dialog in it.phones.dialogs() if dialog.is_answered}
        await it.stop_engine()
        await log.close()
    own_entries = read(ours)
    assert len(stays(own_entries)) == len(stays(native_entries)) == len(calls(""))
    for name, wanted in WANTED.items():
        own, other = by_call(own_entries, name), by_call(native_entries, NATIVE + name)
        assert [[entry.event for entry in once(call)] for call in (*own, *other)] == [wanted, wanted]
        compare(own[0], other[0])
    own, other = by_call(own_entries, "nobody"), by_call(native_entries, f"{NATIVE}nobody")
    for call, like in zip(own, other, strict=True):
        compare(call, like)
    assert [call[-1].event for call in own] == ["EXITWITHTIMEOUT", "ABANDON"]
    assert [call[0].data["origposition"] for call in own] == ["1", "2"]
    # And both tell what telephones saw.
    for caller, agent in ((dialogs[0], phones["polite"]), (dialogs[1], phones["patient"])):
        (call,) = by_call(own_entries, agent.agent)
        talked_s = ((agent.ended_us or 0) - (agent.answered_us or 0)) / 1_000_000
        held_s = ((agent.answered_us or 0) - caller.invited_us) / 1_000_000
        assert abs(call[-1].number("calltime") - talked_s) <= OFF_BY_S
        assert abs(call[-1].number("holdtime") - held_s) <= OFF_BY_S


def by_call(entries: list[Entry], queue: str) -> list[list[Entry]]:
    """The calls of a queue, in the order of their first lines."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.queue == queue and entry.event != "ADDMEMBER":
            assert UNIQUEID.fullmatch(entry.call), entry
            found.setdefault(entry.call, []).append(entry)
    return list(found.values())


def once(call: list[Entry]) -> list[Entry]:
    """Attempts after one another at the same agent as one."""
    grouped = groupby(enumerate(call), key=lambda each: each[1].event == RETRIED or each[0])
    return [next(group)[1] for _, group in grouped]


def compare(own: list[Entry], other: list[Entry]) -> None:
    """Line by line: the same event, agent and fields; times since the entry, and durations, within a second."""
    for mine, like in zip(once(own), once(other), strict=True):
        assert (mine.event, mine.agent) == (like.event, like.agent)
        assert mine.data.keys() == like.data.keys()
        if mine.event != RETRIED:
            assert abs((mine.epoch - own[0].epoch) - (like.epoch - other[0].epoch)) <= OFF_BY_S
        milliseconds = mine.event in {RETRIED, "RINGCANCELED"}
        for name, value in mine.data.items():
            if name in {"holdtime", "calltime", "waittime", "ringtime"}:
                assert abs(int(value) - like.number(name)) <= (OFF_BY_MS if milliseconds else OFF_BY_S), (mine, like)
            elif name != "bridgedchanneluniqueid":
                assert value == like.data[name], (mine, like)


async def test_both_tell_the_same_of_members(provisioned: Provisioned, tmp_path: Path) -> None:
    """An agent comes, takes a break, comes back and goes: by AMI there, by commands here."""
    native = _NATIVE_QUEUE.format(name="sales")
    async with rig(provisioned, tmp_path, [Agent("anna")], extra_config={"queues.conf": native}) as it:
        ours = tmp_path / "queue_log"
        log = QueueLog(QueueLogConfig(ours, tmp_path / "queue_log.acd"), it.config.domain, it.router)
        await log.start()
        await it.ready("anna")
        await it.presence("anna", "not-ready", "lunch")
        await it.presence("anna", "ready")
        await it.router.submit(SignOutAgent(it.router.new_id(), "anna"))
        async with it.pbx.ami() as ami:
            member = {"Queue": f"{NATIVE}sales", "Interface": "Local/anna@acd-agents"}
            await ami.action("QueueAdd", **member, MemberName="anna")
            await ami.action("QueuePause", Interface=member["Interface"], Paused="true", Reason="lunch")
            await ami.action("QueuePause", Interface=member["Interface"], Paused="false")
            await ami.action("QueueRemove", **member)
        theirs = members(it.pbx.folder / "log" / "queue_log")
        await it.stop_engine()
        await log.close()
    assert members(ours) == theirs
    assert [event for _, _, _, event, _ in theirs] == [
        *("ADDMEMBER", "PAUSEALL", "PAUSE", "UNPAUSEALL", "UNPAUSE", "REMOVEMEMBER")
    ]


def members(log: Path) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """All but the beginning. Of ALL app_queue names the telephone, of each queue the member; here it is one name."""
    return [
        (
            entry.call,
            entry.queue.removeprefix(NATIVE),
            entry.agent.removeprefix("Local/").removesuffix("@acd-agents"),
            entry.event,
            tuple(entry.data.values()),
        )
        for entry in read(log)
        if entry.event != "QUEUESTART"
    ]


KEYS: Final = """
exten => 2,1,Wait(1)
 same => n,Hangup()
"""
OUTSIDE: Final = "0123"


async def test_both_tell_the_same_of_keys_and_transfers(provisioned: Provisioned, tmp_path: Path) -> None:
    """A caller presses the key that leads out; an agent's telephone transfers another one to the outside.

    The number is not told here: it may be a person's, and stands in no journal.
    """
    phone = Handset("anna")
    native = f"{_NATIVE_QUEUE.format(name='sales')}member => PJSIP/anna,0,anna\n"
    native += f"{_NATIVE_QUEUE.format(name='nobody')}context = native-keys\n"
    extension = "".join(_EXTENSION.format(name=name, seconds=30) for name in ("sales", "nobody"))
    away = f"[acd-agents]\nexten => {OUTSIDE},1,Wait(60)\n"
    dialplan = (EXAMPLES / "extensions.conf").read_text().replace("[acd-agents]\n", away)
    dialplan += f"\n[acd-inbound](+){extension}\n[native-keys]{KEYS}"
    dialplan = dialplan.replace("exten => key,1,Goto(serve,1)", "exten => key,1,Hangup()")
    options = {"queues": {"nobody": {"keys": {"2": "leave"}}}}
    async with rig(
        provisioned,
        tmp_path,
        [Agent("anna", handset=phone)],
        queues=[Queue("sales"), Queue("nobody", "skills.anything >= 1")],
        options=options,
        dialplan=dialplan,
        extra_config={"queues.conf": native},
    ) as it:
        ours = tmp_path / "queue_log"
        log = QueueLog(QueueLogConfig(ours, tmp_path / "queue_log.acd", "number"), it.config.domain, it.router)
        await log.start()
        theirs = it.pbx.folder / "log" / "queue_log"
        await pressed(it, f"{NATIVE}nobody", theirs)
        await pressed(it, "nobody", ours)
        await it.ready("anna")
        await transferred(it, phone, f"{NATIVE}sales", theirs, 1)
        await transferred(it, phone, "sales", ours, 2)
        await it.stop_engine()
        await log.close()
        found = (read(ours), ""), (read(theirs), NATIVE)
    told = [[*by_call(entries, f"{prefix}nobody"), *by_call(entries, f"{prefix}sales")] for entries, prefix in found]
    assert [[[entry.event for entry in call] for call in calls] for calls in told] == 2 * [
        [["ENTERQUEUE", "EXITWITHKEY"], ["ENTERQUEUE", "CONNECT", "BLINDTRANSFER"]]
    ]
    own, like = (calls[1][-1].data for calls in told)
    assert (like.pop("extension"), like.pop("context")) == (OUTSIDE, "acd-agents")
    assert (own.pop("extension"), own.pop("context")) == ("outside", "acd")
    for mine, other in zip(*told, strict=True):
        compare(mine, other)


async def written(path: Path, event: str) -> None:
    """Wait until a line of this event is there."""
    await until(lambda: path.exists() and f"|{event}|" in path.read_text(), path.read_text)


async def pressed(it: Rig, dialled: str, log: Path) -> None:
    """Somebody waits, presses the key, and is gone."""
    async with it.callers(CallSpec("1001", dialled)) as callers:
        await written(log, "ENTERQUEUE")
        await it.press("1001", "2")
        await written(log, "EXITWITHKEY")
        await callers.finished(seconds=10)
    await it.empty()


async def transferred(it: Rig, phone: Handset, dialled: str, log: Path, number: int) -> None:
    """Somebody talks with the agent, whose telephone transfers them away."""
    async with it.callers(CallSpec("1002", dialled)) as callers:
        dialog = await phone.rung(number)
        await it.talking()
        await phone.transfer(dialog, OUTSIDE)
        await written(log, "BLINDTRANSFER")
        await phone.hang_up(dialog)
        for channel in await it.pbx.channels():
            await it.pbx.cli(f"channel request hangup {channel['name']}")
        await callers.finished(seconds=10)
    await it.empty()


@pytest.mark.parametrize("control", ["ari", "ami"])
async def test_asterisk_writes_every_line_into_its_own_log(
    provisioned: Provisioned, tmp_path: Path, control: str
) -> None:
    """Over AMI, with ARI beside it or without: each once and in order, over a restart of Asterisk in the middle."""
    agents = [Agent("anna", AgentBehaviour(ring_ms=20, talk_ms=300, hang_up_chance=1.0))]
    # As AMI_ONLY.md says of its user.
    over_ami = control == "ami"
    users = {"manager.conf": manager_section().replace("originate,", "originate,agent,")} if over_ami else None
    async with rig(provisioned, tmp_path, agents, ami=not over_ami, over_ami=over_ami, extra_config=users) as it:
        theirs = it.pbx.folder / "log" / "queue_log"

        def told() -> list[str]:
            rows = (line.split("|", 1)[1] for line in theirs.read_text().splitlines())
            return [row for row in rows if not row.startswith("NONE|NONE|NONE|QUEUESTART|")]

        config = QueueLogConfig(tmp_path / "queue_log", tmp_path / "queue_log.acd", "number", ami=it.channel.name)
        log = QueueLog(config, it.config.domain, it.router)
        await log.start()
        await it.ready("anna")
        for number in ("10001", "10002"):
            async with it.callers(CallSpec(number, "sales")) as callers:
                await callers.finished(seconds=10)
            wanted = 2 * (1 + (number == "10002"))
            await until(lambda n=wanted: sum("|CO" in row for row in told()) >= n, lambda: str(told()))  # type: ignore[misc]
            if number == "10001":
                await it.pbx.restart()
                await it.connected(connected=False)
                await it.presence("anna", "not-ready", "lunch")
                await it.connected()
                await it.presence("anna", "ready")
        await it.stop_engine()
        await log.close()
        ours = [line.split("|", 1)[1] for line in config.path.read_text().splitlines()]
        assert told() == [row for row in ours if not row.startswith("NONE|NONE|NONE|QUEUESTART|")]
        assert any("|PAUSEALL|lunch" in row for row in told())
