"""What breaks in the middle of a call, and that it goes on: sockets, networks, pages, the engine."""

from __future__ import annotations

from tests.pages.call.centre import Centre, token_of
from tests.pages.call.sides import Agent, Customer

Talking = tuple[Customer, Agent, str]

UFRAG = "() => /a=ice-ufrag:(.*)/.exec(call.connection.pc.currentLocalDescription.sdp)[1]"


def they_talk(customer: Customer, anna: Agent) -> None:
    """Both hear each other, and signalling goes both ways."""
    customer.hears()
    anna.hears()
    for one, other in ((customer, anna), (anna, customer)):
        other.forget()
        one.do("() => { call.mute(true); call.mute(false); }")
        other.is_told("muted", kind="audio", muted=False)


def test_ice_is_started_anew_by_either_side(talking: Talking) -> None:
    customer, anna, _ = talking
    for side in (customer, anna):
        before = side.do(UFRAG)
        side.do("() => call.restart()")
        side.until(f"(before) => ({UFRAG})() !== before && call.connection.pc.signalingState === 'stable'", before)
        they_talk(customer, anna)
    assert customer.noted == anna.noted == []


def test_sockets_are_cut(talking: Talking) -> None:
    customer, anna, _ = talking
    for side, other in ((customer, anna), (anna, customer)):
        other.forget()
        # What is said while there is no socket is not lost.
        side.do("() => { call.line.lose(); call.mute(true); }")
        other.is_told("muted", kind="audio", muted=True)
        side.do("() => call.mute(false)")
        other.is_told("muted", kind="audio", muted=False)
    they_talk(customer, anna)
    assert customer.noted == anna.noted == []


def test_the_agent_s_page_is_loaded_anew(talking: Talking) -> None:
    customer, anna, interaction = talking
    anna.load()
    assert [each["interaction_id"] for each in anna.calls_in_hand()] == [interaction]
    anna.joins(interaction)
    anna.hears(again=False)
    they_talk(customer, anna)


def test_the_customer_s_page_is_loaded_anew(talking: Talking) -> None:
    customer, anna, _ = talking
    customer.open()
    assert customer.do("() => call.resume()") is True
    customer.hears(again=False)
    they_talk(customer, anna)


def test_the_engine_is_started_anew(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    before = customer.do(UFRAG)
    connection = "() => (window.kept ??= call.connection.pc) === call.connection.pc"
    assert customer.do(connection)
    assert anna.do(connection)
    centre.begin_anew()
    customer.hears()
    anna.hears()
    # Sessions are kept in memory: whoever was signed in signs in again, and talks on meanwhile.
    anna.is_told("problem", code="signed-out")
    assert anna.do("(token) => signIn(token)", token_of("anna")) == 201
    customer.until(f"(before) => ({UFRAG})() !== before", before)
    they_talk(customer, anna)
    assert customer.do(connection), "the connection is the same"
    assert anna.do(connection)
    customer.do("() => call.hangUp()")
    customer.is_in("over")
    anna.is_in("over")
    assert centre.ask("GET", f"/v1/interactions/{interaction}")["state"] == "completed"


def test_the_engine_is_started_anew_and_so_is_the_agent_s_page(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    centre.begin_anew()
    anna.load()
    assert anna.do("(token) => signIn(token)", token_of("anna")) == 201
    anna.joins(interaction)
    anna.hears(again=False)
    they_talk(customer, anna)


def test_a_customer_whose_page_is_gone_has_left(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    customer.page.close()
    anna.is_in("over")
    row = centre.ask("GET", f"/v1/interactions/{interaction}")
    assert row["state"] == "completed"
    assert anna.is_told("state", state="over")["reason"] in ("page-lost", "completed")


def test_an_agent_whose_page_is_gone_leaves_the_customer_in_line(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    anna.do("() => call.leave()")
    customer.is_in("waiting")
    assert centre.ask("GET", f"/v1/interactions/{interaction}")["state"] == "queued"
    customer.do("() => call.hangUp()")
    customer.is_in("over")
