"""The same calls as over ARI, with an engine, telephones and a real Asterisk of which nothing but AMI is used."""

import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from acd.core.messages import (
    EnqueueInteraction,
    InteractionCancelled,
    InteractionCompleted,
    InteractionOverflowed,
    InteractionQueued,
    OfferAccepted,
    OfferDeclined,
    OfferRevoked,
)
from acd.ports.supervision import NotSupervisable, Supervisable
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ami_only import dialplan
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.names import Names
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk import test_connection, test_endings, test_engine_away, test_one_call
from tests.adapters.asterisk.rig import EXAMPLES, INSTANCE, Agent, Queue, rig, until

END = b"\r\n\r\n"
LEG = re.compile(rb"\r\nUniqueid: [^\r]*~\r\n")
PLAIN = {"provisioned", "tmp_path"}
OF_ARI = {
    "test_an_attempt_that_asterisk_carries_out_late_is_nobody",
    "test_another_controller_takes_over",
    "test_caller_goes_on_when_the_dialplan_says_so",
    "test_callers_whom_nobody_noticed",
    "test_refused_caller_goes_on_in_the_dialplan",
    "test_the_password_is_changed_while_nobody_calls",
}
"""They bring a dialplan, a controller, or a password of ARI's; below is what stands for them."""

LISTENER, TALKER = test_engine_away.LISTENER, test_engine_away.TALKER

Check = Callable[..., Awaitable[None]]


def checks(module: Any) -> Iterator[Any]:  # noqa: ANN401 - any module
    """Each test of a module that takes nothing but a PBX and a folder, with each of its own parameters."""
    for name, check in vars(module).items():
        if not name.startswith("test_") or name in OF_ARI:
            continue
        for given in given_to(check):
            if set(signature(check).parameters) == PLAIN | given.keys():
                yield pytest.param(module, check, given, id=f"{name}-{len(given) and list(given.values())}"[:80])


def given_to(check: Check) -> Iterator[dict[str, object]]:
    marks = [mark for mark in getattr(check, "pytestmark", ()) if mark.name == "parametrize"]
    if not marks:
        yield {}
    for mark in marks:
        names, values = mark.args
        for each in values:
            yield {names: each} if isinstance(names, str) else dict(zip(names, each, strict=True))


def short_dead_man() -> str:
    text = (EXAMPLES / "extensions_ami.conf").read_text()
    return text.replace("ACD_DEAD_MAN = 30", f"ACD_DEAD_MAN = {test_engine_away.DEAD_MAN_SECONDS}")


@pytest.mark.parametrize(
    ("module", "check", "given"),
    [each for module in (test_endings, test_one_call, test_engine_away, test_connection) for each in checks(module)],
)
async def test_as_over_ari(
    module: Any,  # noqa: ANN401 - any module
    check: Check,
    given: dict[str, object],
    provisioned: Provisioned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "rig", partial(rig, over_ami=True))
    monkeypatch.setattr(module, "dialplan", short_dead_man, raising=False)
    await check(provisioned, tmp_path, **given)


async def test_caller_goes_on_when_the_dialplan_says_so(provisioned: Provisioned, tmp_path: Path) -> None:
    """`X_ACD_AFTER=continue`: the agent has hung up, and the caller is back in the dialplan, and in a queue again."""
    again = "[acd-after]\nexten => s,1,Set(X_ACD_AFTER=)\n same => n,Goto(acd-enter,s,1)\n[unused]"
    text = (EXAMPLES / "extensions_ami.conf").read_text().replace("[acd-after]", again)
    text = text.replace("Set(X_ACD_TIER=gold)", "Set(X_ACD_AFTER=continue)").replace("skills.english >= 5", "true")
    text = text.replace("Set(X_ACD_QUEUE=support)", "Set(X_ACD_QUEUE=sales)")
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], dialplan=text, over_ami=True) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="2000")) as callers:
            await callers.finished(seconds=10)
        await it.empty()
        first, second = it.all(OfferAccepted)
        assert second.interaction_id == f"{first.interaction_id}~2"
        assert len(it.phones.dialogs()) == 2


