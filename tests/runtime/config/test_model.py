"""The configuration's shape: single agents looked up and changed."""

from acd.core.messages import AgentSettings
from acd.runtime.config import AgentConfig, AgentEdit, loads

CONFIG = loads('[agents."anna"]\n[agents.carla]\n[agents.emil]\n')


def named(agent_id: str, name: str = "") -> AgentConfig:
    return AgentConfig(AgentSettings(agent_id), name)


def test_single_agents_are_found() -> None:
    assert [CONFIG.agent(each) is not None for each in ("anna", "bert", "emil", "", "zoe")] == [1, 0, 1, 0, 0]
    found = CONFIG.agent("carla")
    assert found is not None
    assert found.settings.id == "carla"


def test_single_agents_come_change_and_go_and_the_order_stays() -> None:
    other = CONFIG.with_agents(AgentEdit((named("carla", "C."), named("bert"), named("zoe")), ("emil",)))
    assert [(each.settings.id, each.name) for each in other.agents] == [
        ("anna", "anna"),
        ("bert", ""),
        ("carla", "C."),
        ("zoe", ""),
    ]
    assert other.with_agents(AgentEdit((), ("nobody", "anna"))).agents == other.agents[1:]
    assert [each.settings.id for each in CONFIG.agents] == ["anna", "carla", "emil"], "the first is as it was"
