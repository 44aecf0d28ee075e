"""When a PBX does not answer, what failed is gone when it has been told of: nothing of it waits for the collector."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import CancelInteraction, InteractionCompleted, InteractionQueued
from acd.testing.recording_host import RecordingHost
from acd_asterisk.abreast import abreast
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import Prompts, Question
from acd_asterisk.socket_requests import SocketClosed, SocketRequests
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import Agent, rig, until
from tests.adapters.asterisk.stand_in import StandInAri
from tests.circles import circles

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")


def unanswered(_method: str, _path: str) -> AriUnavailable:
    """As the client puts it, each time anew."""
    return AriUnavailable("no answer within the deadline")


class Known:
    """Something that whoever asked knew."""


async def test_one_of_many_fails() -> None:
    async def act(number: int) -> Known:
        known = Known()
        await asyncio.sleep(0)
        if number % 3 == 2:
            raise AriUnavailable(str(number))
        return known

    with circles() as found:
        for _ in range(3):
            with pytest.raises(AriUnavailable):
                await abreast(act, range(9))
        await asyncio.sleep(0)
    assert not _of(found, Known, asyncio.Task)


async def test_the_connection_ends_before_the_answer() -> None:
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    async def ask(requests: SocketRequests) -> None:
        known = Known()
        with pytest.raises(SocketClosed):
            await requests.ask("GET", "channels")
        assert type(known) is Known

    with circles() as found:
        requests = SocketRequests(send)
        asking = [asyncio.create_task(ask(requests)) for _ in range(3)]
        while len(sent) < len(asking):
            await asyncio.sleep(0)
        requests.close()
        await asyncio.gather(*asking)
        asking.clear()
    assert not _of(found, Known, asyncio.Task, asyncio.Future)


async def test_a_request_that_is_not_answered_in_time() -> None:
    """A deadline knows the task that it is for, and the task knows its error."""
    over = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = AriClient(f"http://127.0.0.1:{port}/ari", connections=10, deadline_seconds=0.1)
    client.log_in("acd", "x")
    with circles() as found:
        asking = [asyncio.create_task(client.request("GET", "channels")) for _ in range(3)]
        await asyncio.wait(asking)
        assert all(isinstance(task.exception(), AriUnavailable) for task in asking)
        asking.clear()
    await client.close()
    over.set()
    server.close()
    assert not _of(found, AriUnavailable, TimeoutError, asyncio.Task)


async def test_callers_who_could_not_be_put_to_wait() -> None:
    """A call knows the task that was to do it."""
    ari = StandInAri(unanswered)
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(RecordingHost(lambda _agent, _channel: "PJSIP/anna"))
    orders = Orders(desk, Switchboard(ari.client, NAMES, OPTIONS), Prompts(ari.client, NAMES, "pbx1"))
    with circles() as found:
        for number in range(3):
            await _come_and_go(desk, orders, AriChannel(f"1795254033.{number}", "Up"))
    await desk.stop()
    assert not _of(found, Call, Leg, asyncio.Task)


async def _come_and_go(desk: Desk, orders: Orders, channel: AriChannel) -> None:
    call = desk.add(NAMES.interaction(channel.id), channel)
    call.add_leg(Leg(f"{call.interaction_id}.1", "anna"))
    orders.park(call)
    orders.make_bridge(call)
    assert call.parking is not None
    assert call.bridging is not None
    await asyncio.wait((call.parking, call.bridging))
    await asyncio.sleep(0)
    desk.forget(call)


async def test_a_question_that_could_not_be_put() -> None:
    prompts = Prompts(StandInAri(unanswered).client, NAMES, "pbx1")
    with circles() as found:
        for _ in range(3):
            with pytest.raises(AriUnavailable):
                await prompts.ask("1795254033.0", Question(media=("sound:beep",), most=1))
            await asyncio.sleep(0)
            prompts.forget("1795254033.0")
    assert not _of(found, asyncio.Task)


async def test_of_calls_on_a_real_pbx_nothing_is_left_in_circles(provisioned: Provisioned, tmp_path: Path) -> None:
    """Neither of those that come to their end, nor where the connection is cut under them."""
    talker = AgentBehaviour(ring_ms=100, talk_ms=200, hang_up_chance=1.0)
    specs = [CallSpec(caller=f"1000{number}", dialled="sales") for number in range(6)]
    async with rig(provisioned, tmp_path, [Agent("anna", talker)], proxied=True) as it:
        with circles() as found:
            async with it.callers(*specs, rate=20.0) as callers:
                await it.ready("anna")
                await until(lambda: len(it.all(InteractionCompleted)) >= 2, lambda: str(it.events))
                await until(lambda: len(it.all(InteractionQueued)) == len(specs), lambda: str(it.events))
                it.proxy.stall()
                asked, left = it.channel.health()["requests"], tuple(it.router.view.interactions)
                for interaction_id in left:
                    await it.router.submit(CancelInteraction(it.router.new_id(), interaction_id, reason="closed"))
                await until(lambda: it.channel.health()["requests"] != asked, lambda: str(it.channel.health()))
                await it.proxy.cut()
                it.proxy.flow()
                await callers.finished(seconds=20)
            await it.empty()
            await it.connected()
            assert it.channel.health()["requests_unanswered"]
    assert not _of(found, Call, Leg)
    futures = [each for each in found if isinstance(each, asyncio.Future) and each.done() and not each.cancelled()]
    assert not [each for each in futures if isinstance(each.exception(), AriUnavailable | SocketClosed)]


def _of(found: list[object], *kinds: type) -> list[object]:
    return [each for each in found if isinstance(each, kinds)]
