"""From the chat window to a call: in line, in talk, over reloads and cuts; nobody is asked twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages.call.instead import NOTING, Caller, calling_shop, interactions
from tests.pages.call.sides import Agent
from tests.pages.shop import Agent as ByApi
from tests.pages.shop import Shop, expect

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

NO_DEVICE = """(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name)); }"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with calling_shop(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def window(somebody: Somebody, shop: Shop) -> Iterator[Caller]:
    """The shop's page, just opened; in the end it has done nothing that it must not."""
    context = somebody()
    context.add_init_script(NOTING)
    window = Caller(context, shop)
    window.visit()
    yield window
    window.check()
    for each in interactions(shop):
        ByApi(shop.centre).asks("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})


@pytest.fixture
def anna(somebody: Somebody, shop: Shop) -> Iterator[Agent]:
    agent = Agent(somebody(), shop.centre).open("anna").is_ready()  # type: ignore[arg-type]
    yield agent
    _out(shop, "anna")


@pytest.fixture
def boris(somebody: Somebody, shop: Shop) -> Iterator[Agent]:
    agent = Agent(somebody(), shop.centre).open("boris").is_ready()  # type: ignore[arg-type]
    yield agent
    _out(shop, "boris")


def _out(shop: Shop, name: str) -> None:
    for each in interactions(shop):
        ByApi(shop.centre).asks("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})
    ByApi(shop.centre).asks("POST", f"/v1/agents/{name}/sign-out", {})


def row(shop: Shop, interaction: str) -> dict[str, Any]:
    return dict(ByApi(shop.centre).asks("GET", f"/v1/interactions/{interaction}"))


def written(window: Caller, shop: Shop, agent: str = "anna") -> str:
    """A chat with the agent."""
    window.open().writes("Where is my parcel?")
    conversation = ByApi(shop.centre, agent).accepts()
    window.stands("You are talking with: Anna W.")
    return conversation


def test_in_talk_the_same_agent_is_called_and_the_chat_goes_on(
    window: Caller, anna: Agent, boris: Agent, shop: Shop
) -> None:
    window.open().writes("Where is my parcel?")
    ByApi(shop.centre).until(lambda: offers(shop, "anna") + offers(shop, "boris"))
    chosen = anna if offers(shop, "anna") else boris
    conversation = ByApi(shop.centre, chosen.agent).accepts()
    window.calls()
    window.says_call("Calling …")
    call = chosen.answers()
    window.says_call(re.compile(r"In a call: (Anna W\.|Boris)"))
    window.hears()
    chosen.hears(again=False)
    assert row(shop, call)["agent"] == row(shop, conversation)["agent"] == chosen.agent
    assert row(shop, call)["attributes"]["continues"] == conversation
    work = chosen.do(f"() => ask('GET', '/v1/agents/{chosen.agent}/work')")["body"]["items"]
    assert {each["work"]["interaction_id"]: each["continues"] for each in work} == {
        conversation: "",
        call: conversation,
    }
    # The chat goes on beside it.
    ByApi(shop.centre, chosen.agent).says(conversation, "I see it here.")
    window.shows(["Where is my parcel?", "I see it here."])
    window.writes("Yes!")
    window.shows(["Where is my parcel?", "I see it here.", "Yes!"])
    window.button("Hang up").click()
    window.says_over("You have hung up.")
    chosen.is_in("over")
    assert row(shop, conversation)["state"] == "active"
    window.writes("And now in writing.")
    window.last_state("Sent")


def offers(shop: Shop, agent: str) -> list[dict[str, Any]]:
    return list(ByApi(shop.centre).asks("GET", f"/v1/agents/{agent}/offers")["offers"])


def test_in_line_the_call_takes_the_chat_s_place(window: Caller, somebody: Somebody, shop: Shop) -> None:
    window.open().writes("Hello")
    window.stands(re.compile(r"^You are number 1 in line"))
    (chat,) = interactions(shop)
    window.calls()
    window.says_call(re.compile(r"^You are number 1 in line for a call"))
    window.says("You call us instead.")
    (call,) = interactions(shop)
    assert (call["channel"], call["attributes"]["continues"]) == ("voice", chat["id"])
    assert call["customer"]["reference"] == chat["customer"]["reference"]
    assert row(shop, chat["id"])["state"] == "cancelled"
    agent = Agent(somebody(), shop.centre).open("anna").is_ready()  # type: ignore[arg-type]
    assert agent.answers() == call["id"]
    window.says_call("In a call: Anna W.")
    window.hears()
    agent.hears(again=False)
    (item,) = agent.do("() => ask('GET', '/v1/agents/anna/work')")["body"]["items"]
    assert item["continues"] == chat["id"]
    # The agent reads what was written before.
    said = agent.do(f"() => ask('GET', '/v1/agents/anna/conversations/{chat['id']}')")
    assert [each["text"] for each in said["body"]["entries"] if each["kind"] == "message"] == ["Hello"]
    assert agent.do(f"() => ask('GET', '/v1/agents/boris/conversations/{chat['id']}')")["status"] in {403, 404}
    # And writes to the customer besides, in a conversation that only this agent is asked to take.
    visitor = said["body"]["conversation"]["visitor"]
    body = {"channel": "shop", "visitor": visitor, "id": "i-1", "text": "Here is the link."}
    assert agent.do("(body) => ask('POST', '/v1/agents/boris/conversations', body)", body)["status"] in {403, 404}
    assert agent.do("(body) => ask('POST', '/v1/agents/anna/conversations', body)", body)["status"] == 201
    window.shows(["Here is the link."])
    beside = ByApi(shop.centre).accepts()
    window.writes("Thank you!")
    ByApi(shop.centre).hears(beside, ["Thank you!"])
    agent.do("() => call.hangUp()")
    window.says_over("The call has ended.")
    ByApi(shop.centre).ends(beside)
    expect(window.button("Begin another chat")).to_be_visible()
    _out(shop, "anna")


def test_whoever_calls_has_the_very_place_that_they_had(window: Caller, somebody: Somebody, shop: Shop) -> None:
    """Of three who came within seconds, the one in the middle calls: still the second, and offered second."""
    others = [Caller(somebody(), shop) for _ in range(2)]
    in_order = (others[0], window, others[1])
    for number, each in enumerate(in_order, 1):
        if each is not window:
            each.visit()
        each.open().writes("Hello")
        each.stands(re.compile(rf"^You are number {number} in line"))
    chats = [each["id"] for each in sorted(interactions(shop), key=lambda each: each["enqueued_at"])]
    window.calls()
    window.says_call(re.compile(r"^You are number 2 in line for a call"))
    others[1].stands(re.compile(r"^You are number 3 in line"))
    (call,) = (each["id"] for each in interactions(shop) if each["channel"] == "voice")
    anna = Agent(somebody(), shop.centre).open("anna").is_ready()  # type: ignore[arg-type]
    assert [each["interaction"]["id"] for each in offers(shop, "anna")] == [chats[0], call, chats[2]]
    anna.page.context.close()
    _out(shop, "anna")


def test_a_reload_in_the_middle_goes_on(window: Caller, anna: Agent, shop: Shop) -> None:
    conversation = written(window, shop)
    window.calls()
    anna.answers()
    window.hears()
    window.reload()
    expect(window.dialog).to_be_visible()
    window.says_call("In a call: Anna W.")
    window.shows(["Where is my parcel?"])
    window.hears()
    anna.hears()
    expect(window.dialog.locator(".time")).to_have_text(re.compile(r"00:\d\d"))
    assert row(shop, conversation)["state"] == "active"


def test_mute_and_hold_are_said(window: Caller, anna: Agent, shop: Shop) -> None:
    written(window, shop)
    window.calls()
    anna.answers()
    window.hears()
    window.button("Mute").click()
    anna.is_told("muted", kind="audio", muted=True)
    expect(window.button("Mute")).to_have_attribute("aria-pressed", "true")
    anna.do("() => call.hold(true)")
    window.says_call("On hold: Anna W.")
    anna.do("() => call.hold(false)")
    window.says_call("In a call: Anna W.")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("NotAllowedError", "The browser lets this page have no microphone."),
        ("NotFoundError", "There is no microphone."),
    ],
)
def test_without_a_microphone_the_chat_stays_as_it_is(window: Caller, shop: Shop, error: str, said: str) -> None:
    window.open().writes("Hello")
    window.stands(re.compile(r"^You are number 1 in line"))
    window.page.evaluate(NO_DEVICE, error)
    window.calls()
    expect(window.dialog.locator(".calls .problem")).to_contain_text(said)
    (chat,) = interactions(shop)
    assert chat["channel"] == "chat"
    expect(window.button("Call again")).to_be_visible()


