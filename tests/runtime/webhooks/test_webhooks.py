"""Webhooks of a real Router to a real server: signed, in order, nothing lost, nothing of anybody else's trouble."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from acd.core.messages import InteractionQueued
from acd.errors import RouterClosed
from acd.runtime.config import Config, check_text, loads
from acd.runtime.events import Told
from acd.runtime.router import Router
from acd.runtime.webhooks.feeding import Webhooks
from acd.runtime.webhooks.signing import headers, id_of, key_of
from acd.testing import ManualClock
from tests.runtime.live import TEXT, call, sign_in
from tests.runtime.webhooks.receiver import Receiver, receiving

NEW = "whsec_" + "bmV3LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE="
OLD = "whsec_" + "b2xkLXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE="
SOON = 20.0


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def configured(base: Path, receiver: Receiver, *more: str) -> Config:
    for name, secret in (("new", NEW), ("old", OLD)):
        (base / name).write_text(secret + "\n")
        (base / name).chmod(0o600)
    hook = f'[webhooks.crm]\nurl = "{receiver.url}"\nsecret_file = "new"\n'
    return loads("\n".join((TEXT, hook, *more)), base=base)


def clock_of_now() -> ManualClock:
    """Stands still, but at a moment that a receiver accepts."""
    return ManualClock(time.time_ns() // 1_000)


def router_of(config: Config, clock: ManualClock | None = None) -> Router:
    return Router(config, channels=(), clock=clock or clock_of_now())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0)


def told(receiver: Receiver) -> list[str]:
    """Kinds of what has come."""
    return [json.loads(body)["type"].removeprefix("acd.") for _, body in receiver.got]


def numbers(receiver: Receiver) -> list[tuple[int, ...]]:
    return [tuple(map(int, json.loads(body)["id"].split("."))) for _, body in receiver.got]


async def test_an_event_is_posted_signed_as_a_cloudevent(tmp_path: Path, receiver: Receiver) -> None:
    async with router_of(configured(tmp_path, receiver)) as router:
        await router.submit(call(1))
        await until(lambda: len(receiver.got) == 1)
    got, body = receiver.got[0]
    event = Webhook(NEW).verify(body, got)
    assert (event["type"], event["subject"], event["source"]) == (
        "acd.interaction-queued",
        "call-1",
        "/domains/default",
    )
    assert got["Content-Type"] == "application/cloudevents+json"
    assert got["webhook-id"] == f"default-crm-{event['id'].replace('.', '-')}"
    for forged in (body + b" ", body.replace(b"call-1", b"call-2")):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(forged, got)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body, got)


async def test_while_a_secret_is_changed_both_verify(tmp_path: Path, receiver: Receiver) -> None:
    async with router_of(configured(tmp_path, receiver, 'old_secret_file = "old"')) as router:
        await router.submit(call(1))
        await until(lambda: len(receiver.got) == 1)
    got, body = receiver.got[0]
    assert Webhook(NEW).verify(body, got) == Webhook(OLD).verify(body, got)


async def test_filters_and_several_hooks(tmp_path: Path, receiver: Receiver) -> None:
    async with receiving() as other:
        more = f'kinds = ["offer-made"]\n[webhooks.own]\nurl = "{other.url}"\nsecret_file = "old"\nagents = ["boris"]'
        async with router_of(configured(tmp_path, receiver, more)) as router:
            await sign_in(router, "anna", "boris")
            await router.submit(call(1))
            await until(lambda: len(receiver.got) == 1 and len(other.got) == 2)
        assert told(receiver) == ["offer-made"]
        assert told(other) == ["presence-changed", "presence-changed"]
        assert Webhook(OLD).verify(other.got[0][1], other.got[0][0])


async def test_what_fails_is_tried_again_and_the_order_is_kept(tmp_path: Path, receiver: Receiver) -> None:
    clock = clock_of_now()
    receiver.answers = [500, 302, 429]
    async with router_of(configured(tmp_path, receiver), clock) as router:
        for number in range(5):
            await router.submit(call(number))
        await until(lambda: receiver.answers == [302, 429])
        while len(receiver.got) < 5:
            clock.advance(400_000_000)
            outgoing = router._outgoing
            assert outgoing._pump is not None
            outgoing._pump.wake()
            await asyncio.sleep(0)
        await until(lambda: router.health()["outbox"] == {"pending": 0, "dead": 0})
    assert numbers(receiver) == sorted(numbers(receiver))
    assert [json.loads(body)["subject"] for _, body in receiver.got] == [f"call-{number}" for number in range(5)]


async def test_a_receiver_that_wants_no_more_gets_dead_letters_which_can_be_tried_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [410]
    async with router_of(configured(tmp_path, receiver)) as router:
        await router.submit(call(1))
        await until(lambda: router.health()["outbox"] == {"pending": 0, "dead": 1})
        ((letter, error),) = await router.dead_letters()
        assert letter.destination == "webhook:crm"
        assert "410" in error
        assert not await router.resend("crm:0.0")
        assert await router.resend(letter.key)
        await until(lambda: len(receiver.got) == 1)
        assert await router.dead_letters() == ()


@pytest.mark.parametrize("crash", [True, False])
async def test_nothing_is_lost_over_restarts_and_nothing_is_posted_out_of_order(
    tmp_path: Path, receiver: Receiver, *, crash: bool
) -> None:
    config = configured(tmp_path, receiver, 'kinds = ["interaction-queued"]')
    for life in range(4):
        router = router_of(config)
        async with router:
            for number in range(6):
                await router.submit(call(f"{life}-{number}"))
            if crash:
                # As kill -9 would leave it: whatever was committed, fed or sent up to here.
                await router.abort()
    async with router_of(config):
        await until(lambda: len({body for _, body in receiver.got}) == 24)
    ids = [got["webhook-id"] for got, _ in receiver.got]
    first = list(dict.fromkeys(json.loads(body)["subject"] for _, body in receiver.got))
    assert first == [f"call-{life}-{number}" for life in range(4) for number in range(6)]
    assert len(set(ids)) == 24


async def test_what_was_committed_but_not_fed_is_told_from_the_journal(tmp_path: Path, receiver: Receiver) -> None:
    config = configured(tmp_path, receiver, 'kinds = ["interaction-queued"]')
    async with router_of(config) as router:
        await router.submit(call(1))
        await until(lambda: len(receiver.got) == 1)
    without = loads(TEXT, base=tmp_path)
    async with router_of(without) as router:
        for number in range(2, 12):
            await router.submit(call(number))
    async with router_of(config) as router:
        await router.submit(call(12))
        await until(lambda: len(receiver.got) == 12)
    assert [json.loads(body)["subject"] for _, body in receiver.got] == [f"call-{number}" for number in range(1, 13)]


async def test_a_hook_begins_with_what_happens_after_it_was_configured(tmp_path: Path, receiver: Receiver) -> None:
    async with router_of(loads(TEXT, base=tmp_path)) as router:
        await router.submit(call(1))
    async with router_of(configured(tmp_path, receiver, 'kinds = ["interaction-queued"]')) as router:
        await router.submit(call(2))
        await until(lambda: len(receiver.got) == 1)
    assert json.loads(receiver.got[0][1])["subject"] == "call-2"


async def test_an_event_that_is_too_large_comes_without_its_data(tmp_path: Path, receiver: Receiver) -> None:
    config = configured(tmp_path, receiver)
    router = router_of(config)
    hooks = Webhooks(config.webhooks, "default", router.events, lambda: 0)
    attributes = tuple((f"k{number}", "话" * 500) for number in range(64))
    event = InteractionQueued("c", "chat", "sales", "", 0, attributes, "ref", "pbx")
    (message,) = hooks._messages(Told(1, 0, 0, event, ("sales",)))
    found = json.loads(message.payload)
    assert (found["subject"], found["data"]) == ("c", None)
    await hooks.close()


def test_secrets_and_ids() -> None:
    assert key_of(NEW) == b"new-secret-of-thirty-two-bytes!!"
    assert key_of(NEW.removeprefix("whsec_").rstrip("=")) == key_of(NEW)
    for wrong in ("", "whsec_", "whsec_c2hvcnQ=", "not base64 at all, but long enough to be one", "A" * 200):
        assert key_of(wrong) is None
    assert id_of("crm:1042.1") == "crm-1042-1"
    assert headers([b"k"], "id", 5, b"{}")["webhook-signature"].startswith("v1,")


CASES = {
    'secret_file = "new"': "has no url",
    'url = "https://x.example/"': "has no secret_file",
    'url = "ftp://x.example/"\nsecret_file = "new"': "is not an address",
    'url = "https://a:b@x.example/"\nsecret_file = "new"': "has a user or password in it",
    'url = "https://[x/"\nsecret_file = "new"': "is not an address",
    'url = "https://x.example/"\nsecret_file = "bad"': "does not hold a secret of Standard Webhooks",
    'url = "https://x.example/"\nsecret_file = "none"': "there is no file",
    'url = "https://x.example/"\nsecret_file = "new"\nkinds = ["offer-mode"]': 'did you mean "offer-made"',
    'url = "https://x.example/"\nsecret_file = "new"\ntimeout = "1h"': "out of range",
    'url = "https://x.example/"\nsecret_file = "new"\nretries = 3': "is not a key here",
}


@pytest.mark.parametrize("text", CASES)
def test_the_configuration_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "new").write_text(NEW)
    (tmp_path / "bad").write_text("a secret that is no secret")
    for name in ("new", "bad"):
        (tmp_path / name).chmod(0o600)
    (problem,) = map(str, check_text(f"[webhooks.crm]\n{text}\n", base=tmp_path).errors)
    assert problem.startswith("acd.toml:")
    assert "webhooks.crm" in problem
    assert CASES[text] in problem
    assert "a secret that" not in problem


def test_a_hook_in_clear_is_worth_a_warning(tmp_path: Path) -> None:
    (tmp_path / "new").write_text(NEW)
    (tmp_path / "new").chmod(0o600)
    text = '[webhooks.crm]\nurl = "http://crm.example.com/"\nsecret_file = "new"\nqueues = ["sales"]\ntimeout = 2.5\n'
    report = check_text(text, base=tmp_path)
    assert report.config is not None
    (hook,) = report.config.webhooks
    assert (hook.name, hook.queues, hook.timeout_us) == ("crm", ("sales",), 2_500_000)
    assert "is not encrypted" in str(report.warnings[0])
    assert NEW not in repr(report.config)


async def test_how_a_webhook_stands(tmp_path: Path, receiver: Receiver) -> None:
    clock = clock_of_now()
    async with router_of(configured(tmp_path, receiver, 'kinds = ["interaction-queued"]'), clock) as router:
        (standing,) = await router.webhooks.standing()
        assert (standing.hook.name, standing.state, standing.line.pending) == ("crm", "idle", 0)
        assert (standing.tried.succeeded_at_us, standing.tried.failed_at_us) == (0, 0)
        await router.submit(call(1))
        await until(lambda: len(receiver.got) == 1)
        await until(lambda: router.health()["outbox"] == {"pending": 0, "dead": 0})
        (standing,) = await router.webhooks.standing()
        assert (standing.state, standing.unfed) == ("idle", 0)
        assert str(standing.cursor) == str(router.seq)
        assert standing.tried.succeeded_at_us == clock.wall_us()
        receiver.answers = [500]
        await router.submit(call(2))
        await router.submit(call(3))
        await until(lambda: receiver.answers == [])
        while (standing := (await router.webhooks.standing())[0]).state != "retrying" or standing.line.pending < 2:
            await asyncio.sleep(0)
        assert (standing.line.attempts, standing.line.dead) == (1, 0)
        assert standing.line.retry_at_us > router.now_us()
        assert (standing.tried.failed_at_us, standing.tried.error) == (clock.wall_us(), "the receiver answers 500")
        assert standing.unfed == 0


async def test_a_ping_is_signed_as_all_are_and_passes_the_line(tmp_path: Path, receiver: Receiver) -> None:
    async with router_of(configured(tmp_path, receiver)) as router:
        found = await router.webhooks.ping("crm")
        assert found is not None
        assert (found.delivered, found.status, found.error) == (True, 200, "")
        receiver.answers = [503]
        found = await router.webhooks.ping("crm")
        assert found is not None
        assert (found.delivered, found.status) == (False, 503)
        assert await router.webhooks.ping("cms") is None
        (standing,) = await router.webhooks.standing()
        assert (standing.line.dead, standing.tried.succeeded_at_us, standing.tried.failed_at_us) == (0, 0, 0)
    ((got, body),) = receiver.got
    assert Webhook(NEW).verify(body, got)["type"] == "acd.ping"
    with pytest.raises(RouterClosed):
        await router.webhooks.ping("crm")


async def test_a_ping_that_nobody_hears_says_how_and_nothing_of_the_address(tmp_path: Path, receiver: Receiver) -> None:
    config = configured(tmp_path, receiver)
    (hook,) = config.webhooks
    nowhere = replace(config, webhooks=(replace(hook, url=f"http://127.0.0.1:{unused_port()}/?key=canary"),))
    async with router_of(nowhere) as router:
        found = await router.webhooks.ping("crm")
    assert found is not None
    assert (found.delivered, found.status) == (False, 0)
    assert found.error.startswith("Client")
    assert "canary" not in found.error
