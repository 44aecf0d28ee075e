"""Who has room, and what would have to end first, by capacity."""

from collections.abc import Iterable

import acd.core.messages as m
from acd.runtime.config.capacities import PROFILES
from acd.runtime.crowds import Crowds
from acd.runtime.hands import Hands
from acd.runtime.occupied import Ended, Occupied
from acd.runtime.records import AgentRecord, InteractionRecord, QueueRecord, WorkRecord

SECOND = 1_000_000


class Floor:
    """Agents of one capacity each, and what they have in hand as (channel, …) by agent."""

    def __init__(self, *people: tuple[m.Capacity, Iterable[str]]) -> None:
        self.agents = {
            f"a{number}": AgentRecord(f"a{number}", m.AgentSettings(f"a{number}", capacity=capacity), 0, "ready")
            for number, (capacity, _) in enumerate(people)
        }
        self.interactions: dict[str, InteractionRecord] = {}
        self.crowds = Crowds(self.agents, {"q": QueueRecord("q", m.QueueSettings("q"))})
        self.occupied = Occupied(self.crowds.numbers)
        self.hands = Hands(self.crowds, self.occupied)
        for number, (_, channels) in enumerate(people):
            for channel in channels:
                self.give(f"a{number}", channel)

    def give(self, agent_id: str, channel: str, *, pending: int = 1) -> WorkRecord:
        number = len(self.interactions)
        row = InteractionRecord(f"i{number}", channel, "q", "", 0, (), "", "", 0, number, "offered")
        row.pending = tuple((f"i{number}.{each}", "") for each in range(pending))
        self.interactions[row.id] = row
        item = WorkRecord(f"i{number}.1", row.id, agent_id, channel, "offered", 5 * SECOND, 5 * SECOND, 0)
        self.agents[agent_id].work[row.id] = item
        self.look(agent_id)
        return item

    def look(self, agent_id: str, at_s: float = 5.0) -> list[Ended]:
        return self.occupied.look(self.agents[agent_id], self.interactions, round(at_s * SECOND))

    def weights(self, channel: str) -> list[tuple[str, float]]:
        """(Channel in hand, weight) of what is in the way of a channel."""
        rows, weights = self.hands.occupied(("q", "", channel))
        return sorted(
            (self.occupied.kinds[row["kind"]][1], float(weight)) for row, weight in zip(rows, weights, strict=True)
        )


def test_exclusive_agents_are_free_or_not() -> None:
    exclusive = PROFILES["exclusive"]
    floor = Floor((exclusive, ["voice"]), (exclusive, ["chat"]), (exclusive, []))
    assert floor.hands.free(("q", "", "voice")) == 1
    assert floor.hands.are_free(("q", "", "voice"), 0)
    assert not floor.hands.are_free(("q", "", "voice"), 1)
    assert floor.weights("voice") == [("chat", 1.0), ("voice", 1.0)]


def test_whoever_is_not_ready_does_not_count() -> None:
    exclusive = PROFILES["exclusive"]
    floor = Floor((exclusive, ["voice"]), (exclusive, []))
    for agent_id in floor.agents:
        floor.crowds.presence(agent_id, "draining")
    assert floor.hands.free(("q", "", "voice")) == 0
    assert floor.weights("voice") == []


def test_chats_stand_in_the_way_of_a_call_only_when_one_alone_would_make_room() -> None:
    """`parallel`: a call takes 50 of 100 units, a chat 25."""
    parallel = PROFILES["parallel"]
    floor = Floor((parallel, ["chat"] * 3), (parallel, ["chat"] * 4), (parallel, ["voice"]))
    assert floor.hands.free(("q", "", "voice")) == 0
    assert floor.weights("voice") == [("chat", 1.0)] * 3 + [("voice", 1.0)]
    # One who has a call takes two chats more.
    assert floor.hands.free(("q", "", "chat")) == 2


def test_a_call_in_hand_is_worth_several_chats() -> None:
    capacity = m.Capacity(100, (m.ChannelShare("chat", 33, 3), m.ChannelShare("voice", 100, 1)))
    floor = Floor((capacity, ["voice"]), (capacity, ["chat", "chat"]), (capacity, ["chat"]))
    assert floor.weights("chat") == [("chat", 1.0)] * 3 + [("voice", 3.0)]
    assert floor.weights("voice") == [("chat", 1.0), ("voice", 1.0)]
    assert floor.hands.exchange("voice", "chat") == 3.0
    assert floor.hands.exchange("chat", "chat") == 1.0


