"""Options of agents' telephones: what is read, and every problem with the key it is about."""

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import Options, read_options

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "x"}


def read(**options: object) -> Options:
    return read_options("pbx1", {**PLAIN, **options})


def test_defaults() -> None:
    """No lamps, no headers, the caller's own name."""
    options = read()
    assert options.phones.everyone.lamps == ()
    assert options.phones.headers("anna") == ()
    assert options.phones.everyone.caller_name == "{name}"
    assert options.queues == {}


def test_one_agent_differs() -> None:
    options = read(
        phones={"auto_answer": "call-info", "headers": {"X-A": "b"}, "lamps": ["pause", "agent"]},
        agents={"anna": {"auto_answer": "off"}, "ben": {}},
        queues={"sales": {"caller_name": "Sales: {name}"}, "support": {}},
    )
    assert options.phones.headers("anna") == (("X-A", "b"),)
    assert options.phones.headers("ben") == options.phones.headers("anybody")
    assert [name for name, _ in options.phones.headers("ben")] == ["Call-Info", "X-A"]
    assert options.phones.everyone.lamps == ("agent", "pause")
    assert options.queues["sales"].caller_name == "Sales: {name}"
    assert options.queues["support"].caller_name is None


def test_where_a_key_is_needed() -> None:
    options = read(
        confirm={
            "addresses": ["PJSIP/*@trunk", "PJSIP/+86*@*"],
            "prompt": ["custom/press-1", "number:1"],
            "accept": "#",
        },
        agents={"anna": {"confirm": True}, "ben": {"confirm": False}, "carla": {}},
    )
    confirm, agents = options.confirm, options.phones.agents
    assert (confirm.prompt, confirm.accept, confirm.decline) == (("sound:custom/press-1", "number:1"), "#", "2")
    assert confirm.is_needed(agents["anna"], "PJSIP/anna")
    assert not confirm.is_needed(agents["ben"], "PJSIP/1@trunk")
    assert confirm.is_needed(agents["carla"], "PJSIP/1@trunk")
    assert confirm.is_needed(None, "PJSIP/+8613800138000@other")
    assert not confirm.is_needed(None, "PJSIP/dora")
    assert not read().confirm.is_needed(None, "PJSIP/1@trunk")
    assert read().confirm.prompt == ("sound:followme/options",)


def test_what_needs_ari() -> None:
    """With AMI alone it would be taken, and do nothing: said at `acd check`."""
    given: dict[str, object] = {
        "control": "ami",
        "ami": {"user": "acd", "password": "x"},
        "recording": {"mode": "mixed"},
        "codes": {"sign_in": "*45"},
        "phones": {"lamps": ["agent"], "auto_answer": "call-info"},
        "confirm": {"addresses": ["PJSIP/*@trunk"]},
        "agents": {"anna": {"confirm": True}, "ben": {"confirm": False}},
        "queues": {"sales": {"briefing": ["custom/sales"]}, "support": {}},
    }
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", given)
    assert [problem.partition(": ")[0].removeprefix("channels.pbx1.") for problem in caught.value.problems] == [
        *("recording.mode", "codes", "phones.lamps", "confirm.addresses"),
        *("agents.anna.confirm", "queues.sales.briefing"),
    ]


def test_what_agents_hear_first() -> None:
    queues = read(queues={"sales": {"briefing": ["custom/sales", "digits:4711"]}, "support": {}}).queues
    assert queues["sales"].briefing == ("sound:custom/sales", "digits:4711")
    assert queues["support"].briefing == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"phones": {"lamps": ["blue"]}}, "phones.lamps: 'blue' is no lamp; known are agent, pause, sign-in"),
        ({"phones": {"lamps": "agent"}}, "phones.lamps: is not a list of texts"),
        ({"phones": {"auto_answer": "yes"}}, "phones.auto_answer: 'yes' is no choice"),
        ({"phones": {"headers": {"Via": "x"}}}, "phones.headers.Via: is no header that can be added"),
        ({"phones": {"headers": {"X A": "x"}}}, "phones.headers.X A: is no header that can be added"),
        ({"phones": {"headers": {"X-A": "a\r\nX-B: c"}}}, "phones.headers.X-A: has characters"),
        ({"phones": {"headers": {"X-A": "${SHELL(x)}"}}}, "phones.headers.X-A: has characters"),
        ({"phones": {"headers": {"X-A": 5}}}, "phones.headers.X-A: is not a text"),
        ({"phones": {"headers": {f"X-{at}": "a" for at in range(9)}}}, "phones.headers: has 9 entries"),
        ({"phones": {"caller_name": "{tier}"}}, "phones.caller_name: '{tier}' cannot be used"),
        ({"phones": {"caller_name": '"'}}, "phones.caller_name: '\"' cannot be used"),
        ({"phones": {"caller_name": "Shop"}, "caller_id": "4711"}, "caller_id: leaves nothing for phones.caller_name"),
        ({"phones": {"lamp": []}}, "phones.lamp: is no option of agents' telephones; did you mean lamps?"),
        ({"agents": {"anna": {"auto_answer": "on"}}}, "agents.anna.auto_answer: 'on' is no choice"),
        ({"agents": {"anna": 1}}, "agents.anna: is not a table"),
        ({"agents": {"anna": {"confirm": "yes"}}}, "agents.anna.confirm: 'yes' is not true or false"),
        ({"confirm": {"addresses": ["trunk"]}}, "confirm.addresses: 'trunk' matches no address"),
        ({"confirm": {"addresses": ["PJSIP/[ab]"]}}, "confirm.addresses: 'PJSIP/[ab]' matches no address"),
        ({"confirm": {"accept": "12"}}, "confirm.accept: '12' cannot be used"),
        ({"confirm": {"accept": "2"}}, "confirm.decline: '2' accepts already"),
        ({"confirm": {"prompt": ["a b"]}}, "confirm.prompt: 'a b' cannot be played"),
        ({"confirm": {"prompt": [], "addresses": ["PJSIP/*@trunk"]}}, "confirm.prompt: is empty"),
        ({"confirm": {"prompt": []}, "agents": {"anna": {"confirm": True}}}, "confirm.prompt: is empty"),
        ({"queues": {"sales": {"briefing": ["tone:${X}"]}}}, "queues.sales.briefing: 'tone:${X}' cannot be played"),
        ({"queues": {"sales": {"caller_name": "{x}"}}}, "queues.sales.caller_name: '{x}' cannot be used"),
        ({"queues": {"sales": {"name": "x"}}}, "queues.sales.name: is no option of a queue at this PBX"),
    ],
)
def test_problem(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    (problem,) = caught.value.problems
    assert problem.startswith(f"channels.pbx1.{says}"), problem
