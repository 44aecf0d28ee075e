"""The line to the PBX: cut, dead, taken over, with a wrong password; and Asterisk itself killed."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from acd.core.messages import (
    CancelInteraction,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRevoked,
)
from acd_asterisk import hearing, link
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import APP, Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.test_patrol import plant

LISTENER = AgentBehaviour(ring_ms=20, talk_ms=60_000)
SILENT = AgentBehaviour(no_answer_chance=1.0)
TALKER = AgentBehaviour(ring_ms=20, talk_ms=300, hang_up_chance=1.0)
NEW_CALLS_WITHIN_SECONDS = 5.0
IMPATIENT = {"rest_deadline": "500ms"}
NOTICED = hearing.SILENCE_SECONDS + 2 * hearing.ECHO_SECONDS + 5.0


def call(number: str, seconds: float = 0) -> CallSpec:
    """A caller who hangs up after so long, or never."""
    return CallSpec(caller=number, dialled="sales", hang_up_after_ms=int(seconds * 1000))


async def test_what_happened_while_the_line_was_cut(provisioned: Provisioned, tmp_path: Path) -> None:
    """Callers who left are gone, talks go on, ringing goes on, those who still wait are served in order."""
    agents = [Agent("anna", LISTENER), Agent("ben", SILENT), Agent("cleo", TALKER)]
    async with rig(provisioned, tmp_path, agents, options={"on_cancel": "hangup"}, proxied=True) as it:
        await it.ready("anna")
        async with it.callers(call("10001", seconds=4)) as talking:
            await it.event(OfferAccepted)
            await it.presence("anna", "not-ready", "lunch")
            await it.ready("ben")
            async with it.callers(
                call("10002"), call("10003", seconds=1), call("10004"), call("10005"), rate=10
            ) as others:
                await until(lambda: len(it.all(InteractionQueued)) == 5, lambda: "five in all")
                it.proxy.refuse()
                await it.proxy.cut()
                await it.connected(connected=False)
                await others.wait_for(lambda dialogs: any(each.how == "caller" for each in dialogs))
                it.proxy.accept()
                await it.connected()
                gone = await it.event(InteractionAbandoned)
                assert gone.reason == "gone-while-away"
                assert not it.all(OfferExpired)
                assert not it.all(OfferRevoked)
                assert len(it.all(OfferMade)) == 2
                completed = await it.event(InteractionCompleted)
                assert completed.by == "customer"
                assert completed.talked_us > 3_000_000
                await talking.finished(seconds=5)
                await it.ready("cleo")
                await until(lambda: len(it.all(InteractionCompleted)) == 3, lambda: str(it.events))
                assert [each.caller for each in it.phones.dialogs() if each.agent == "cleo"] == ["10004", "10005"]
                (ringing,) = [each for each in it.phones.dialogs() if each.agent == "ben"]
                assert (ringing.caller, ringing.how) == ("10002", None)
                first = it.all(InteractionQueued)[1].interaction_id
                await it.router.submit(CancelInteraction(it.router.new_id(), first))
                await others.finished(seconds=5)
        await it.empty()


async def test_a_dead_line_is_noticed(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nothing comes through and nothing says so: pings find out, and a new connection is made."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], proxied=True) as it:
        it.proxy.stall()
        await it.connected(connected=False, seconds=10)
        it.proxy.flow()
        await it.connected()
        await it.ready("anna")
        async with it.callers(call("10001")) as callers:
            await callers.finished(seconds=5)
        await it.empty()


async def test_asterisk_is_killed(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whatever was live is ended, nobody is punished, and new calls flow within five seconds."""
    agents = [Agent("anna", LISTENER), Agent("ben", SILENT)]
    short = Queue(more='offer_timeout = "3s"\nretry_after = "1s"')
    async with rig(provisioned, tmp_path, agents, queues=[short]) as it:
        await it.ready("anna", "ben")
        async with it.callers(call("10001"), call("10002"), call("10003"), rate=50):
            await it.event(OfferAccepted)
            await until(lambda: len(it.all(OfferMade)) == 2, lambda: str(it.events))
            await until(lambda: len(it.all(InteractionQueued)) == 3, lambda: str(it.events))
            await it.pbx.kill()
        await it.connected(connected=False)
        await it.pbx.start()
        async with asyncio.timeout(NEW_CALLS_WITHIN_SECONDS):
            await it.connected()
            completed = await it.event(InteractionCompleted)
            await until(lambda: len(it.all(InteractionCancelled)) == 2, lambda: str(it.events))
            assert {event.reason for event in it.all(InteractionCancelled)} == {"pbx-restarted"}
            assert (completed.by, completed.reason) == ("system", "pbx-restarted")
            assert it.router.view.agents["ben"].presence == "ready"
            await it.presence("ben", "not-ready")
            async with it.callers(call("20001", seconds=0.5)) as callers:
                await until(lambda: len(it.all(OfferAccepted)) == 2, lambda: str(it.events))
                await callers.finished(seconds=5)
        await it.empty()


