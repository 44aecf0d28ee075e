"""What a scenario may hold; whether SIPp plays it as meant is shown in test_sipp.py."""

import xml.etree.ElementTree as ET

import pytest

from acd_asterisk.lab import AgentBehaviour, CallSpec
from acd_asterisk.lab._scenario import agents_scenario, callers_scenario, injected_file


@pytest.mark.parametrize(
    "behaviour",
    [
        AgentBehaviour(),
        AgentBehaviour(ring_ms=(100, 900), talk_ms=(1, 2), hang_up_chance=0.5),
        AgentBehaviour(no_answer_chance=0.2, busy_chance=0.3, decline_chance=0.5),
    ],
)
def test_the_agents_scenario_is_xml_with_every_label_it_jumps_to(behaviour: AgentBehaviour) -> None:
    assert_labels_exist(agents_scenario(behaviour))


def test_the_callers_scenario_is_xml_with_every_label_it_jumps_to() -> None:
    assert_labels_exist(callers_scenario([CallSpec("1", "2", headers={"X-ACD-A": "b"})]))


def assert_labels_exist(scenario: str) -> None:
    assert "@" not in scenario.replace("@[", "").replace("@)", "").replace("[^@", "").replace("+)@", "")
    root = ET.fromstring(scenario)  # noqa: S314 - our own text
    labels = {element.get("id") for element in root.iter("label")}
    wanted = {e.get(name) for e in root.iter() for name in ("next", "ontimeout") if e.get(name)}
    assert wanted <= labels


def test_a_call_with_fewer_headers_gets_harmless_ones() -> None:
    calls = [
        CallSpec("1", "2", headers={"X-ACD-A": "b"}, ear=7_000),
        CallSpec("3", "4", hang_up_after_ms=5, patience_ms=6, name='a "b" 王'),
    ]
    assert injected_file(calls, 9_000).splitlines() == [
        "SEQUENTIAL",
        "1;2;3600000;limit;3600000;limit;7000;;X-ACD-A: b",
        '3;4;5;caller;6;abandoned;9000;"a \\"b\\" 王" ;X-Lab-Filler: -',
    ]


@pytest.mark.parametrize("value", ["a;b", "a\r\nVia: x", "[field0]", "\x00"])
def test_a_header_that_would_break_out_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="X-ACD-A"):
        CallSpec("1", "2", headers={"X-ACD-A": value})
    with pytest.raises(ValueError, match="name"):
        CallSpec("1", "2", name=value)


@pytest.mark.parametrize("number", ["", "#1", "1;2", "1 2", "a@b"])
def test_a_number_that_would_break_out_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="number"):
        CallSpec(number, "2")


def test_chances_that_exclude_each_other_cannot_exceed_one() -> None:
    with pytest.raises(ValueError, match="chance"):
        AgentBehaviour(no_answer_chance=0.6, busy_chance=0.6)
