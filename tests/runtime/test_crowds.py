"""Crowds: after changes of single agents they are those that would be made anew."""

from random import Random

from acd.core.messages import AgentSettings, Capacity, ChannelShare, QueueSettings
from acd.runtime.crowds import Crowds, Kind
from acd.runtime.records import AgentRecord, DeviceRecord, QueueRecord

QUEUES = {
    "sales": QueueRecord("sales", QueueSettings("sales", "skills.english >= 5")),
    "desk": QueueRecord("desk", QueueSettings("desk", '"vip" in labels', level_delays_us=(5_000_000,))),
}
KINDS: tuple[Kind, ...] = (
    ("sales", "", "voice"),
    ("sales", "skills.german >= 2", "chat"),
    ("desk", "", "voice"),
    ("desk", "skills.english >= 3", "chat"),
)
CAPACITIES = (
    Capacity(),
    Capacity(100, (ChannelShare("voice", 60), ChannelShare("chat", 20, 3))),
    Capacity(100, (ChannelShare("chat", 50, 2),)),
    Capacity(100, (ChannelShare("voice", 100, 1, ("chat",)), ChannelShare("chat", 30, 3))),
)


def somebody(dice: Random, agent_id: str) -> AgentSettings:
    return AgentSettings(
        agent_id,
        tuple((skill, dice.randint(1, 9)) for skill in ("english", "german") if dice.random() < 0.7),
        ("vip",) if dice.random() < 0.5 else (),
        capacity=dice.choice(CAPACITIES),
        levels=(("desk", dice.randint(1, 3)),),
    )


def picture(crowds: Crowds) -> list[object]:
    found = [(kind, crowds.of(kind), crowds.slots(kind)) for kind in KINDS]
    return [*found, *((channel, list(crowds.rooms(channel).most)) for channel in ("voice", "chat"))]


def test_single_agents_change_as_if_everything_were_made_anew() -> None:
    for seed in range(20):
        dice = Random(seed)  # noqa: S311 - traffic, not secrecy
        agents = {name: AgentRecord(name, somebody(dice, name), 0, presence="ready") for name in "abcdefgh"}
        changed = Crowds(agents, QUEUES)
        for _ in range(12):
            if dice.random() < 0.7:
                picture(changed)
            row = agents[dice.choice("abcdefgh")]
            if dice.random() < 0.2:
                row.retired = True
                assert changed.change(row.id, None)
            else:
                row.settings, row.retired = somebody(dice, row.id), False
                assert changed.change(row.id, row.settings)
            assert picture(changed) == picture(Crowds(agents, QUEUES))


def test_whose_device_keeps_a_channel_from_them_is_not_there_for_it() -> None:
    rows = {name: AgentRecord(name, AgentSettings(name), 0, presence="ready") for name in "ab"}
    crowds, kind = Crowds(rows, {"open": QueueRecord("open", QueueSettings("open"))}), ("open", "", "voice")
    assert crowds.slots(kind) == 2
    crowds.keep_off("b", "voice", is_vetoed=True)
    assert (crowds.there("voice"), crowds.there("chat"), crowds.slots(kind)) == (0b01, 0b11, 1)
    rows["b"].devices = {"voice": DeviceRecord("in-use", 7)}
    assert Crowds(rows, {}).there("voice") == 0b01
    crowds.keep_off("b", "voice", is_vetoed=False)
    crowds.keep_off("nobody", "voice", is_vetoed=True)
    assert (crowds.there("voice"), crowds.slots(kind)) == (0b11, 2)


def test_who_is_new_needs_new_crowds() -> None:
    crowds = Crowds({}, QUEUES)
    assert not crowds.change("anna", AgentSettings("anna"))
    assert crowds.change("anna", None)
