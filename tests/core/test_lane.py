"""Lanes behave as a sorted list of the living, whatever is pushed, killed or restored."""

from hypothesis import given
from hypothesis import strategies as st

from acd.core.lane import Lane, Ticket, order

Steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 50)),
        st.tuples(st.just("kill"), st.integers(0, 10_000)),
        st.tuples(st.just("peek"), st.just(0)),
    ),
    max_size=400,
)


@given(Steps)
def test_a_lane_agrees_with_a_sorted_list(steps: list[tuple[str, int]]) -> None:
    lane: Lane[int] = Lane()
    living: list[Ticket[int]] = []
    for seq, (step, value) in enumerate(steps):
        if step == "push":
            ticket = Ticket(value, seq, seq)
            became_head = lane.push(ticket)
            living.append(ticket)
            living.sort(key=order)
            # A False must be true: whoever relies on it would miss the new head.
            assert became_head or living[0] is not ticket or not _heads_alive(lane)
        elif step == "kill" and living:
            living.pop(value % len(living)).alive = False
        assert lane.peek() is (living[0] if living else None)
        assert list(lane.living()) == living


def _heads_alive(lane: Lane[int]) -> bool:
    """Whether the entry at the head is a living one; a dead one's place is still a lower bound."""
    return bool(lane.items) and lane.items[lane.head].alive


def test_a_lane_whose_middle_dies_does_not_grow() -> None:
    lane: Lane[int] = Lane()
    first = Ticket(0, 0, 0)
    lane.push(first)
    for seq in range(1, 100_000):
        ticket = Ticket(seq, seq, seq)
        lane.push(ticket)
        ticket.alive = False
    assert lane.peek() is first
    assert len(lane.items) <= 129


def test_dead_heads_are_given_back() -> None:
    lane: Lane[int] = Lane()
    tickets = [Ticket(seq, seq, seq) for seq in range(10_000)]
    for ticket in tickets:
        lane.push(ticket)
    for ticket in tickets[:9_999]:
        ticket.alive = False
        lane.peek()
    assert len(lane.items) <= 200
    assert lane.peek() is tickets[-1]


def test_dead_heads_of_a_short_lane_are_given_back_few_at_a_time() -> None:
    lane: Lane[int] = Lane()
    tickets = [Ticket(seq, seq, seq) for seq in range(500)]
    for ticket in tickets:
        lane.push(ticket)
    freed = []
    for ticket in tickets[:-1]:
        ticket.alive = False
        before = len(lane.items)
        lane.peek()
        freed.append(before - len(lane.items))
    assert max(freed) <= 10
    assert len(lane.items) <= 10
