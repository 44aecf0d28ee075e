"""Customers whom the shop vouches for, in a real browser: who they are, what is refused, two of one browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.pages.conftest import Somebody
from tests.pages.shop import Agent, Shop, Window, expect, opened, vouching

NUMBER: Final = "+491701234567"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def anna(shop: Shop) -> Iterator[Agent]:
    agent = Agent(shop.centre).sign_in()
    yield agent
    agent.sign_out()


@pytest.fixture
def window(somebody: Somebody, shop: Shop) -> Iterator[Window]:
    window = Window(somebody().new_page(), shop)
    yield window
    window.check()


def warned(window: Window) -> list[str]:
    """What the shop's developers are told from now on."""
    found: list[str] = []
    window.page.on("console", lambda each: found.append(each.text) if each.type == "warning" else None)
    return found


def begun(window: Window, anna: Agent, text: str = "Hello") -> dict[str, Any]:
    """As the agent sees the conversation that begins with this."""
    window.open().writes(text)
    conversation = anna.accepts()
    anna.hears(conversation, [text])
    return dict(anna.asks("GET", f"/v1/agents/anna/conversations/{conversation}")["conversation"])


def person(anna: Agent, conversation: dict[str, Any]) -> dict[str, Any]:
    found = anna.asks("GET", f"/v1/interactions/{conversation['interaction_id']}?reveal=true")
    return dict(found["customer"])


def test_the_agent_sees_who_it_is(window: Window, anna: Agent) -> None:
    statement = vouching("4711", number=NUMBER, name="Chen Wei")
    told = warned(window)
    window.visit(**{"data-identity": statement, "data-name": "Somebody Else", "data-number": "110"})
    conversation = begun(window, anna)
    assert [conversation[each] for each in ("name", "number", "vouched")] == ["Chen Wei", NUMBER, True]
    known = person(anna, conversation)
    assert (known["known"], known["name"], known["number"]) == (True, "Chen Wei", NUMBER)
    assert told == []
    # The statement is for the beginning alone: nothing of it stays in the browser.
    kept = window.page.evaluate("JSON.stringify(localStorage)")
    assert statement not in kept
    assert statement.split(".")[2] not in kept


def test_the_same_number_by_telephone_is_the_same_person(window: Window, anna: Agent) -> None:
    window.visit(**{"data-identity": vouching("4712", number="+49 170 9999999")})
    known = person(anna, begun(window, anna))
    called = {"id": "by-telephone", "queue": "night", "channel": "voice", "customer": {"number": "+491709999999"}}
    anna.asks("POST", "/v1/interactions", called)
    assert anna.asks("GET", "/v1/interactions/by-telephone")["customer"]["reference"] == known["reference"]
    anna.asks("DELETE", "/v1/interactions/by-telephone")


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (lambda: vouching("1", audience="bank"), "aud"),
        (lambda: vouching("1", seconds=-120), "exp is over"),
        (lambda: vouching("1")[:-4] + "AAAA", "not signed"),
        (lambda: "not.a.statement", "not signed"),
        (lambda: "x" * 5_000, "no JSON Web Token"),
    ],
)
def test_whoever_is_not_vouched_for_chats_all_the_same(window: Window, anna: Agent, identity: Any, why: str) -> None:  # noqa: ANN401 - a function
    told = warned(window)
    window.visit(**{"data-identity": identity(), "data-name": "By the page"})
    conversation = begun(window, anna)
    assert [conversation[each] for each in ("name", "vouched")] == ["By the page", False]
    assert person(anna, conversation)["known"] is False

    def heard() -> list[str]:
        window.page.evaluate("0")  # What the console says is heard while the page is asked something.
        return told

    (warning,) = anna.until(heard)
    assert "data-identity" in warning
    assert why in warning


def test_a_page_that_stays_open_gives_a_new_statement(window: Window, anna: Agent) -> None:
    window.visit(**{"data-identity": vouching("4713", seconds=-120)})
    window.page.evaluate("(identity) => window.acdChat.setVisitor({identity})", vouching("4713", name="Chen"))
    assert begun(window, anna)["name"] == "Chen"


def test_two_customers_of_one_browser_see_nothing_of_each_other(window: Window, anna: Agent) -> None:
    window.visit(**{"data-identity": vouching("first")})
    begun(window, anna, "My secret")
    window.visit(**{"data-identity": vouching("first")}).open()
    window.shows(["My secret"])
    window.visit(**{"data-identity": vouching("second")}).open()
    expect(window.dialog.locator(".message")).to_have_count(0)
    anna.sign_out()
    anna.sign_in()
    window.writes("Mine")
    conversation = anna.accepts()
    anna.hears(conversation, ["Mine"])
    window.shows(["Mine"])


def test_whoever_signs_out_of_the_shop_leaves_nothing(window: Window, anna: Agent) -> None:
    window.visit(**{"data-identity": vouching("first")})
    begun(window, anna, "My secret")
    window.shows(["My secret"])
    window.page.evaluate("window.acdChat.forget()")
    expect(window.dialog.locator(".message")).to_have_count(0)
    assert window.stored() == []
    window.visit().open()
    expect(window.dialog.locator(".message")).to_have_count(0)
