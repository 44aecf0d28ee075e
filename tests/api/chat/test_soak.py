"""A short soak of web chat, and that the judge of a long one notices what it is there for."""

from pathlib import Path

import pytest

from tests.api.chat.soak import Plan, soak
from tests.api.chat.soak_account import CUSTOMER, Account, Said, Screen, Shown, check, kept

TALK = [
    Shown(1, "message", "customer", "hello"),
    Shown(2, "joined", "system", ""),
    Shown(3, "message", "agent", "good day"),
    Shown(4, "message", "customer", "bye"),
    Shown(5, "ended", "system", "left"),
]
SAID = [Said(CUSTOMER, "hello", "kept"), Said("anna", "good day", "kept"), Said(CUSTOMER, "bye", "kept")]


@pytest.mark.xdist_group("load")
async def test_a_short_soak(tmp_path: Path) -> None:
    """One kill, cuts all the time; then both sides have shown the same, and nothing is left over."""
    plan = Plan(
        minutes=0.2,
        customers=20,
        desks=4,
        disturbed_seconds=8.0,
        kills=1,
        warm_up=0,
        ordinary=0,
        cuts_per_second=3.0,
        outage_every_seconds=6.0,
        silence_seconds=(0.5, 5.0),
    )
    account = await soak(tmp_path, plan, seed=7)
    assert account.counts["kills"] == 1
    assert account.counts["outages"]
    assert account.counts["cut: silent"]
    assert account.counts["cut: reset"]
    assert account.counts["visits"] >= plan.customers
    assert kept(tmp_path) == account


def account_of(
    customer: list[Shown] = TALK, agent: list[Shown] = TALK, said: list[Said] = SAID, *more: Screen
) -> Account:
    """Of one conversation."""
    return Account({"c1": said}, {"c1": [Screen(CUSTOMER, customer), Screen("anna", agent), *more]})


def test_what_both_have_shown_is_right() -> None:
    check(account_of(), "c1")
    check(account_of(TALK, TALK, SAID, Screen("boris", TALK[:2]), Screen(CUSTOMER, TALK)), "c1")
    forgotten = [*SAID[:2], Said(CUSTOMER, "bye", "forgotten"), Said(CUSTOMER, "are you there?", "forgotten")]
    check(account_of(TALK, TALK, forgotten), "c1")


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (account_of(TALK[:4], TALK[:4]), "does not end"),
        (account_of(TALK, TALK[:4]), "no agent"),
        (account_of(TALK[:4]), "the customer has not seen all"),
        (account_of([*TALK[:2], *TALK[3:]], TALK), "the customer saw"),
        (account_of(TALK, [TALK[0], TALK[0], *TALK[1:]]), "a gap, or a second one"),
        (account_of(TALK, TALK, [*SAID, Said("anna", "goodbye", "kept")]), "anna said"),
        (account_of(TALK, TALK, [SAID[2], SAID[1], SAID[0]]), "the customer said"),
        (account_of(TALK, TALK, SAID[:2]), "nobody said"),
        (account_of(TALK, TALK, [*SAID[:2], Said(CUSTOMER, "bye", "refused")]), "nobody said"),
        (account_of(TALK, TALK, [*SAID, Said("anna", "goodbye")]), "not known"),
        (account_of(TALK, TALK, SAID, Screen("boris", TALK[1:3])), "boris saw"),
    ],
)
def test_the_judge_notices(account: Account, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        check(account, "c1")


def test_a_text_that_is_shown_twice_is_noticed() -> None:
    doubled = [*TALK[:4], Shown(5, "message", "customer", "bye"), Shown(6, "ended", "system", "left")]
    with pytest.raises(AssertionError, match="more than once"):
        check(account_of(doubled, doubled), "c1")
