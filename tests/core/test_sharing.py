"""A large configuration is read as it was written, with one copy of what agents have in common."""

import msgspec
import pytest

from acd.core.messages import AgentSettings, ApplyConfig, Capacity, ChannelShare, CoreSettings, QueueSettings
from acd.core.messages.codec import decode_command, encode
from acd.core.messages.sharing import decode_config, shared

CAPACITY = Capacity(100, (ChannelShare("voice", 100), ChannelShare("chat", 30, 3, ("mail",))))

LARGE = 2_000


def settings_of(agents: int) -> CoreSettings:
    people = tuple(
        AgentSettings(
            f"a{number:05d}", (("english", 7), ("billing", number % 9 + 1)), ("vip",), ("q",), CAPACITY, 3, (("q", 2),)
        )
        for number in range(agents)
    )
    return CoreSettings(people, (QueueSettings("q", "skills.english >= 5"),), scores=(("own", "0" * 64),))


@pytest.mark.parametrize("agents", [0, 3, LARGE])
def test_a_configuration_is_read_as_it_was_written(agents: int) -> None:
    command = ApplyConfig("c", settings_of(agents), actor="boss", trace="t")
    assert decode_command(encode(command)) == command
    assert decode_config(encode(command)) == command


def test_a_large_configuration_has_one_copy_of_what_agents_share() -> None:
    command = decode_command(encode(ApplyConfig("c", settings_of(LARGE))))
    assert isinstance(command, ApplyConfig)
    agents = command.settings.agents
    assert len({id(agent.capacity) for agent in agents}) == 1
    assert len({id(agent.skills) for agent in agents}) == 9
    assert len({id(skill) for agent in agents for skill in agent.skills}) == 10
    assert len({id(agent.labels) for agent in agents}) == 1
    assert len({id(agent.queues) for agent in agents}) == 1
    assert len({id(agent.levels) for agent in agents}) == 1


def test_sharing_changes_nothing() -> None:
    settings = settings_of(50)
    assert shared(settings) == settings


def test_what_is_wrong_in_a_large_configuration_is_named_by_its_place() -> None:
    raw = encode(ApplyConfig("c", settings_of(LARGE))).replace(b"a00007", b"a0 007")
    with pytest.raises(msgspec.ValidationError, match=r"\$\.settings\.agents\[7\]\.id"):
        decode_command(raw)
