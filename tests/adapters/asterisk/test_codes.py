"""Feature codes: agents dial from their telephones, at a real Asterisk with the dialplan of PHONES.md."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from acd.core.messages import (
    Command,
    InteractionCompleted,
    InteractionQueued,
    OfferAccepted,
    Outcome,
    PresenceChanged,
    WorkEnded,
    WrapUpStarted,
)
from acd.errors import RouterClosed
from acd.ports.channel import AgentStanding
from acd.testing.recording_host import RecordingHost
from acd_asterisk.codes import FeatureCodes
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import CodeDialled
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.prompts import Prompts
from acd_asterisk.switchboard import Switchboard
from tests.adapters.asterisk.page_text import of_language, options
from tests.adapters.asterisk.rig import EXAMPLES, PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"}
CODES = {**options("PHONES.md", "Feature codes")["codes"], "shared": ["PJSIP/lobby"]}
SHORT = dict.fromkeys(("signed_in", "signed_out", "paused", "resumed", "wrap_up_ended", "refused"), "beep")
OPTIONS = {"codes": {**CODES, "sounds": SHORT}}
DIALPLAN = (EXAMPLES / "extensions.conf").read_text() + of_language("PHONES.md", "ini")
TEXT = """
[queues.sales]
wrap_up = "60s"
[agents.anna]
addresses = { voice = "PJSIP/anna", number = "1001" }
[agents.ben]
addresses = { voice = "PJSIP/lobby", number = "1002" }
[agents.carla]
addresses = { voice = "PJSIP/13800138000@trunk", number = "1003" }
"""
AGENTS = [Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=400, hang_up_chance=1.0)), Agent("lobby")]


async def dial(it: Rig, digits: str, telephone: str = "anna") -> None:
    """Dial from a telephone, hear what there is to hear, and be hung up on."""
    async with it.callers(CallSpec(caller=telephone, dialled=digits)) as callers:
        (dialog,) = await callers.finished(seconds=15)
    assert (dialog.is_answered, dialog.how) == (True, "pbx")


def standing(it: Rig, agent: str = "anna") -> tuple[str, str]:
    """Presence and reason."""
    found = it.router.agent(agent)
    assert found is not None
    return found.presence, found.reason


async def test_a_day_by_codes(provisioned: Provisioned, tmp_path: Path) -> None:
    """Signed in, paused for a reason, back, out again; each heard, and nothing left over."""
    async with rig(provisioned, tmp_path, AGENTS, options=OPTIONS, dialplan=DIALPLAN, text=TEXT) as it:
        for digits, presence, reason in (
            ("*45", "ready", ""),
            ("*47", "not-ready", "break"),
            ("*471", "not-ready", "lunch"),
            ("*49", "ready", ""),
            ("*43", "not-ready", "break"),
            ("*43", "ready", ""),
            ("*46", "signed-out", ""),
            ("*46", "signed-out", ""),
            ("*48", "ready", ""),
            ("*45", "ready", ""),
            ("*48", "signed-out", ""),
        ):
            await dial(it, digits)
            assert standing(it) == (presence, reason), digits
        await it.empty()
        assert not it.all(InteractionQueued)


@pytest.mark.parametrize(
    ("digits", "telephone"),
    [
        ("*47", "anna"),  # while signed out
        ("*42", "anna"),  # no code
        ("*479", "anna"),  # no reason
        ("*451", "anna"),  # digits where none belong
        ("*45", "nobody"),  # by the trunk
        ("*45", "lobby"),  # several may be there
        ("*45*1001", "anna"),  # a number, from a telephone of one's own
        ("*45*1009", "lobby"),  # nobody's number
    ],
)
async def test_nothing_happens(provisioned: Provisioned, tmp_path: Path, digits: str, telephone: str) -> None:
    """Refused, and told so by a sound; nobody's presence changes."""
    dialplan = DIALPLAN.replace("[acd-inbound]", "[acd-inbound]\nexten => _*4X!,1,Goto(acd-agents,${EXTEN},1)")
    async with rig(provisioned, tmp_path, AGENTS, options=OPTIONS, dialplan=dialplan, text=TEXT) as it:
        await dial(it, digits, telephone)
        await it.empty()
        assert not it.all(PresenceChanged)
        assert not it.all(InteractionQueued)


@pytest.mark.parametrize(
    ("dialled", "headers"),
    [("code:sign-in", {}), ("code:*45*1001", {}), ("sales", {"X-ACD-Queue": "code:sign-in,,1001"})],
)
async def test_callers_from_outside(
    provisioned: Provisioned, tmp_path: Path, dialled: str, headers: dict[str, str]
) -> None:
    """Whoever gets a code's words through the dialplan's own door is no agent, and changes nothing."""
    async with rig(provisioned, tmp_path, AGENTS, options=OPTIONS, dialplan=DIALPLAN, text=TEXT) as it:
        async with it.callers(CallSpec(caller="10001", dialled=dialled, headers=headers)) as callers:
            (dialog,) = await callers.finished(seconds=15)
        assert dialog.how == "pbx"
        await it.empty()
        assert not it.all(PresenceChanged)
        assert not it.all(InteractionQueued)