async def test_agents_are_spared_while_the_pbx_is_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """An offer that cannot ring because the PBX is away does not make its agent not-ready."""
    short = Queue(more='offer_timeout = "2s"\nretry_after = "1s"')
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], queues=[short], proxied=True) as it:
        async with it.callers(call("10001")) as callers:
            await it.event(InteractionQueued)
            it.proxy.refuse()
            await it.proxy.cut()
            await it.connected(connected=False)
            await it.ready("anna")
            revoked = await it.event(OfferRevoked)
            assert revoked.reason == "failed"
            it.proxy.accept()
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        assert not it.all(OfferExpired)
        assert it.router.view.agents["anna"].presence == "ready"
        await it.empty()


async def test_wrong_password(provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Health and log name the options to look at; the right password in the file is enough to go on."""
    secret = tmp_path / "ari-password"
    secret.write_text("canary-of-a-wrong-password\n")
    options: dict[str, object] = {"password_file": str(secret)}
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options, connect=False) as it:
        await until(lambda: it.channel.health()["link"] == "unauthorized", lambda: str(it.channel.health()))
        health = it.channel.health()
        assert health["connected"] is False
        assert "channels.pbx1.user" in str(health["reason"])
        secret.write_text(it.pbx.ari_password)
        await it.connected()
        log = capsys.readouterr().out
        assert "channels.pbx1.password" in log
        assert "canary" not in log + str(health)
        assert it.pbx.ari_password not in log


async def test_the_password_is_changed_while_nobody_calls(provisioned: Provisioned, tmp_path: Path) -> None:
    """It is found out at once, and not by the next caller; what the file has by then is enough to go on."""
    secret = tmp_path / "ari-password"
    options: dict[str, object] = {"password_file": str(secret), "reconcile_every": "1h"}
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options, connect=False) as it:
        secret.write_text(it.pbx.ari_password)
        await it.connected()
        config = it.pbx.folder / "config" / "ari.conf"
        config.write_text(config.read_text().replace(it.pbx.ari_password, "another one"))
        await it.pbx.cli("module reload res_ari.so")
        await until(lambda: it.channel.health()["link"] == "unauthorized", lambda: str(it.channel.health()))
        assert "channels.pbx1.password" in str(it.channel.health()["reason"])
        secret.write_text("another one")
        await it.connected()


@pytest.mark.parametrize("waiting", [False, True], ids=["empty", "with-a-caller"])
async def test_an_attempt_that_asterisk_carries_out_late_is_nobody(
    provisioned: Provisioned, tmp_path: Path, *, waiting: bool
) -> None:
    """An Asterisk that stood still takes the application from us for a connection that we have given up.

    With a caller in it, it is there after the end of that connection, too, and does not say that it is nobody's.
    """
    async with (
        rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=IMPATIENT, proxied=True) as it,
        AsyncExitStack() as stack,
    ):
        if waiting:
            await stack.enter_async_context(it.callers(call("10000")))
            await it.event(InteractionQueued)
        await _given_up(it)
        connects = it.channel.health()["connects"]
        it.proxy.let_go()
        await until(lambda: it.channel.health()["connects"] != connects, lambda: str(it.channel.health()))
        await it.connected()
        await it.ready("anna")
        async with it.callers(call("10001")) as callers:
            await callers.finished(seconds=5)
            await until(lambda: len(it.all(InteractionCompleted)) == 1 + waiting, lambda: str(it.events))
        await it.empty()


@pytest.mark.parametrize("waiting", [False, True], ids=["empty", "with-a-caller"])
async def test_a_connection_on_which_no_events_come_is_made_anew(
    provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, waiting: bool
) -> None:
    """The application is nobody's, and nobody has told us so: pings and requests are answered as ever.

    Whoever comes in meanwhile is not taken; with somebody in it the application is there, without: it is not.
    """
    async with (
        rig(provisioned, tmp_path, [Agent("anna", TALKER)], options={"reconcile_every": "1h"}) as it,
        AsyncExitStack() as stack,
    ):
        if waiting:
            await stack.enter_async_context(it.callers(call("10000")))
            await it.event(InteractionQueued)
        connects = it.channel.health()["connects"]
        assert it.channel.health()["silences"] == 0
        await _nobodys(it)
        await until(lambda: it.channel.health()["connects"] != connects, lambda: str(it.channel.health()), NOTICED)
        await it.connected()
        assert it.channel.health()["silences"] == 1
        assert "answers, and sends no events" in capsys.readouterr().out
        await it.ready("anna")
        async with it.callers(call("10001")) as callers:
            await callers.finished(seconds=5)
            await until(lambda: len(it.all(InteractionCompleted)) == 1 + waiting, lambda: str(it.events))
        await it.empty()


async def test_a_pbx_without_calls_is_heard(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nothing happens for longer than it takes to call a connection deaf."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)]) as it:
        loop = asyncio.get_running_loop()
        end = loop.time() + hearing.SILENCE_SECONDS + 2 * hearing.ECHO_SECONDS + 1
        await until(lambda: loop.time() > end, lambda: "time")
        assert (it.channel.health()["silences"], it.channel.health()["connects"]) == (0, 1)


async def _nobodys(it: Rig) -> None:
    """Asterisk has the application down as nobody's, and we have not been told."""
    await plant(it, ("PUT", f"applications/{APP}/eventFilter", {"disallowed": [{"type": "ApplicationReplaced"}]}))
    auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
    async with (
        aiohttp.ClientSession(headers={"Authorization": auth}) as session,
        session.ws_connect(f"{it.pbx.ari_url}/events?app={APP}&subscribeAll=false"),
    ):
        pass


async def test_another_controller_is_another_one_though_we_have_given_up(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "LATE_SECONDS", 0.5)
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=IMPATIENT, proxied=True) as it:
        await _given_up(it)
        async with it.listener():
            await until(lambda: it.channel.health()["link"] == "replaced", lambda: str(it.channel.health()))
            assert "another controller" in str(it.channel.health()["reason"])


