"""What goes over the pipes is taken apart as it was put together, and what is too long is refused."""

import pytest

from acd_webrtc.recording.wire import MAX_FRAME, ORDERS, Frames, Ping, framed


def test_messages_are_taken_apart_wherever_they_are_cut() -> None:
    data = b"".join(framed(Ping(number)) for number in range(20))
    for size in (1, 3, 7, len(data)):
        frames, found = Frames(), []
        for at in range(0, len(data), size):
            found += [ORDERS.decode(each) for each in frames.feed(data[at : at + size])]
        assert found == [Ping(number) for number in range(20)]
    with pytest.raises(ValueError, match="at most"):
        Frames().feed((MAX_FRAME + 1).to_bytes(4, "big"))