def test_an_agent_who_declines_is_not_asked_again_and_another_is(
    window: Caller, anna: Agent, boris: Agent, shop: Shop
) -> None:
    window.open().writes("Hello")
    ByApi(shop.centre).until(lambda: offers(shop, "anna") + offers(shop, "boris"))
    chosen, other = (anna, boris) if offers(shop, "anna") else (boris, anna)
    conversation = ByApi(shop.centre, chosen.agent).accepts()
    window.calls()
    found = ByApi(shop.centre).until(lambda: offers(shop, chosen.agent))
    assert not offers(shop, other.agent)
    ByApi(shop.centre).asks("POST", f"/v1/offers/{found[0]['id']}/decline", {"agent_id": chosen.agent})
    call = other.answers()
    window.hears()
    other.hears(again=False)
    assert (row(shop, call)["agent"], row(shop, conversation)["agent"]) == (other.agent, chosen.agent)


def test_who_is_rung_to_write_is_rung_to_talk_only_then(window: Caller, anna: Agent, boris: Agent, shop: Shop) -> None:
    """While the chat rings nobody is asked to talk; the call goes to whoever has taken the chat."""
    window.open().writes("Hello")
    ByApi(shop.centre).until(lambda: offers(shop, "anna") + offers(shop, "boris"))
    chosen, other = (anna, boris) if offers(shop, "anna") else (boris, anna)
    window.calls()
    window.says_call("Calling …")
    window.page.wait_for_timeout(1_500)
    assert len(offers(shop, chosen.agent)) == 1
    assert not offers(shop, other.agent)
    ByApi(shop.centre, chosen.agent).accepts()
    chosen.answers()
    window.hears()
    chosen.hears(again=False)