async def test_callers_whom_nobody_noticed(provisioned: Provisioned, tmp_path: Path) -> None:
    """They came while the engine was dying: in the application, but unknown. Served in the order of arrival."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], over_ami=True) as it:
        await it.stop_engine(crash=True)
        async with it.pbx.ami() as ami:
            # The dialplan believes that somebody is there, as it does until the last word is old.
            await ami.action("Setvar", Variable=dialplan.alive_of("acd"), Value="9999999999")
            calls = [CallSpec(caller=f"1000{number}", dialled="sales") for number in (1, 2, 3)]
            async with it.callers(*calls, rate=20) as callers:
                for _ in calls:
                    await ami.event("UserEvent", lambda each: each.get("UserEvent") == "AcdEnter")
                await it.start_engine()
                await it.ready("anna")
                await callers.finished(seconds=10)
        assert [each.caller for each in it.phones.dialogs()] == ["10001", "10002", "10003"]
        await it.empty()


async def test_refused_caller_goes_on_in_the_dialplan(provisioned: Provisioned, tmp_path: Path) -> None:
    """The engine will not have the caller: the dialplan learns why, and its fallback serves them."""
    told = "exten => s,1,Gosub(acd-ami,enter,1)\n same => n,UserEvent(Told,Result: ${ACD_RESULT},Code: ${ACD_REFUSAL})"
    text = (EXAMPLES / "extensions_ami.conf").read_text().replace("exten => s,1,Gosub(acd-ami,enter,1)", told)
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], dialplan=text, over_ami=True) as it:
        async with it.pbx.ami() as ami, it.callers(CallSpec(caller="10001", dialled="nosuchqueue")) as callers:
            event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Told")
            assert (event["Result"], event["Code"]) == ("refused", "unknown-queue")
            await callers.finished(seconds=10)
        await it.empty()
        (dialog,) = it.phones.dialogs()
        assert dialog.caller == "10001"


class Overtaking:
    """AMI as a busy Asterisk sends it: that a leg could not be dialled comes before what is said of its channel."""

    def __init__(self, overtaken: list[bytes]) -> None:
        self._overtaken = overtaken
        self._rest = b""
        self._held: list[bytes] = []
        self._has_failed = False

    def __call__(self, data: bytes) -> bytes:
        *messages, self._rest = (self._rest + data).split(END)
        ordered: list[bytes] = []
        for message in messages:
            is_of_leg = message.startswith((b"Event: Newchannel", b"Event: Hangup")) and LEG.search(message)
            if is_of_leg and not self._has_failed:
                self._held.append(message)
                continue
            ordered.append(message)
            if message.startswith(b"Event: OriginateResponse"):
                self._has_failed = True
                self._overtaken += self._held
                ordered += self._held
        return b"".join(message + END for message in ordered)


@pytest.mark.parametrize("address", ["Local/none@acd-agents", None])
async def test_a_failure_that_overtakes_its_channel(
    provisioned: Provisioned, tmp_path: Path, address: str | None
) -> None:
    """An agent who has declined is not taken for one who cannot be reached, and sent away for it."""
    declines = AgentBehaviour(decline_chance=1.0, ring_ms=50)
    agents = [Agent("anna", declines, address=address), Agent("ben", TALKER)]
    async with rig(provisioned, tmp_path, agents, over_ami=True, proxied=True, connect=False) as it:
        overtaken: list[bytes] = []
        it.proxy.reorder = lambda: Overtaking(overtaken)
        await it.proxy.cut()
        await it.connected(connected=False)
        await it.connected()
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            ended = await it.event(OfferDeclined)
            assert (ended.agent_id, ended.reason) == ("anna", "declined")
            assert overtaken
            await it.presence("anna", "not-ready", "lunch")
            await it.ready("ben")
            assert (await it.event(InteractionCompleted)).agent_id == "ben"
            await callers.finished(seconds=5)
        await it.empty()
        assert it.all(OfferRevoked) == []


async def test_an_attempt_that_asterisk_carries_out_late_is_nobody(provisioned: Provisioned, tmp_path: Path) -> None:
    """What it says to other controllers comes back to us: it was our own word, and nobody else is there."""
    options = {"rest_deadline": "500ms"}
    async with (
        rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options, over_ami=True, proxied=True) as it,
        it.pbx.ami() as ami,
    ):
        it.proxy.keep_back(b"AcdOwner")
        await it.proxy.cut()
        await until(lambda: "UserEvent" in str(it.channel.health()["reason"]), lambda: str(it.channel.health()))
        it.proxy.keep_no_more()
        await it.connected()
        await ami.event("UserEvent", lambda each: each.get("UserEvent") == "AcdOwner")
        it.proxy.let_go()
        await ami.event("UserEvent", lambda each: each.get("UserEvent") == "AcdOwner")
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        assert it.channel.health()["link"] == "live"
        await it.empty()


async def test_let_go_by_the_queue(provisioned: Provisioned, tmp_path: Path) -> None:
    """The queue keeps nobody for long: that was its decision, and Asterisk's own queue does not take them up."""
    text = (EXAMPLES / "extensions_ami.conf").read_text()
    for place in ("serve", "released"):
        told = f"exten => {place},1,UserEvent(Left,Place: {place},Reason: ${{ACD_REASON}})\n same => n,"
        text = text.replace(f"exten => {place},1,", told)
    queue = Queue(more='max_wait = "1s"\nwhen_overdue = { release = "sorry" }')
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], queues=(queue,), dialplan=text, over_ami=True) as it:
        async with it.pbx.ami() as ami, it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Left")
            assert (event["Place"], event["Reason"]) == ("released", "sorry")
            await callers.finished(seconds=10)
        await it.empty()
        assert it.phones.dialogs() == []


