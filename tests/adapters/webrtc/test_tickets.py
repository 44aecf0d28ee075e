"""Tickets of a call: good once, for a minute, for one channel and one call; and nothing else is one."""

import hmac

import pytest

from acd.ports.continuing import Origin
from acd_webrtc import tickets
from acd_webrtc.tickets import LIFE_US, MAX_TICKET, Tickets

ORIGIN = Origin("cv_1", "k-1", "chat-1", "skills.english >= 5", 3)
NOW = 1_000 * LIFE_US


def sign(text: str) -> bytes:
    return hmac.digest(b"key", text.encode(), "sha256")


def another(text: str) -> bytes:
    return hmac.digest(b"another key", text.encode(), "sha256")


@pytest.fixture
def here() -> Tickets:
    found = Tickets("talk")
    found.begin(NOW)
    return found


def test_it_is_good_once(here: Tickets) -> None:
    ticket = here.issue(sign, ORIGIN, NOW)
    assert len(ticket) <= MAX_TICKET
    assert here.redeem(sign, ticket, "k-1", NOW + LIFE_US - 1) == (ORIGIN, "")
    assert here.redeem(sign, ticket, "k-1", NOW + LIFE_US - 1) == (None, "ticket-used")
    # The next one of the same call is another one.
    assert here.redeem(sign, here.issue(sign, ORIGIN, NOW), "k-1", NOW) == (ORIGIN, "")


def test_it_is_good_for_a_minute_and_not_beyond_a_start(here: Tickets) -> None:
    ticket = here.issue(sign, ORIGIN, NOW)
    assert here.redeem(sign, ticket, "k-1", NOW + LIFE_US) == (None, "ticket-expired")
    here.begin(NOW + 1)
    assert here.redeem(sign, ticket, "k-1", NOW + 1) == (None, "ticket-expired")


def test_it_is_nobody_else_s(here: Tickets) -> None:
    ticket = here.issue(sign, ORIGIN, NOW)
    assert here.redeem(sign, ticket, "k-2", NOW) == (None, "ticket-foreign")
    there = Tickets("other")
    assert there.redeem(sign, ticket, "k-1", NOW) == (None, "ticket-foreign")
    assert here.redeem(sign, ticket, "k-1", NOW) == (ORIGIN, ""), "what was refused has not used it"


def test_what_is_none(here: Tickets) -> None:
    ticket = here.issue(sign, ORIGIN, NOW)
    body, _, signature = ticket.partition(".")
    forged = (ticket[:-1], f"{body}x.{signature}", f".{signature}", body, "", "é.é", "a" * (MAX_TICKET + 1), "a.b")
    for each in forged:
        assert here.redeem(sign, each, "k-1", NOW) == (None, "ticket-invalid"), each
    assert here.redeem(another, ticket, "k-1", NOW) == (None, "ticket-invalid")


def test_so_many_are_remembered_and_the_others_are_not_good(here: Tickets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MAX_USED", 3)
    issued = [here.issue(sign, ORIGIN, NOW + number) for number in range(5)]
    for each in issued:
        assert here.redeem(sign, each, "k-1", NOW + 10)[1] == ""
    assert [here.redeem(sign, each, "k-1", NOW + 10)[1] for each in issued] == [
        *["ticket-expired"] * 2,
        *["ticket-used"] * 3,
    ]
    # A minute later nothing of it is remembered.
    late = NOW + 2 * LIFE_US
    assert here.redeem(sign, here.issue(sign, ORIGIN, late), "k-1", late)[1] == ""
    assert len(here._used) == 1