async def _given_up(it: Rig) -> None:
    """Connected, after an attempt that was given up, of which Asterisk has not heard yet."""
    it.proxy.keep_back(f"/events?app={APP}&".encode())
    await it.proxy.cut()
    await until(lambda: "no WebSocket" in str(it.channel.health()["reason"]), lambda: str(it.channel.health()))
    it.proxy.keep_no_more()
    await it.connected()


async def test_another_controller_takes_over(provisioned: Provisioned, tmp_path: Path) -> None:
    """The first one stops acting at once, says so, and does not fight for the application."""
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)]) as it:
        await it.ready("anna")
        async with it.callers(call("10001", seconds=2)) as callers:
            await it.event(OfferAccepted)
            async with it.listener() as other:
                await until(lambda: it.channel.health()["link"] == "replaced", lambda: str(it.channel.health()))
                assert it.channel.health()["connected"] is False
                assert "another controller" in str(it.channel.health()["reason"])
                requests = it.channel.health()["requests"]
                await callers.finished(seconds=5)
                async with asyncio.timeout(5):
                    while (await other.receive_json())["type"] != "StasisEnd":
                        continue  # The agent may have been joined only now.
                assert it.channel.health()["requests"] == requests
        assert not it.all(InteractionCompleted)
        assert not it.all(InteractionRequeued)
        await it.stop_engine(crash=True)
        await it.start_engine()  # Somebody restarts it: it has the application again, and cleans up.
        await it.event(InteractionCompleted)
        await it.empty()
