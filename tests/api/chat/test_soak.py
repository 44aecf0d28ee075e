"""That the judge of a soak of web chat notices what it is there for."""

import pytest

from tests.api.chat.soak_account import CUSTOMER, Account, Said, Screen, Shown, check

TALK = [
    Shown(1, "message", "customer", "hello"),
    Shown(2, "joined", "system", ""),
    Shown(3, "message", "agent", "good day"),
    Shown(4, "message", "customer", "bye"),
    Shown(5, "ended", "system", "left"),
]
SAID = [Said(CUSTOMER, "hello", "kept"), Said("anna", "good day", "kept"), Said(CUSTOMER, "bye", "kept")]


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
