"""Who is not let in, and what is in the way of people: origins, other agents, microphones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages.call.centre import Centre, shop
from tests.pages.call.sides import Agent, Customer

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

CONNECT = """(url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => done("open");
  socket.onclose = () => done("refused");
})"""
NULL = """(url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<script>const socket = new WebSocket("${url}");
                    socket.onopen = () => parent.postMessage("open", "*");
                    socket.onclose = () => parent.postMessage("refused", "*");</script>`;
  addEventListener("message", ({ data }) => done(data), {once: true});
  document.body.append(frame);
})"""
NO_DEVICE = """(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name)); }"""


def socket_of(centre: Centre, path: str) -> str:
    return f"{centre.address.replace('http://', 'ws://')}{path}"


def test_pages_of_other_origins_do_not_call(customer: Customer, somebody: Somebody, centre: Centre) -> None:
    address = socket_of(centre, "/v1/call?channel=talk")
    assert customer.do(CONNECT, address) == "open"
    assert customer.do(NULL, address) == "refused"
    with shop() as elsewhere:
        foreign = somebody().new_page()
        foreign.goto(elsewhere)
        assert foreign.evaluate(CONNECT, address) == "refused"


def test_somebody_else_s_agent_is_not_let_in(
    customer: Customer, anna: Agent, somebody: Somebody, centre: Centre
) -> None:
    boris = Agent(somebody(), centre).open("boris")
    customer.calls()
    interaction = anna.answers()
    customer.hears(again=False)
    for agent in ("anna", "boris"):
        path = f"/v1/agents/{agent}/calls?interaction={interaction}"
        assert boris.do(CONNECT, socket_of(centre, path)) == "refused"
    own = socket_of(centre, f"/v1/agents/anna/calls?interaction={interaction}")
    assert anna.do(NULL, own) == "refused"
    assert anna.do(CONNECT, own) == "open"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NotAllowedError", "permission-refused"),
        ("NotFoundError", "no-microphone"),
        ("NotReadableError", "microphone-busy"),
    ],
)
def test_without_a_microphone_no_call_begins(customer: Customer, centre: Centre, name: str, code: str) -> None:
    customer.do(NO_DEVICE, name)
    assert customer.do("() => begin()") == code
    assert centre.ask("GET", "/v1/interactions")["interactions"] == []


def test_microphones_are_listed_and_changed(customer: Customer, anna: Agent) -> None:
    customer.calls()
    anna.answers()
    customer.hears(again=False)
    found = customer.do("() => devices('audioinput')")
    assert len(found) > 1
    for each in found[:2]:
        customer.do("(id) => call.useMicrophone(id)", each["id"])
        anna.hears()
    assert customer.do("() => call.useMicrophone('none').catch((error) => error.code)") == "no-microphone"
    anna.hears()


def test_a_second_tab_of_the_agent_takes_the_call_over(customer: Customer, anna: Agent, centre: Centre) -> None:
    customer.calls()
    interaction = anna.answers()
    customer.hears(again=False)
    other = Agent(anna.context, centre).beside(anna)
    other.joins(interaction)
    other.hears(again=False)
    customer.hears()
    assert anna.is_told("problem", code="replaced")
    assert anna.do("() => call.connection") is None
