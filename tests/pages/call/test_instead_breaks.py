"""A call out of the chat window when things break: cut networks, an engine that is killed, reloads in line."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from acd.api.call_files import FILES as CALL_FILES
from acd.api.widget import FILES as WIDGET_FILES
from tests.pages.call.instead import NOTING, Caller, calling_shop, interactions
from tests.pages.call.sides import Agent
from tests.pages.checker import Checker
from tests.pages.shop import Agent as ByApi
from tests.pages.shop import Shop, expect
from tests.pages.wire import Wire, wired

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

PAGES: Final = Path(__file__).parents[3] / "acd" / "pages"
MOST_BYTES: Final = 60_000
LONG_MS: Final = 60_000


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with calling_shop(tmp_path) as found:
        yield found


@pytest.fixture
def wire(shop: Shop) -> Iterator[Wire]:
    """Between the customer's browser and acd; sound goes past it, from browser to browser."""
    with wired(shop.centre.address) as found:
        shop.address = found.address
        yield found


@pytest.fixture
def window(somebody: Somebody, shop: Shop, wire: Wire) -> Iterator[Caller]:
    assert wire.address == shop.address
    context = somebody()
    context.add_init_script(NOTING)
    window = Caller(context, shop)
    window.visit()
    yield window
    assert window.noted == []


@pytest.fixture
def anna(somebody: Somebody, shop: Shop) -> Agent:
    return Agent(somebody(), shop.centre).open("anna").is_ready()  # type: ignore[arg-type]


def talks(window: Caller, anna: Agent, shop: Shop) -> tuple[str, str]:
    """Conversation and call with the same agent."""
    window.open().writes("Hello")
    conversation = ByApi(shop.centre).accepts()
    window.calls()
    call = anna.answers()
    window.says_call("In a call: Anna W.")
    window.hears()
    return conversation, call


def test_a_cut_network_is_said_and_the_call_goes_on(window: Caller, anna: Agent, shop: Shop, wire: Wire) -> None:
    _, call = talks(window, anna, shop)
    wire.stall()
    expect(window.dialog.locator(".calls .problem")).to_have_text(
        "No connection. The call goes on as soon as it is back.", timeout=LONG_MS
    )
    anna.hears()
    wire.flow()
    expect(window.dialog.locator(".calls .problem")).to_have_text("", timeout=LONG_MS)
    window.says_call("In a call: Anna W.")
    window.hears()
    anna.hears()
    window.writes("Are you there?")
    window.last_state("Sent")
    assert [each["id"] for each in interactions(shop) if each["channel"] == "voice"] == [call]


def test_cuts_while_the_call_begins_make_one_call(window: Caller, shop: Shop, wire: Wire) -> None:
    """The ticket is good once, so that a page which does not know what became of it needs another one."""
    window.open().writes("Hello")
    window.stands(re.compile(r"^You are number 1 in line"))
    cuts: list[str] = []

    def said(text: str) -> None:
        if '"continues"' in text and not cuts:
            cuts.append(text)
            wire.cut()  # whether it has arrived or not, there is no answer

    window.page.on("websocket", lambda socket: socket.on("framesent", lambda text: said(str(text))))
    window.calls()
    window.says_call(re.compile(r"in line for a call"))
    assert cuts
    assert [each["channel"] for each in interactions(shop)] == ["voice"]
    wire.cut()
    window.says_call(re.compile(r"in line for a call"))
    window.button("Hang up").click()
    window.says_over("You have hung up.")
    assert interactions(shop) == []


def test_a_reload_in_line_keeps_the_place(window: Caller, somebody: Somebody, shop: Shop) -> None:
    window.open().writes("Hello")
    window.stands(re.compile(r"^You are number 1 in line"))
    window.calls()
    window.says_call(re.compile(r"number 1 in line for a call"))
    (before,) = interactions(shop)
    window.reload()
    window.says_call(re.compile(r"number 1 in line for a call"))
    (after,) = interactions(shop)
    assert after["id"] == before["id"]
    anna = Agent(somebody(), shop.centre).open("anna").is_ready()  # type: ignore[arg-type]
    assert anna.answers() == before["id"]
    window.hears()