async def test_nothing_is_said_and_the_music_goes_on(provisioned: Provisioned, tmp_path: Path) -> None:
    """A queue's step may announce something, which AMI cannot: the caller's music does not begin anew for it."""
    text = (EXAMPLES / "extensions_ami.conf").read_text()
    text = text.replace("exten => hold,1,NoOp()", "exten => hold,1,Set(GLOBAL(HELD)=$[0${GLOBAL(HELD)} + 1])")
    step = '[[queues.sales.steps]]\nafter = "{0}s"\nannounce = "sorry"\n'
    queue = Queue(more=f'max_wait = "3s"\nwhen_overdue = "release"\n{step.format(1)}{step.format(2)}')
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], queues=(queue,), dialplan=text, over_ami=True) as it:
        async with it.pbx.ami() as ami, it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await it.event(InteractionOverflowed)
            await callers.finished(seconds=10)
            held = await ami.action("Getvar", Variable="GLOBAL(HELD)")
            assert held["Value"] == "1"
        await it.empty()


async def test_another_controller_takes_over(provisioned: Provisioned, tmp_path: Path) -> None:
    """The first one stops acting at once, says so, and does not fight for the application."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], over_ami=True) as it:
        other = open_channel(INSTANCE, it.options)
        await other.start(RecordingHost(lambda _agent, _channel: ""))
        await until(lambda: it.channel.health()["link"] == "replaced", lambda: str(it.channel.health()))
        await until(lambda: other.health()["connected"] is True, lambda: str(other.health()))
        requests = it.channel.health()["requests"]
        await it.presence("anna", "not-ready", "lunch")
        assert it.channel.health()["requests"] == requests
        await other.stop()
        await it.stop_engine(crash=True)
        await it.start_engine()  # Somebody restarts it: it has the application again.
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await callers.finished(seconds=10)
        await it.empty()


async def test_a_transfer_by_telephone_takes_the_caller_out(provisioned: Provisioned, tmp_path: Path) -> None:
    """The agent's telephone sends the caller on: the interaction is over, and the caller is where they were sent."""
    text = (EXAMPLES / "extensions_ami.conf").read_text()
    text += "\n[elsewhere]\nexten => 100,1,UserEvent(Elsewhere)\n same => n,Wait(60)\n"
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)], dialplan=text, over_ami=True) as it:
        await it.ready("anna")
        call = CallSpec(caller="10001", dialled="sales", hang_up_after_ms=4_000)
        async with it.callers(call) as callers, it.pbx.ami() as ami:
            accepted = await it.event(OfferAccepted)
            await it.talking()
            leg = Names(INSTANCE, "acd").leg(accepted.offer_id)
            await ami.action("BlindTransfer", Channel=leg, Context="elsewhere", Exten="100")
            await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Elsewhere")
            completed = await it.event(InteractionCompleted)
            assert (completed.by, completed.reason) == ("system", "left-stasis")
            await until(lambda: it.channel.health()["calls"] == 0, lambda: str(it.channel.health()))
            (caller,) = await it.pbx.channels()
            assert (caller["dialplan"]["context"], caller["caller"]["number"]) == ("elsewhere", "10001")
            await callers.finished(seconds=10)
        await it.empty()