async def test_shared_telephone(provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The number behind the code says who it is. All sounds that are played unless others are wanted are there."""
    async with rig(provisioned, tmp_path, AGENTS, options={"codes": CODES}, dialplan=DIALPLAN, text=TEXT) as it:
        await dial(it, "*45*1003", "lobby")
        await dial(it, "*472*1003", "lobby")
        assert standing(it, "carla") == ("not-ready", "training")
        assert standing(it)[0] == standing(it, "ben")[0] == "signed-out"
        for digits in ("*49*1003", "*44*1003", "*46*1003", "*47*1003"):
            await dial(it, digits, "lobby")
        assert "cannot be played" not in capsys.readouterr().out


async def test_wrap_up_ends(provisioned: Provisioned, tmp_path: Path) -> None:
    """And a pause that was dialled during the call comes into force at its end."""
    async with rig(provisioned, tmp_path, AGENTS, options=OPTIONS, dialplan=DIALPLAN, text=TEXT) as it:
        await dial(it, "*45")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await it.event(OfferAccepted)
            await dial(it, "*471")
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.event(WrapUpStarted)
        assert standing(it)[0] == "draining"
        await dial(it, "*44")
        await it.event(WorkEnded)
        assert standing(it) == ("not-ready", "lunch")
        await it.empty()


async def test_words_of_the_dialplan(provisioned: Provisioned, tmp_path: Path) -> None:
    """`code:pause,lunch` needs no table of codes; what means nothing is refused."""
    words = """
[acd-agents]
exten => in,1,Stasis(acd,code:sign-in)
exten => eat,1,Stasis(acd,code:pause,lunch)
exten => odd,1,Stasis(acd,code:dance)
"""
    async with rig(provisioned, tmp_path, AGENTS, dialplan=DIALPLAN + words, text=TEXT) as it:
        await dial(it, "in")
        await dial(it, "eat")
        assert standing(it) == ("not-ready", "lunch")
        await dial(it, "odd")
        assert standing(it) == ("not-ready", "lunch")
        await it.empty()


async def test_dialled_while_the_engine_was_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk keeps the telephone in the application; nobody knows since when, so it is hung up, and no caller."""
    async with rig(provisioned, tmp_path, AGENTS, options=OPTIONS, dialplan=DIALPLAN, text=TEXT) as it:
        await it.stop_engine()
        async with it.listener(), it.callers(CallSpec(caller="anna", dialled="*45")) as callers:
            await until_channels(it, 1)
            await it.start_engine()
            (dialog,) = await callers.finished(seconds=10)
            assert dialog.how in {"failed", "pbx"}
        await it.empty()
        assert not it.all(InteractionQueued)
        assert standing(it)[0] == "signed-out"


async def test_connection_is_lost_meanwhile(provisioned: Provisioned, tmp_path: Path) -> None:
    """The comparison after it leaves alone who is being seen to: they hear it to the end, and are hung up then."""
    given = {"codes": {**CODES, "sounds": {"signed_in": "custom/long"}}}
    async with rig(provisioned, tmp_path, AGENTS, options=given, dialplan=DIALPLAN, text=TEXT, proxied=True) as it:
        it.pbx.add_sound("custom/long", tone(900, 2_500))
        async with Ear() as ear, it.callers(CallSpec(caller="anna", dialled="*45", ear=ear.port)) as callers:
            await until(lambda: 900 in ear.tones(), lambda: str(ear.tones()))
            await it.proxy.cut()
            await until(lambda: it.channel.health()["connects"] == 2, lambda: str(it.channel.health()))
            (dialog,) = await callers.finished(seconds=15)
        await it.empty()
        assert dialog.answered_us is not None
        assert dialog.ended_us is not None
        assert dialog.ended_us - dialog.answered_us >= 2_400_000
        assert standing(it) == ("ready", "")


async def test_engine_takes_nothing() -> None:
    """An engine that stops: the agent hears that it was not done, and is hung up on."""
    host = Closing(lambda agent, channel: f"PJSIP/{agent}" if channel == "voice" else "")
    host.staff["anna"] = AgentStanding("anna", "ready")
    done: list[str] = []
    desk = Desk("pbx1", read_options("pbx1", PLAIN), Names("pbx1", "acd"))
    desk.start(host)
    stand_in = StandIn(done)
    codes = FeatureCodes(desk, cast("Switchboard", stand_in), cast("Prompts", stand_in), desk.options.codes)
    codes.handle(CodeDialled("1.1", "PJSIP/anna", ("pause",)))
    codes.handle(CodeDialled("1.1", "PJSIP/anna", ("pause",)))  # an event told twice is one code
    assert desk.attended == {"1.1"}
    async with asyncio.timeout(5):
        await stand_in.over.wait()
    assert done == ["answer 1.1", "play 1.1 sound:beeperr", "hang up 1.1"]
    assert not desk.attended
    assert len(host.commands) == 1


class Closing(RecordingHost):
    """An engine that stops."""

    async def submit(self, command: Command) -> Outcome:
        await super().submit(command)
        raise RouterClosed("stopped")


class StandIn:
    """What is asked of the PBX."""

    def __init__(self, done: list[str]) -> None:
        self.done, self.over = done, asyncio.Event()

    async def answer(self, channel_id: str) -> None:
        self.done.append(f"answer {channel_id}")

    async def play(self, target: str, media: tuple[str, ...], **_more: object) -> str:
        self.done.append(f"play {target} {media[0]}")
        return "done"

    async def hang_up(self, channel_id: str) -> None:
        self.done.append(f"hang up {channel_id}")
        self.over.set()


async def until_channels(it: Rig, count: int) -> None:
    """Wait until Asterisk has so many channels in the application."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len((await it.pbx.ari_get("applications/acd"))["channel_ids"]) != count:
            await asyncio.sleep(POLL_SECONDS)
