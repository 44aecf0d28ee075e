"""Outward messages of a real Router: durable, delivered after a restart, and nobody else's trouble."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acd.errors import DeliveryRefused, OutboxError, RouterClosed
from acd.ports.stores import OutboxMessage, Sender
from acd.runtime.config import Config, check_text
from acd.runtime.journal import MemoryJournal
from acd.runtime.outbox import Outbox
from acd.runtime.outgoing import LONGEST_REST_US
from acd.runtime.router import Router
from acd.testing import ManualClock
from tests.runtime.live import HOUR, TEXT, call, configuration, idle

WITH_OUTBOX = TEXT + '[outbox]\npath = "out.db"\n'


class FarEnd:
    """Takes messages, unless it is told not to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.tried = 0
        self.trouble: BaseException | None = None
        self.hanging = False

    async def __call__(self, message: OutboxMessage) -> None:
        self.tried += 1
        if self.hanging:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        self.got.append((message.key, message.payload))


def router_with(config: Config, *, clock: ManualClock | None = None, **senders: Sender) -> Router:
    return Router(config, journal=MemoryJournal(), clock=clock or ManualClock(), channels=(), senders=senders)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_posted_is_delivered_once_and_counted(tmp_path: Path) -> None:
    far = FarEnd()
    async with router_with(configuration(tmp_path, WITH_OUTBOX), webhook=far) as router:
        assert await router.post("k1", "webhook:crm", b"one") is True
        assert await router.post("k1", "webhook:crm", b"one") is False
        assert await router.post("k2", "webhook:crm", b"two") is True
        await until(lambda: router.health()["outbox"] == {"pending": 0, "dead": 0})
    assert far.got == [("k1", b"one"), ("k2", b"two")]
    assert (tmp_path / "out.db").is_file()


async def test_senders_alone_open_the_outbox_in_its_usual_place(tmp_path: Path) -> None:
    async with router_with(configuration(tmp_path), sms=FarEnd()) as router:
        assert router.health()["outbox"] == {"pending": 0, "dead": 0}
    assert (tmp_path / "acd-outbox.db").is_file()


async def test_without_an_outbox_posting_says_what_to_do(tmp_path: Path) -> None:
    async with router_with(configuration(tmp_path)) as router:
        assert router.health()["outbox"] is None
        with pytest.raises(OutboxError, match=r"add \[outbox\] to the configuration, or give the Router senders"):
            await router.post("k", "webhook", b"")
    assert not (tmp_path / "acd-outbox.db").exists()


async def test_what_was_not_delivered_is_delivered_after_a_restart(tmp_path: Path) -> None:
    config = configuration(tmp_path, WITH_OUTBOX)
    async with router_with(config) as router:
        await router.post("k1", "webhook", b"nobody sends yet")
    far = FarEnd()
    far.hanging = True
    async with router_with(config, webhook=far) as router:
        await until(lambda: far.tried == 1)
        await router.abort()
    far.hanging = False
    async with router_with(config, webhook=far) as router:
        await until(lambda: router.health()["outbox"] == {"pending": 0, "dead": 0})
        assert await router.post("k1", "webhook", b"") is False, "it is known for good"
    assert far.got == [("k1", b"nobody sends yet")]


async def test_a_rest_does_not_last_longer_because_the_clock_was_set_back(tmp_path: Path) -> None:
    config, far, clock = configuration(tmp_path, WITH_OUTBOX), FarEnd(), ManualClock()
    ahead = ManualClock(clock.wall_us() + HOUR)
    far.trouble = ConnectionError("down")
    async with router_with(config, clock=ahead, webhook=far) as router:
        await router.post("k1", "webhook", b"")
        await until(lambda: far.tried == 1)
    # (the journal in memory is gone with its last stamp, as if the engine had been idle for that hour)
    async with router_with(config, clock=clock, webhook=far):
        pass
    with closing(Outbox(tmp_path / "out.db")) as outbox:
        retry_us = outbox.next_retry_us()
        assert retry_us is not None
        assert retry_us <= clock.wall_us() + LONGEST_REST_US


@pytest.mark.parametrize(
    "trouble", [ConnectionError("down"), ZeroDivisionError("a bug"), asyncio.CancelledError(), DeliveryRefused("no")]
)
async def test_whatever_a_sender_raises_commands_go_on(tmp_path: Path, trouble: BaseException) -> None:
    far, good = FarEnd(), FarEnd()
    far.trouble = trouble
    async with router_with(configuration(tmp_path, WITH_OUTBOX), webhook=far, sms=good) as router:
        await router.post("k1", "webhook", b"")
        await until(lambda: far.tried == 1)
        assert (await router.submit(call(1))).refusal is None
        await router.post("k2", "sms", b"")
        await until(lambda: bool(good.got))
        await idle()
        assert far.tried == 1, "it rests, and is not tried in a loop"
        dead = isinstance(trouble, DeliveryRefused)
        await until(lambda: router.health()["outbox"] == {"pending": 1 - dead, "dead": int(dead)})
        assert router.health()["ready"] is True


async def test_a_sender_that_hangs_does_not_hold_up_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.runtime.outgoing.GRACE_SECONDS", 0.01)
    far = FarEnd()
    far.hanging = True
    async with asyncio.timeout(5):
        async with router_with(configuration(tmp_path, WITH_OUTBOX), webhook=far) as router:
            await router.post("k1", "webhook", b"")
            await until(lambda: far.tried == 1)
        with pytest.raises(RouterClosed):
            await router.post("k2", "webhook", b"")


async def test_a_router_that_has_not_started_takes_no_message(tmp_path: Path) -> None:
    with pytest.raises(RouterClosed, match="has not started"):
        await router_with(configuration(tmp_path, WITH_OUTBOX)).post("k", "webhook", b"")


async def test_an_outbox_in_use_keeps_the_router_from_starting_and_leaves_nothing_open(tmp_path: Path) -> None:
    config = configuration(tmp_path, WITH_OUTBOX)
    with closing(Outbox(tmp_path / "out.db")), pytest.raises(OutboxError, match="is in use by process"):
        async with router_with(config):
            pytest.fail("it started")
    async with router_with(config) as router:
        assert await router.post("k", "webhook", b"") is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[outbox]\npth = 'x'", 'outbox.pth: is not a key here; did you mean "path"?'),
        ("[outbox]\npath = 3", "outbox.path: 3 is not a text; write it in quotes"),
        ("[outbox]\npath = 'acd-journal.db'", "outbox.path: is the same file as journal.path; give each a file of its"),
        ("[personal]\npath = 'o.db'\n[outbox]\npath = 'o.db'", "outbox.path: is the same file as personal.path; give"),
    ],
)
def test_a_wrong_section_is_found_by_the_check(text: str, said: str, tmp_path: Path) -> None:
    (problem,) = check_text(text, base=tmp_path).errors
    assert said in str(problem)