async def test_a_consult_is_ended_at_once_and_the_talk_goes_on(provisioned: Provisioned, tmp_path: Path) -> None:
    """It takes what AMI has not; nobody is left alone for it."""
    queues = [Queue(), Queue("advice")]
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)], queues=queues, over_ami=True) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales", hang_up_after_ms=3_000)) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await it.talking()
            asked = EnqueueInteraction(it.router.new_id(), "ask", "voice", "advice", instance=INSTANCE, parent=customer)
            assert (await it.router.submit(asked)).refusal is None
            ended = await it.event(InteractionCancelled)
            assert (ended.interaction_id, ended.reason) == ("ask", "no-consults-over-ami")
            await it.channel.reconcile(())
            (bridge,) = [each for each in await it.pbx.bridges() if each["channels"]]
            assert len(bridge["channels"]) == 2
            completed = await it.event(InteractionCompleted)
            assert (completed.interaction_id, completed.by) == (customer, "customer")
            await callers.finished(seconds=5)
        await it.empty()


async def test_nobody_listens_and_no_code_counts(provisioned: Provisioned, tmp_path: Path) -> None:
    """Both take ARI: a supervisor is told so, and a caller whose queue is a code's words changes nobody's presence."""
    agents = [Agent("anna", LISTENER), Agent("ben", address="PJSIP/13800138000@trunk")]
    told = "exten => s,1,Gosub(acd-ami,enter,1)\n same => n,UserEvent(Told,Code: ${ACD_REFUSAL})"
    text = (EXAMPLES / "extensions_ami.conf").read_text().replace("exten => s,1,Gosub(acd-ami,enter,1)", told)
    text = text.replace("Set(X_ACD_QUEUE=support)", "Set(X_ACD_QUEUE=code:sign-out)")
    text = text.replace("Queue(acd-fallback,,,,300)", "Hangup()")
    async with rig(provisioned, tmp_path, agents, dialplan=text, over_ami=True) as it:
        await it.ready("anna", "ben")
        async with it.pbx.ami() as ami, it.callers(CallSpec(caller="10001", dialled="2000")):
            event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Told")
            assert event["Code"] == "unknown-queue"
        await it.empty()
        agent = it.router.agent("ben")
        assert agent is not None
        assert agent.presence == "ready"
        await it.presence("ben", "not-ready", "away")
        async with it.callers(CallSpec(caller="10002", dialled="1000", hang_up_after_ms=1_000)) as callers:
            talk = (await it.event(OfferAccepted)).interaction_id
            assert isinstance(it.channel, Supervisable)
            with pytest.raises(NotSupervisable):
                await it.channel.supervise(talk, "ben", "listen")
            await it.channel.supervise(talk, "ben", "off")
            assert it.channel.supervisors(talk) == ()
            await callers.finished(seconds=5)
        await it.empty()


HOSTILE = (
    "a&requirement=false&did=1",
    "a,App: other,UserEvent: AcdOwner",
    "x${GLOBAL(ACD_DEAD_MAN)}",
    'b"c|d',
    "王小明 Ä%26",
)


async def test_what_a_caller_brings_stays_one_value(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whatever a header says: it is an attribute as a whole, or cut, and nothing else is set by it."""
    header = "Set(X_ACD_TIER=${PJSIP_HEADER(read,X-Tier)})"
    text = (EXAMPLES / "extensions_ami.conf").read_text().replace("Set(X_ACD_TIER=gold)", header)
    text = text.replace("skills.english >= 5", "true").replace("Set(X_ACD_QUEUE=support)", "Set(X_ACD_QUEUE=sales)")
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], dialplan=text, over_ami=True) as it:
        calls = [CallSpec(caller=f"2{n}", dialled="2000", headers={"X-Tier": said}) for n, said in enumerate(HOSTILE)]
        async with it.callers(*calls):
            await until(lambda: len(it.all(InteractionQueued)) == len(HOSTILE), lambda: str(it.events))
            found = [dict(event.attributes) for event in it.all(InteractionQueued)]
            assert sorted(each["tier"] for each in found) == sorted(HOSTILE)
            assert {each["did"] for each in found} == {"2000"}
            assert it.channel.health()["link"] == "live"
