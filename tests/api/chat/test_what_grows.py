"""Nothing grows with customers who come, write and go, but histories of bounded length, each named here."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.runtime.chat.channel import WebChatChannel
from tests.api.chat.pages import Page
from tests.api.harness import Http, MemoryRouter
from tests.kept import kept
from tests.runtime.chat.chats import Host, options

FIRST, MORE = 10, 40
HISTORIES = frozenset({"Rooms._ended", "Conversation.entries", "Conversation._numbers", "ChatStore._keys"})
"""As many conversations as `rooms.MAX_ENDED` says, and `store.MAX_KEYS` keys."""


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def shop(router: MemoryRouter, host: Host, tmp_path: Path) -> AsyncIterator[WebChatChannel]:
    channel = WebChatChannel("shop", options(tmp_path))
    router.channels["shop"] = channel
    await channel.start(host)
    yield channel
    await channel.stop()


async def test_nothing_grows_with_customers(http: Http, shop: WebChatChannel, host: Host) -> None:
    def there() -> Counter[str]:
        return kept([shop, *http.app.values()])

    await visit(http, shop, host, range(FIRST))
    before = there()
    await visit(http, shop, host, range(FIRST, FIRST + MORE))
    grown = there()
    grown.subtract(before)
    assert {place for place, count in grown.items() if count >= MORE / 4} == HISTORIES


async def visit(http: Http, shop: WebChatChannel, host: Host, numbers: range) -> None:
    for number in numbers:
        page = Page(http, address=f"10.0.0.{number}")
        await page.connect()
        await page.say("begin", id="b")
        done = await page.until("done", id="b")
        await page.until("conversation", id=done["conversation"])
        await page.write("hello")
        await page.until("entry", seq=1)
        host.wished.clear()
        await shop.reconcile(())
        await page.until("entry", seq=2)
        await page.ws.close()
        await shop.sweep()
        host.ahead_us += 60_000_000