def test_an_engine_that_is_killed_ends_no_call(window: Caller, anna: Agent, shop: Shop) -> None:
    conversation, call = talks(window, anna, shop)
    shop.centre.served.kill()
    window.hears()
    shop.centre.begin_anew()
    window.says_call("In a call: Anna W.")
    expect(window.dialog.locator(".calls .problem")).to_have_text("", timeout=LONG_MS)
    window.hears()
    assert {each["id"] for each in interactions(shop)} == {conversation, call}


def test_an_engine_that_is_killed_keeps_the_text_before_whoever_takes_the_call(
    window: Caller, somebody: Somebody, shop: Shop
) -> None:
    """The chat has ended; the engine has forgotten it, but for the call in its place."""
    window.open().writes("Where is my parcel?")
    window.stands(re.compile(r"^You are number 1 in line"))
    (chat,) = interactions(shop)
    window.calls()
    window.says_call(re.compile(r"number 1 in line for a call"))
    (call,) = interactions(shop)
    shop.centre.begin_anew()
    window.says_call(re.compile(r"number 1 in line for a call"))
    window.says("You call us instead.")
    anna = Agent(somebody(), shop.centre).open("anna").is_ready()  # type: ignore[arg-type]
    boris = Agent(somebody(), shop.centre).open("boris")  # type: ignore[arg-type]
    assert anna.answers() == call["id"]
    window.hears()
    (item,) = anna.do("() => ask('GET', '/v1/agents/anna/work')")["body"]["items"]
    assert item["continues"] == chat["id"]
    said = anna.do(f"() => ask('GET', '/v1/agents/anna/conversations/{chat['id']}')")
    assert said["status"] == 200
    assert [each["text"] for each in said["body"]["entries"] if each["kind"] == "message"] == ["Where is my parcel?"]
    assert boris.do(f"() => ask('GET', '/v1/agents/boris/conversations/{chat['id']}')")["status"] in {403, 404}
    # And writes to the customer besides.
    body = {"channel": "shop", "visitor": said["body"]["conversation"]["visitor"], "id": "i-1", "text": "Here it is."}
    assert boris.do("(body) => ask('POST', '/v1/agents/boris/conversations', body)", body)["status"] in {403, 404}
    assert anna.do("(body) => ask('POST', '/v1/agents/anna/conversations', body)", body)["status"] == 201
    window.shows(["Here it is."])


def test_an_agent_who_hangs_up_leaves_the_chat_and_another_call_can_be_made(
    window: Caller, anna: Agent, shop: Shop
) -> None:
    conversation, first = talks(window, anna, shop)
    anna.do("() => call.hangUp()")
    window.says_over("The call has ended.")
    window.button("Call again").click()
    second = anna.answers()
    window.hears()
    assert second != first
    assert {each["id"] for each in interactions(shop)} == {conversation, second}


def test_all_of_it_by_keyboard_and_nothing_is_loaded_before_the_click(window: Caller, anna: Agent, shop: Shop) -> None:
    loaded: list[str] = []
    window.page.on("request", lambda request: loaded.append(request.url))
    window.open().writes("Hello")
    ByApi(shop.centre).accepts()
    begin = window.button("Call instead")
    expect(begin).to_be_visible()
    assert not [each for each in loaded if "/pages/call/" in each]
    begin.focus()
    window.page.keyboard.press("Enter")
    expect(window.button("Hang up")).to_be_focused()
    anna.answers()
    window.says_call("In a call: Anna W.")
    expect(window.standing).to_have_attribute("role", "status")
    assert [each for each in loaded if "/pages/call/" in each]
    checker = Checker(window.page)
    checker.look("in a call")
    window.page.keyboard.press("Shift+Tab")
    expect(window.button("Mute")).to_be_focused()
    window.page.keyboard.press("Space")
    anna.is_told("muted", kind="audio", muted=True)
    window.page.keyboard.press("Escape")
    expect(window.launch).to_have_accessible_name("Open the chat (you are in a call)")
    window.hears()
    window.launch.click()
    window.button("Hang up").focus()
    window.page.keyboard.press("Enter")
    expect(window.button("Call again")).to_be_focused()


def test_the_window_with_its_calls_is_small() -> None:
    files = (PAGES / name for name in (*WIDGET_FILES, *CALL_FILES) if not name.endswith(("agent.js", "words.zh.json")))
    assert sum(len(gzip.compress(each.read_bytes())) for each in files) < MOST_BYTES
