"""The pump: retries, order, isolation of a dead destination, acknowledgements. The clock is a number."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acd.errors import DeliveryRefused, OutboxError
from acd.ports.stores import OutboxMessage
from acd.runtime.outbox import Outbox
from acd.runtime.pump import MAX_LINES, OutboxPump, exponential_backoff

SOON = 20.0


class FarEnd:
    """A sender that keeps what it got and fails as told."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.tried: list[str] = []
        self.failures: dict[str, Exception] = {}

    async def send(self, message: OutboxMessage) -> None:
        self.tried.append(message.key)
        if message.destination in self.failures:
            raise self.failures[message.destination]
        self.got.append(message.key)


class Rig:
    def __init__(self, path: Path) -> None:
        self.outbox = Outbox(path, max_attempts=3)
        self.now_us = 0
        self.far = FarEnd()
        self.done: list[str] = []
        self.dead: list[str] = []
        self.pump = self.new_pump()

    def new_pump(self, send_seconds: float = SOON) -> OutboxPump:
        pump = OutboxPump(
            self.outbox,
            lambda: self.now_us,
            lambda failures: 1_000 * failures,
            send_seconds=send_seconds,
            on_done=self.on_done,
            on_dead=self.on_dead,
        )
        pump.register("sms", self.far.send)
        pump.register("hook", self.far.send)
        return pump

    async def on_done(self, key: str) -> None:
        self.done.append(key)

    async def on_dead(self, key: str) -> None:
        self.dead.append(key)

    def put(self, destination: str, *keys: str) -> None:
        self.outbox.put_many([OutboxMessage(key, destination, b"") for key in keys])


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "outbox")
    with closing(rig.outbox):
        yield rig


async def test_delivers_in_order_acknowledges_and_forgets(rig: Rig) -> None:
    keys = [f"k{n}" for n in range(40)]
    rig.put("sms", *keys)
    await rig.pump.deliver_due()
    assert rig.far.got == rig.done == keys
    assert rig.outbox.counts() == (0, 0)
    rig.put("sms", *keys)
    await rig.pump.deliver_due()
    assert rig.far.got == keys


async def test_a_failed_message_holds_its_line_until_the_retry(rig: Rig) -> None:
    rig.far.failures["sms"] = ConnectionError("down")
    rig.put("sms", "a", "b")
    await rig.pump.deliver_due()
    assert rig.far.tried == ["a"]
    rig.now_us = 999
    await rig.pump.deliver_due()
    assert rig.far.tried == ["a"]
    rig.far.failures.clear()
    rig.now_us = 1_000
    await rig.pump.deliver_due()
    assert rig.far.got == rig.done == ["a", "b"]


async def test_a_dead_destination_blocks_nobody_else_and_ends_in_dead_letters(rig: Rig) -> None:
    rig.far.failures["hook:down"] = ConnectionError("down")
    rig.put("hook:down", "d0", "d1")
    rig.put("hook:up", "u0", "u1")
    for _ in range(6):
        await rig.pump.deliver_due()
        rig.now_us += 10_000
    assert rig.far.got == ["u0", "u1"]
    assert rig.far.tried.count("d0") == rig.far.tried.count("d1") == 3
    assert rig.dead == ["d0", "d1"]
    assert rig.outbox.counts() == (0, 2)
    assert rig.outbox.dead()[0][1] == "ConnectionError: down"


async def test_a_slow_destination_blocks_nobody_else(rig: Rig) -> None:
    slow = asyncio.Event()

    async def wait(_message: OutboxMessage) -> None:
        await slow.wait()

    rig.pump.register("slow", wait)
    for n in range(MAX_LINES - 1):
        rig.put(f"slow:{n}", *(f"s{n}.{i}" for i in range(3)))
    rig.put("sms", "quick")
    arrived = asyncio.Event()

    async def arrive(_message: OutboxMessage) -> None:
        arrived.set()

    rig.pump.register("sms", arrive)
    delivering = asyncio.create_task(rig.pump.deliver_due())
    await asyncio.wait_for(arrived.wait(), SOON)
    slow.set()
    await asyncio.wait_for(delivering, SOON)
    assert rig.outbox.counts() == (0, 0)


async def test_a_refusal_is_final_and_the_line_goes_on(rig: Rig) -> None:
    async def refuse(message: OutboxMessage) -> None:
        if message.key == "a":
            raise DeliveryRefused("410 Gone")
        rig.far.got.append(message.key)

    rig.pump.register("sms", refuse)
    rig.put("sms", "a", "b")
    await rig.pump.deliver_due()
    assert (rig.dead, rig.done, rig.far.got) == (["a"], ["b"], ["b"])


