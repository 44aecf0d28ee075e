"""One end of a session, by example; test_signalling_machine.py has both ends and broken sockets."""

import pytest

from acd_webrtc.session import MAX_UNCONFIRMED, MAX_UNCONFIRMED_BYTES, Session
from acd_webrtc.signals import Got, HangUp, Mute, Numbered, Offer, SessionBroken


def message(number: int, got: int = 0) -> Numbered:
    return Numbered(number, got, Session(1).send(HangUp()).body)


def test_a_message_that_comes_again_is_taken_once() -> None:
    session = Session(1)
    assert session.take(message(1)) is not None
    assert session.take(message(1)) is None
    assert session.take(message(2)) is not None
    assert session.got == 2


def test_a_message_that_is_left_out_breaks_the_session() -> None:
    with pytest.raises(SessionBroken, match="message 2 came after 0; send those between first"):
        Session(1).take(message(2))


def test_what_is_confirmed_is_forgotten_and_the_rest_sent_again_as_it_was() -> None:
    session = Session(1)
    first, second, third = (session.send(Mute("audio", muted=muted)) for muted in (True, False, True))
    assert session.again(0) == [first, second, third]
    session.take(Got(1))
    session.take(message(1, 2))
    assert (session.again(2), session.confirmed) == ([third], 2)
    assert third.got == 0  # what this end knew when it said so
    assert session.send(HangUp()).got == 1


@pytest.mark.parametrize("got", [0, 4])
def test_nobody_has_less_than_they_confirmed_or_more_than_there_was(got: int) -> None:
    session = Session(1)
    for _ in range(3):
        session.send(HangUp())
    session.take(Got(1))
    with pytest.raises(SessionBroken, match=rf"^got is {got}, but"):
        session.again(got)
    with pytest.raises(SessionBroken, match=r"^got is 4, but only 3"):
        session.take(Got(4))


def test_what_waits_is_bounded_in_number_and_in_size() -> None:
    session = Session(1)
    for _ in range(MAX_UNCONFIRMED):
        session.send(HangUp())
    with pytest.raises(SessionBroken, match="1024 messages wait to be confirmed"):
        session.send(HangUp())
    session.take(Got(1))
    session.send(HangUp())
    large, offer = Session(1), Offer("x" * 65_000)
    for _ in range(MAX_UNCONFIRMED_BYTES // 65_030):
        large.send(offer)
    with pytest.raises(SessionBroken, match="wait to be confirmed"):
        large.send(offer)
