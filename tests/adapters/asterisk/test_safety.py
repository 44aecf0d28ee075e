"""What protects calls from a PBX that is slow, frozen, crowded or left in disorder, on a real one."""

import asyncio
import time
from pathlib import Path

import aiohttp

from acd.core.messages import InteractionCompleted, InteractionQueued, OfferAccepted
from acd_asterisk.ari import MAX_CONNECTIONS, AriClient, AriUnavailable
from acd_asterisk.breaker import BREAKER_FAILURES
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.names import Names
from tests.adapters.asterisk.raw_caller import raw_caller
from tests.adapters.asterisk.rig import APP, INSTANCE, POLL_SECONDS, Agent, Rig, ground, rig, until
from tests.frozen import frozen

LISTENER = AgentBehaviour(ring_ms=20, talk_ms=60_000)
TALKER = AgentBehaviour(ring_ms=20, talk_ms=200, hang_up_chance=1.0)
NAMES = Names(INSTANCE, APP)
NOBODY = {"extensions.conf": "\n[nobody]\nexten => 1,1,Wait(600)\n"}
MANY = 300
DEADLINE_SECONDS = 0.2
LATE_SECONDS = 1.0
"""On a busy machine."""


async def test_deadlines_and_the_breaker(provisioned: Provisioned) -> None:
    """A frozen Asterisk accepts connections and answers nothing: each request ends in time, then none is tried."""
    async with ground(provisioned, []) as it:
        pid = it.pbx.pid
        assert pid is not None
        client = AriClient(it.pbx.ari_url, connections=8, deadline_seconds=DEADLINE_SECONDS)
        client.log_in(it.pbx.ari_user, it.pbx.ari_password)
        try:
            assert (await client.request("GET", "asterisk/ping")).is_success
            with frozen(pid):
                for number in range(BREAKER_FAILURES):
                    begun = time.monotonic()
                    assert await refused(client), number
                    assert DEADLINE_SECONDS * 0.9 < time.monotonic() - begun < DEADLINE_SECONDS + LATE_SECONDS
                assert client.breaker.is_open
                tried = client.requests
                assert await refused(client)
                assert client.requests == tried
            await until(lambda: not client.breaker.is_open, lambda: "the breaker stays open")
            await until_answered(client)
        finally:
            await client.close()


async def refused(client: AriClient) -> bool:
    """Whether there was no usable answer."""
    try:
        await client.request("GET", "asterisk/ping")
    except AriUnavailable:
        return True
    return False


async def until_answered(client: AriClient) -> None:
    """Wait for an answer: a frozen Asterisk has much to catch up with."""
    async with asyncio.timeout(10):
        while await refused(client):
            await asyncio.sleep(POLL_SECONDS)