async def test_a_sender_that_hangs_is_given_up_and_tried_again(rig: Rig) -> None:
    pump = rig.new_pump(send_seconds=0.01)

    async def hang(_message: OutboxMessage) -> None:
        await asyncio.Event().wait()

    pump.register("sms", hang)
    rig.put("sms", "a")
    await pump.deliver_due()
    assert rig.outbox.next_retry_us() == 1_000
    assert rig.done == []


async def test_a_message_whose_acknowledgement_fails_is_sent_again(rig: Rig) -> None:
    async def refuse(_key: str) -> None:
        raise RuntimeError("not now")

    pump = OutboxPump(rig.outbox, lambda: rig.now_us, lambda _: 1, on_done=refuse)
    pump.register("sms", rig.far.send)
    rig.put("sms", "a")
    await pump.deliver_due()
    rig.now_us = 1
    await rig.pump.deliver_due()
    assert rig.far.got == ["a", "a"]
    assert rig.done == ["a"]


async def test_a_dead_letter_whose_announcement_fails_is_dead_all_the_same(rig: Rig) -> None:
    async def refuse(_key: str) -> None:
        raise RuntimeError("not now")

    rig.far.failures["sms"] = DeliveryRefused("no")
    pump = OutboxPump(rig.outbox, lambda: rig.now_us, lambda _: 1, on_dead=refuse)
    pump.register("sms", rig.far.send)
    rig.put("sms", "a")
    await pump.deliver_due()
    assert rig.outbox.counts() == (0, 1)


async def test_a_kind_without_a_sender_waits_for_one(rig: Rig) -> None:
    rig.put("fax:1", "f")
    rig.put("sms", "a")
    await rig.pump.deliver_due()
    assert rig.far.got == ["a"]
    assert rig.outbox.due(0, 1)[0] == OutboxMessage("f", "fax:1", b"", 0)
    rig.pump.register("fax", rig.far.send)
    await rig.pump.deliver_due()
    assert rig.far.got == ["a", "f"]


async def test_nothing_of_a_failure_is_logged_but_its_kind(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.far.failures["sms"] = ValueError("could not send to 13812345678")
    rig.put("sms", "a")
    await rig.pump.deliver_due()
    text = capsys.readouterr().out
    assert "ValueError" in text
    assert "13812345678" not in text


async def test_run_delivers_what_is_put_later_retries_by_itself_and_stops(rig: Rig) -> None:
    arrived = asyncio.Queue[str]()
    attempts = 0

    async def send(message: OutboxMessage) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            raise ConnectionError("once")
        arrived.put_nowait(message.key)

    # A millisecond passes with every look at the clock.
    pump = OutboxPump(rig.outbox, itertools.count(0, 1_000).__next__, lambda _: 5_000)
    pump.register("sms", send)
    running = asyncio.create_task(pump.run())
    for key in ("a", "b", "c"):
        rig.put("sms", key)
        pump.wake()
        assert await asyncio.wait_for(arrived.get(), SOON) == key
    await pump.stop()
    await asyncio.wait_for(running, SOON)
    assert attempts == 4


async def test_stop_abandons_what_hangs_and_it_is_sent_again_after_a_restart(rig: Rig) -> None:
    begun = asyncio.Event()

    async def hang(_message: OutboxMessage) -> None:
        begun.set()
        await asyncio.Event().wait()

    rig.pump.register("sms", hang)
    rig.put("sms", "a")
    running = asyncio.create_task(rig.pump.run())
    await asyncio.wait_for(begun.wait(), SOON)
    await rig.pump.stop(grace_seconds=0.0)
    await asyncio.wait_for(running, SOON)
    await rig.new_pump().deliver_due()
    assert rig.far.got == rig.done == ["a"]


async def test_an_outbox_that_cannot_be_used_is_tried_again_with_backoff(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = 2
    due = rig.outbox.due

    def sometimes(*arguments: object, **more: object) -> object:
        nonlocal failing
        if failing:
            failing -= 1
            raise OutboxError("the disk is full")
        return due(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.outbox, "due", sometimes)
    arrived = asyncio.Event()

    async def send(_message: OutboxMessage) -> None:
        arrived.set()

    rig.pump.register("sms", send)
    rig.put("sms", "a")
    running = asyncio.create_task(rig.pump.run())
    await asyncio.wait_for(arrived.wait(), SOON)
    await rig.pump.stop()
    await running


def test_the_backoff_doubles_within_bounds() -> None:
    least = exponential_backoff(lambda: 0.0, 1.0, 10.0)
    most = exponential_backoff(lambda: 1.0, 1.0, 10.0)
    assert [least(n) for n in (1, 2, 3, 4, 5, 500)] == [500_000, 1_000_000, 2_000_000, 4_000_000, 5_000_000, 5_000_000]
    assert [most(n) for n in (1, 2, 3, 4, 5, 500)] == [10**6, 2 * 10**6, 4 * 10**6, 8 * 10**6, 10**7, 10**7]
