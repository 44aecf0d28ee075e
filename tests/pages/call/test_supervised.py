"""A supervisor hears a call between browsers by the wallboard: who hears whom says what comes in by each connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages.call.board_ear import BOSS, FLOWS, MORE, EarScreen
from tests.pages.call.centre import Centre, begun
from tests.pages.call.sides import Agent, Customer, Side
from tests.pages.screen import PATIENCE_MS, _expect
from tests.served import write_secret

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

Talking = tuple[Customer, Agent, str]

PEERS = f"""async () => {{
  const peers = [...window.call.peers.all.values()], flows = await ({FLOWS})(peers.map((each) => each.connection.pc));
  return flows.map((flow, index) => ({{ ...flow, muted: peers[index].audio.muted }}));
}}"""
"""Of a page of the two: what comes in by connections beside the talk, and whether it is played."""

NOTHING = {"bytes": 0, "energy": 0, "muted": True}


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, shop_address: str) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    write_secret(folder, "boss.token", BOSS)
    write_secret(folder, "deaf.token", f"{BOSS}-deaf")
    with begun(folder, shop_address, MORE) as found:
        yield found


@pytest.fixture
def boss(somebody: Somebody, centre: Centre) -> Iterator[EarScreen]:
    screen = EarScreen(somebody(), centre).open()
    yield screen
    screen.check()


def peers(side: Side) -> list[dict[str, Any]]:
    return list(side.do(PEERS))


def hears_boss(side: Side) -> None:
    """Sound of the supervisor's comes in from now on, and is played."""
    before = peers(side)[0]["energy"]
    side.until(
        f"async (before) => (await ({PEERS})()).some((each) => each.energy > before && !each.muted)",
        before,
    )


