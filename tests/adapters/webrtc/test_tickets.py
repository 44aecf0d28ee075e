"""Tickets of a call: good once, for a minute, for one channel and one call; and nothing else is one."""

import base64

import pytest

from acd.ports.continuing import Origin
from acd.runtime.keyfile import MasterKey
from acd_webrtc import tickets
from acd_webrtc.tickets import LIFE_US, MAX_TICKET, Tickets

ORIGIN = Origin("cv_1", "k-1", "chat-1", "skills.english >= 5", 3)
NOW = 1_000 * LIFE_US


KEY = MasterKey(b"k" * 32)
ANOTHER = MasterKey(b"a" * 32)


@pytest.fixture
def here() -> Tickets:
    found = Tickets("talk")
    found.begin(NOW)
    return found


def test_it_is_good_once(here: Tickets) -> None:
    ticket = here.issue(KEY, ORIGIN, NOW)
    assert len(ticket) <= MAX_TICKET
    assert here.redeem(KEY, ticket, "k-1", NOW + LIFE_US - 1) == (ORIGIN, "")
    assert here.redeem(KEY, ticket, "k-1", NOW + LIFE_US - 1) == (None, "ticket-used")
    # The next one of the same call is another one.
    assert here.redeem(KEY, here.issue(KEY, ORIGIN, NOW), "k-1", NOW) == (ORIGIN, "")


def test_it_is_good_for_a_minute_and_not_beyond_a_start(here: Tickets) -> None:
    ticket = here.issue(KEY, ORIGIN, NOW)
    assert here.redeem(KEY, ticket, "k-1", NOW + LIFE_US) == (None, "ticket-expired")
    here.begin(NOW + 1)
    assert here.redeem(KEY, ticket, "k-1", NOW + 1) == (None, "ticket-expired")


def test_it_is_nobody_else_s(here: Tickets) -> None:
    ticket = here.issue(KEY, ORIGIN, NOW)
    assert here.redeem(KEY, ticket, "k-2", NOW) == (None, "ticket-foreign")
    there = Tickets("other")
    assert there.redeem(KEY, ticket, "k-1", NOW) == (None, "ticket-foreign")
    assert here.redeem(KEY, ticket, "k-1", NOW) == (ORIGIN, ""), "what was refused has not used it"


def test_what_is_none(here: Tickets) -> None:
    ticket = here.issue(KEY, ORIGIN, NOW)
    changed = ("A" if ticket[20] != "A" else "B").join((ticket[:20], ticket[21:]))
    forged = (ticket[:-2], f"{ticket}xxxx", changed, "", "AAAA", "é", "a" * (MAX_TICKET + 1), "a.b", "a")
    for each in forged:
        assert here.redeem(KEY, each, "k-1", NOW) == (None, "ticket-invalid"), each
    assert here.redeem(ANOTHER, ticket, "k-1", NOW) == (None, "ticket-invalid")


def test_so_many_are_remembered_and_the_others_are_not_good(here: Tickets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MAX_USED", 3)
    issued = [here.issue(KEY, ORIGIN, NOW + number) for number in range(5)]
    for each in issued:
        assert here.redeem(KEY, each, "k-1", NOW + 10)[1] == ""
    assert [here.redeem(KEY, each, "k-1", NOW + 10)[1] for each in issued] == [
        *["ticket-expired"] * 2,
        *["ticket-used"] * 3,
    ]
    # A minute later nothing of it is remembered.
    late = NOW + 2 * LIFE_US
    assert here.redeem(KEY, here.issue(KEY, ORIGIN, late), "k-1", late)[1] == ""
    assert len(here._used) == 1


def test_it_says_nothing_to_whoever_has_it(here: Tickets) -> None:
    """Of a customer it may say that they are unwelcome, or urgent: the page is theirs."""
    ticket = here.issue(KEY, ORIGIN, NOW)
    plain = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    assert b"english" not in plain
    assert b"chat-1" not in plain
    assert here.issue(KEY, ORIGIN, NOW) != ticket
