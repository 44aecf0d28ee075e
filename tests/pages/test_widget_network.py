"""The chat window on bad networks: cut at random, dead without a word, and with an engine that is killed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Final

import pytest

from tests.pages.conftest import Somebody
from tests.pages.shop import Agent, Shop, Window, expect, opened
from tests.pages.wire import Wire, wired

ROUNDS: Final = 30
SEED: Final = int(os.environ.get("ACD_SEED", "20"))
LONG_MS: Final = 60_000
UNSENT: Final = "No connection. Reconnecting … What you have written is sent then."


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def wire(shop: Shop) -> Iterator[Wire]:
    """Between the browsers and acd."""
    with wired(shop.centre.address) as found:
        shop.address = found.address
        yield found


@pytest.fixture
def anna(shop: Shop) -> Agent:
    return Agent(shop.centre).sign_in()


@pytest.fixture
def window(somebody: Somebody, shop: Shop, wire: Wire) -> Iterator[Window]:
    assert shop.address == wire.address
    window = Window(somebody().new_page(), shop).visit()
    yield window
    window.check()


def begun(window: Window, agent: Agent) -> str:
    window.open().writes("Hello")
    conversation = agent.accepts()
    window.stands("You are talking with: Anna W.")
    return conversation


def agree(window: Window, agent: Agent, conversation: str, written: list[str]) -> None:
    """The agent has what the customer has written, in order and once; the window shows what acd has, likewise."""
    agent.hears(conversation, written)
    said = [each["text"] for each in agent.entries(conversation) if each["kind"] == "message"]
    window.shows(said, timeout=LONG_MS)


def test_every_message_is_shown_once_and_in_order_on_a_network_that_is_cut(
    window: Window, anna: Agent, wire: Wire
) -> None:
    print(f"ACD_SEED={SEED}")  # noqa: T201 - what repeats a failure
    chance = random.Random(SEED)  # noqa: S311 - not for secrets
    context = window.page.context
    conversation, written = begun(window, anna), ["Hello"]
    for number in range(ROUNDS):
        fault = chance.choice(["none", "cut", "offline", "online", "reload", "cut"])
        if fault == "cut":
            wire.cut()
        elif fault == "offline":
            context.set_offline(True)
        elif fault == "online":
            context.set_offline(False)
        elif fault == "reload":
            context.set_offline(False)
            window.reload().open()
        written.append(f"customer {number}")
        window.writes(written[-1])
        if chance.random() < 0.7:
            anna.says(conversation, f"agent {number}")
        if chance.random() < 0.3:
            wire.cut()
    context.set_offline(False)
    agree(window, anna, conversation, written)
    expect(window.dialog.locator("[data-unsent]")).to_have_count(0)


def test_what_was_written_without_a_network_is_sent_from_the_next_page(window: Window, anna: Agent, shop: Shop) -> None:
    conversation = begun(window, anna)
    window.last_state("Sent")
    window.page.context.set_offline(True)
    window.writes("from the tunnel")
    window.stands(UNSENT)
    window.last_state("Sending …")
    context = window.page.context
    window.page.close()
    context.set_offline(False)
    window.page = context.new_page()
    window.visit().open()
    assert shop.address
    agree(window, anna, conversation, ["Hello", "from the tunnel"])


def test_a_network_that_is_dead_without_a_word_is_noticed(window: Window, anna: Agent, wire: Wire) -> None:
    conversation = begun(window, anna)
    wire.stall()
    window.writes("Does anybody hear me?")
    expect(window.dialog.locator(".status")).to_have_text(UNSENT, timeout=LONG_MS)
    wire.flow()
    agree(window, anna, conversation, ["Hello", "Does anybody hear me?"])


def test_an_engine_that_is_killed_loses_nothing(window: Window, anna: Agent, shop: Shop) -> None:
    conversation = begun(window, anna)
    anna.says(conversation, "Good day!")
    window.shows(["Hello", "Good day!"])
    shop.centre.served.kill()
    window.writes("Are you there?")
    window.stands(UNSENT)
    shop.centre.begin_anew()
    agree(window, anna, conversation, ["Hello", "Are you there?"])
    anna.says(conversation, "Again, yes.")
    window.shows(["Hello", "Good day!", "Are you there?", "Again, yes."], timeout=LONG_MS)