def supervision(centre: Centre, interaction: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = centre.ask("GET", f"/v1/interactions/{interaction}/supervision")["supervisors"]
    return found


def test_a_supervisor_listens_whispers_joins_in_and_leaves(talking: Talking, boss: EarScreen, centre: Centre) -> None:
    customer, anna, interaction = talking
    boss.does("Listen in")
    boss.shows("You listen to anna")
    boss.hears_both()
    assert supervision(centre, interaction) == [{"agent": "maria", "mode": "listen", "state": "there"}]
    for side in (customer, anna):
        (peer,) = peers(side)
        assert {**peer, "sent": 0} == {**NOTHING, "sent": 0}, "nobody hears who listens"
        side.hears()
    assert [each["sent"] for each in boss.flows()] == [0, 0]
    boss.does("Whisper to the agent")
    boss.shows("anna hears you, the customer does not")
    hears_boss(anna)
    boss.hears_both()
    assert {**peers(customer)[0], "sent": 0} == {**NOTHING, "sent": 0}, "the customer does not hear a whisper"
    assert boss.flows()[1]["sent"] == 0
    boss.does("Join in")
    hears_boss(customer)
    hears_boss(anna)
    boss.does("Listen in")
    for side in (customer, anna):
        side.until("() => [...call.peers.all.values()].every((each) => each.audio.muted)")
    boss.until(lambda: _is_still(boss))
    boss.does("Leave it")
    boss.hears_nothing()
    for side in (customer, anna):
        side.until("() => call.peers.all.size === 0")
        side.hears()
    assert supervision(centre, interaction) == []
    assert customer.noted == anna.noted == []


def _is_still(boss: EarScreen) -> bool:
    """Nothing goes out while sound comes in."""
    before = [each["sent"] for each in boss.flows()]
    boss.hears_both()
    return before == [each["sent"] for each in boss.flows()]


def test_hold_silences_the_customer_for_the_supervisor_who_can_still_whisper(talking: Talking, boss: EarScreen) -> None:
    customer, anna, _ = talking
    boss.does("Whisper to the agent")
    boss.hears_both()
    anna.do("() => call.hold(true)")
    customer.is_told("held", held=True)
    hears_boss(anna)
    tracks = "() => [...call.peers.all.values()].map((each) => each.own.enabled)"
    assert customer.do(tracks) == anna.do(tracks) == [False]
    anna.do("() => call.hold(false)")
    boss.hears_both()


def test_mute_is_for_everybody(talking: Talking, boss: EarScreen) -> None:
    customer, _, _ = talking
    boss.does("Join in")
    boss.shows("You talk with anna and the customer")
    boss.hears_both()
    customer.do("() => call.mute(true)")
    assert customer.do("() => [...call.peers.all.values()][0].own.enabled") is False
    boss.call.get_by_role("button", name="Mute").click()
    boss.shows("You talk with anna and the customer", "Connected · You are muted")


def test_pages_that_are_loaded_anew_are_heard_again(talking: Talking, boss: EarScreen) -> None:
    customer, anna, interaction = talking
    boss.does("Join in")
    hears_boss(anna)
    anna.load()
    anna.joins(interaction)
    anna.hears(again=False)
    anna.until("() => call.peers.all.size === 1")
    boss.hears_both()
    hears_boss(anna)
    customer.page.reload()
    customer.until("() => window.ready")
    assert customer.do("() => call.resume()") is True
    customer.until("() => window.call?.peers.all.size === 1")
    boss.hears_both()
    hears_boss(customer)


def test_a_line_that_breaks_is_taken_up_and_nothing_is_heard_twice(talking: Talking, boss: EarScreen) -> None:
    customer, anna, _ = talking
    boss.does("Join in")
    hears_boss(customer)
    ids = "() => [...call.peers.all.keys()]"
    before = customer.do(ids), anna.do(ids)
    for side in (customer, anna):
        side.forget()
        side.do("() => call.line.lose()")
        side.is_told("online", online=True)
    boss.does("Whisper to the agent")
    customer.until("() => [...call.peers.all.values()].every((each) => each.audio.muted)")
    assert (customer.do(ids), anna.do(ids)) == before
    hears_boss(anna)


def test_ice_begins_anew_on_a_leg(talking: Talking, boss: EarScreen) -> None:
    customer, _, _ = talking
    boss.does("Join in")
    hears_boss(customer)
    ufrag = (
        "() => /a=ice-ufrag:(.*)/.exec([...call.peers.all.values()][0].connection.pc.currentLocalDescription.sdp)[1]"
    )
    before = customer.do(ufrag)
    customer.do("() => [...call.peers.all.values()][0].restart()")
    customer.until(f"(before) => ({ufrag})() !== before", before)
    hears_boss(customer)
    boss.hears_both()


def test_it_ends_with_the_agents_part_and_with_the_supervisors_page(
    talking: Talking, boss: EarScreen, centre: Centre
) -> None:
    customer, anna, interaction = talking
    boss.does("Listen in")
    boss.hears_both()
    boss.page.reload()
    customer.until("() => call.peers.all.size === 0")
    assert supervision(centre, interaction) == []
    boss.does("Listen in")
    boss.hears_both()
    boss.call.get_by_role("button", name="Hang up").click()
    boss.hears_nothing()
    anna.until("() => call.peers.all.size === 0")
    boss.does("Listen in")
    boss.hears_both()
    anna.do("() => call.hangUp()")
    customer.is_in("over")
    boss.hears_nothing()


def test_the_engine_dies_and_whoever_listens_is_let_go(talking: Talking, boss: EarScreen, centre: Centre) -> None:
    customer, anna, _ = talking
    boss.does("Listen in")
    boss.hears_both()
    centre.begin_anew()
    boss.hears_nothing()
    customer.until("() => call.peers.all.size === 0")
    customer.hears()
    anna.do("(token) => signIn(token)", "a-long-token-of-anna")
    anna.until("() => call.peers.all.size === 0")
    anna.hears()


def test_who_has_no_microphone_or_no_telephone_asks_for_nothing(
    talking: Talking, boss: EarScreen, somebody: Somebody, centre: Centre
) -> None:
    boss.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia ="
        " async () => { throw new DOMException('no', 'NotAllowedError'); }; }"
    )
    boss.asks("Listen in")
    refused = boss.page.get_by_role("dialog").get_by_role("alert")
    _expect(refused).to_have_text(
        "The browser may not use the microphone. Allow it for this page.", timeout=PATIENCE_MS
    )
    other = EarScreen(somebody(), centre).open(f"{BOSS}-deaf")
    row = other.page.locator("#agents tbody tr").filter(has=other.page.get_by_role("rowheader", name="anna"))
    row.get_by_role("button").click()
    dialog = other.page.get_by_role("dialog")
    dialog.get_by_label("Your own agent id").fill("maria")
    dialog.get_by_role("button", name="Listen in", exact=True).click()
    dialog.get_by_role("button", name="Yes, do it").click()
    _expect(dialog.get_by_role("alert")).to_contain_text("heard by this page", timeout=PATIENCE_MS)
    assert supervision(centre, talking[2]) == []


def test_only_whose_telephone_it_is_may_hear_and_only_what_was_asked_for(
    talking: Talking, boss: EarScreen, centre: Centre
) -> None:
    path = f"/v1/interactions/{talking[2]}/supervision"
    for token, agent in ((BOSS, "nina"), (f"{BOSS}-deaf", "maria")):
        assert _upgraded(centre, f"{path}/{agent}", token) == (403, "forbidden")
    # Nobody has asked for it by PUT, which is in the journal: nothing is heard.
    closed = """(path) => new Promise((done) => {
      const socket = new WebSocket(new URL(path, location.href.replace("http", "ws")), ["acd.call.v1+json"]);
      const texts = [];
      socket.addEventListener("message", ({ data }) => texts.push(JSON.parse(data).type));
      socket.addEventListener("close", ({ code }) => done([code, texts]));
    })"""
    _expect(boss.page.locator("#board")).to_be_visible(timeout=PATIENCE_MS)
    assert boss.page.evaluate(closed, f"{path}/maria") == [1000, ["closing"]]
    assert talking[1].do("() => call.peers.all.size") == 0


def _upgraded(centre: Centre, path: str, token: str) -> tuple[int, str]:
    """What a request for a socket is answered that is refused."""
    connection = HTTPConnection(centre.address.removeprefix("http://"), timeout=PATIENCE_MS / 1_000)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Authorization": f"Bearer {token}"}
    with closing(connection):
        connection.request("GET", path, headers={**upgrade, **key})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["code"]