async def test_calls_outlive_a_freeze(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk stands still until the engine has given it up, and goes on: so do those who talk, and "
    "callers are served."""
    agents = [Agent("anna", LISTENER), Agent("ben", TALKER)]
    async with rig(provisioned, tmp_path, agents, options={"rest_deadline": "500ms"}) as it:
        await it.ready("anna")
        async with raw_caller(it.pbx.sip_port, "10001", "sales") as talking:
            await it.event(OfferAccepted)
            await it.talking()
            pid = it.pbx.pid
            assert pid is not None
            with frozen(pid):
                await it.connected(connected=False, seconds=15)
            await it.connected(seconds=15)
            await it.ready("ben")
            async with it.callers(CallSpec(caller="10002", dialled="sales")) as others:
                await it.event(InteractionCompleted, lambda each: each.agent_id == "ben")
                await others.finished(seconds=10)
            assert not talking.ended.is_set()
        completed = await it.event(InteractionCompleted, lambda each: each.agent_id == "anna")
        assert completed.by == "customer"
        await it.empty()


async def test_a_crowd_of_requests_keeps_to_the_cap(provisioned: Provisioned, tmp_path: Path) -> None:
    """300 originates at once: Asterisk would end what is beyond its `sessionlimit` of 100; all are carried out."""
    async with rig(provisioned, tmp_path, [], extra_config=NOBODY, proxied=True, connect=False) as it:
        before = it.proxy.accepted
        client = AriClient(f"http://127.0.0.1:{it.proxy.port}/ari", connections=MANY, deadline_seconds=20)
        client.log_in(it.pbx.ari_user, it.pbx.ari_password)
        try:
            body = {"endpoint": "Local/1@nobody/n", "extension": "1", "context": "nobody", "priority": 1}
            answers = await asyncio.gather(
                *(client.request("POST", f"channels/crowd-{number:03}", body) for number in range(MANY))
            )
            assert {(answer.status, answer.message) for answer in answers} == {(200, "")}
            assert 0 < it.proxy.accepted - before <= MAX_CONNECTIONS + len(("the engine's own", "WebSocket")) * 8
            ended = await asyncio.gather(
                *(client.request("DELETE", f"channels/crowd-{number:03}") for number in range(MANY))
            )
            assert {answer.status for answer in ended} <= {204, 404}
        finally:
            await client.close()
        await it.empty()


async def test_the_first_offers_leg_beside_the_tenths(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk 22 takes an id that another channel's begins with for taken; ours do not begin with each other."""
    async with rig(provisioned, tmp_path, [], extra_config=NOBODY) as it:
        leg = {"endpoint": "Local/1@nobody/n", "extension": "1", "context": "nobody", "priority": 1}
        for number in (10, 1, 100):
            await made(it, f"channels/{NAMES.leg(f'{INSTANCE}-1795254033.77.{number}')}", leg)
        assert len(await it.pbx.channels()) == 6


async def test_what_a_dead_engine_has_left_is_collected(provisioned: Provisioned, tmp_path: Path) -> None:
    """Channels and bridges of ours that belong to nobody any more are gone after the next start; a talk stays."""
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)], extra_config=NOBODY) as it:
        await it.ready("anna")
        async with raw_caller(it.pbx.sip_port, "10001", "sales") as talking:
            await it.event(OfferAccepted)
            await it.talking()
            await it.stop_engine(crash=True)
            gone = f"{INSTANCE}-1795254033.77"
            await made(it, f"bridges/{NAMES.talk(gone)}", {"type": "mixing"})
            leg = {"endpoint": "Local/1@nobody/n", "extension": "1", "context": "nobody", "priority": 1}
            await made(it, f"channels/{NAMES.leg(f'{gone}.1')}", leg)
            await it.start_engine()
            assert not [each for each in await it.pbx.bridges() if gone in each["id"]]
            async with asyncio.timeout(5):
                while [each for each in await it.pbx.channels() if gone in each["id"]]:
                    await asyncio.sleep(POLL_SECONDS)
            health = it.channel.health()
            assert (health["difference_orphaned-bridge"], health["difference_orphaned-channel"]) == (1, 1)
            assert not talking.ended.is_set()
        completed = await it.event(InteractionCompleted)
        assert completed.by == "customer"
        assert len(it.all(InteractionQueued)) == 1
        await it.empty()


async def test_comparisons_that_are_wanted_at_once_are_one_and_another(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    """One is under way, and may have looked too early for the second; it is as good for all the others."""
    async with rig(provisioned, tmp_path, []) as it:
        assert isinstance(it.channel, AsteriskChannel)
        before = it.channel._comparisons
        await asyncio.gather(*(it.channel.reconcile(()) for _ in range(5)))
        assert it.channel._comparisons == before + 2
        assert it.channel.health()["connected"]


async def made(it: Rig, path: str, body: object) -> None:
    """Something on the PBX, behind the engine's back."""
    auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
    async with (
        aiohttp.ClientSession(headers={"Authorization": auth}) as session,
        session.post(f"{it.pbx.ari_url}/{path}", json=body) as answer,
    ):
        assert answer.ok, await answer.text()