def test_reserved_voice_keeps_the_channels_apart() -> None:
    reserved = PROFILES["reserved-voice"]
    floor = Floor((reserved, ["chat", "chat"]), (reserved, ["voice"]))
    assert floor.hands.free(("q", "", "voice")) == 1
    assert floor.weights("voice") == [("voice", 1.0)]
    assert floor.hands.exchange("chat", "voice") == 0.0
    assert floor.hands.exchange("chat", "chat") == 1.0


def test_what_is_interrupted_is_not_in_the_way() -> None:
    capacity = m.Capacity(100, (m.ChannelShare("voice", 100, 1, ("email",)), m.ChannelShare("email", 20, 5)))
    floor = Floor((capacity, ["email"] * 4), (capacity, ["voice", "email"]))
    assert floor.hands.free(("q", "", "voice")) == 1
    assert floor.weights("voice") == [("voice", 1.0)]


def test_rows_follow_the_work_in_hand() -> None:
    exclusive = PROFILES["exclusive"]
    floor = Floor(*[(exclusive, [])] * 100)
    items = [floor.give(f"a{number}", "voice") for number in range(100)]
    assert len(floor.occupied.rows) == 100
    assert floor.occupied.busy == (1 << 100) - 1
    items[3].state = "active"
    assert floor.look("a3") == []
    items[3].state, items[3].since_us = "wrap-up", 65 * SECOND
    assert floor.look("a3", 65.0) == []
    assert [bool(row["wrap_up"]) for row in floor.occupied.rows].count(True) == 1
    for number in (3, 99, 0, 50):
        floor.agents[f"a{number}"].work.clear()
    assert floor.look("a3", 95.0) == [Ended("q", "voice", 60 * SECOND, 30 * SECOND, accepted=True)]
    for number in (99, 0, 50):
        assert [ended.accepted for ended in floor.look(f"a{number}", 7.0)] == [False]
    assert sorted(floor.occupied.rows["agent"]) == [each for each in range(100) if each not in (0, 3, 50, 99)]
    assert not floor.occupied.busy >> 50 & 1


def test_of_several_who_ring_each_has_their_share() -> None:
    floor = Floor((PROFILES["exclusive"], []))
    item = floor.give("a0", "voice", pending=4)
    assert floor.occupied.rows["share"][0] == 0.25
    item.state = "active"
    floor.look("a0")
    assert floor.occupied.rows["share"][0] == 1.0


def test_an_adviser_who_is_handed_the_customer_begins_anew() -> None:
    floor = Floor((PROFILES["exclusive"], []))
    item = floor.give("a0", "voice")
    item.state = "active"
    floor.look("a0", 20.0)
    work = floor.agents["a0"].work
    floor.interactions["parent"] = InteractionRecord("parent", "voice", "other", "", 0, (), "", "", 0, 7, "active")
    item.interaction_id = "parent"
    work["parent"] = work.pop("i0")
    assert floor.look("a0", 65.0) == [Ended("q", "voice", 60 * SECOND, 0, accepted=True)]
    assert list(floor.occupied.rows["since_us"]) == [65 * SECOND]
    assert floor.occupied.kinds[floor.occupied.rows["kind"][0]] == ("other", "voice")


def test_those_of_a_later_level_count_only_when_nobody_else_is_there() -> None:
    agents = {
        name: AgentRecord(name, m.AgentSettings(name, levels=levels), 0, "ready")
        for name, levels in (("own", ()), ("helper", (("q", 2),)))
    }
    queues = {
        "q": QueueRecord("q", m.QueueSettings("q", level_delays_us=(30 * SECOND,))),
        "r": QueueRecord("r", m.QueueSettings("r")),
    }
    crowds = Crowds(agents, queues)
    assert crowds.slots(("q", "", "voice")) == 1
    assert crowds.slots(("r", "", "voice")) == 2
    crowds.presence("own", "not-ready")
    assert crowds.of(("q", "", "voice")) & crowds.staffed == 0b10
    assert crowds.slots(("q", "", "voice")) == 1
    crowds.presence("helper", "signed-out")
    assert crowds.slots(("q", "", "voice")) == 0
