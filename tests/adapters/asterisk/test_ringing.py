"""How agents' telephones ring: headers and the caller's identity in the INVITE that a real Asterisk sends."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core.messages import InteractionCompleted
from acd_asterisk import translate
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.options import read_options
from acd_asterisk.ringing import MAX_NAME, presentation
from acd_asterisk.wire import Party
from tests.adapters.asterisk.rig import Agent, Queue, rig

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"}
TRACED = AgentBehaviour(ring_ms=50, talk_ms=100, hang_up_chance=1.0, trace=True)


def invites(messages: str) -> dict[str, str]:
    """The INVITEs that telephones were sent, by the name of the telephone."""
    found = re.finditer(r"INVITE sips?:([^@;]+)@.*?\n\s*\n", messages, re.DOTALL)
    return {each[1]: each[0] for each in found}


def header(invite: str, name: str) -> str:
    """A header's value; empty when there is none."""
    found = re.search(rf"^{name}: (.*?)\r?$", invite, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


async def test_headers_and_names(provisioned: Provisioned, tmp_path: Path) -> None:
    """Who picks up by itself, and what is shown of which queue's callers."""
    options = {
        "phones": {"auto_answer": "call-info", "headers": {"X-Ring": "slow"}, "caller_name": "{queue}: {name}"},
        "agents": {"ben": {"auto_answer": "alert-info"}, "carla": {"auto_answer": "off"}},
        "queues": {"support": {"caller_name": "支持 {number}"}},
    }
    agents = [Agent(name, TRACED, skills={name: 1}) for name in ("anna", "ben", "carla")]
    queues = [Queue("sales", "skills.anna > 0"), Queue("support", "skills.ben > 0"), Queue("other", "skills.carla > 0")]
    async with rig(provisioned, tmp_path, agents, queues=queues, options=options) as it:
        await it.ready("anna", "ben", "carla")
        calls = [
            CallSpec(caller=f"1000{at}", dialled=queue.name, name='王小明 "&${X}' if at == 0 else "")
            for at, queue in enumerate(queues)
        ]
        async with it.callers(*calls) as callers:
            await callers.finished(seconds=10)
        await it.empty()
        assert len(it.all(InteractionCompleted)) == 3
        found = invites(it.phones.messages())
        assert header(found["anna"], "Call-Info") == "<sip:acd.invalid>;answer-after=0"
        assert header(found["anna"], "X-Ring") == header(found["ben"], "X-Ring") == "slow"
        assert header(found["ben"], "Alert-Info") == "<http://acd.invalid>;info=alert-autoanswer;delay=0"
        assert not header(found["ben"], "Call-Info")
        assert not header(found["carla"], "Call-Info") + header(found["carla"], "Alert-Info")
        assert header(found["anna"], "From").startswith('"sales: 王小明 X" <sip:10000@')
        assert header(found["ben"], "From").startswith('"支持 10001" <sip:10001@')


def shown(party: Party, queue: str = "sales", endpoint: str = "PJSIP/anna", **options: object) -> str:
    """The caller's identity as ARI takes it."""
    read = read_options("pbx1", {**PLAIN, **options})
    return presentation(read, party, queue=queue, agent_id="anna", endpoint=endpoint).caller_id


@pytest.mark.parametrize(
    ("form", "party", "becomes"),
    [
        ("{queue}: {name}", Party("Anna", "1"), '"sales: Anna" <1>'),
        ("{queue}: {name}", Party("", "1"), '"sales" <1>'),
        ("{name} - {number}", Party("Anna", ""), '"Anna" <>'),
        ("Shop", Party("Anna", "1"), '"Shop" <1>'),
        ("", Party("Anna", "1"), "1"),
        ("{queue} {name}", Party('" <2>,&${X}', "1"), '"sales 2 X" <1>'),
    ],
)
def test_names_by_a_form(form: str, party: Party, becomes: str) -> None:
    assert shown(party, phones={"caller_name": form}) == becomes


def test_a_fixed_number_is_shown_as_it_is() -> None:
    assert shown(Party("Anna", "1"), caller_id="4711") == "4711"
    assert shown(Party("Anna", "1"), caller_id="") == ""


def test_headers_only_where_they_can_be_added() -> None:
    options = read_options("pbx1", {**PLAIN, "phones": {"auto_answer": "call-info"}})
    party = Party("Anna", "1")
    with_headers = presentation(options, party, queue="sales", agent_id="anna", endpoint="PJSIP/anna").variables
    assert with_headers == {"PJSIP_HEADER(add,Call-Info)": "<sip:acd.invalid>;answer-after=0"}
    assert presentation(options, party, queue="sales", agent_id="anna", endpoint="IAX2/anna").variables == {}


@pytest.mark.parametrize(
    ("party", "becomes"),
    [
        (Party("", ""), ""),
        (Party("", "10001"), "10001"),
        (Party("Anna B.", "+49 (30) 100-1"), '"Anna B." <+4930100-1>'),
        (Party("王小明", "10001"), '"王小明" <10001>'),
        (Party("Anna", ""), '"Anna" <>'),
        (Party('A" <666>', "1&PJSIP/x"), '"A 666" <1PJSIPx>'),
        (Party("a\r\nX: 1", "1\r\n2"), '"a X 1" <12>'),
        (Party("${SHELL(x)},|;", "${X}"), '"SHELL x" <X>'),
    ],
)
def test_caller_id(party: Party, becomes: str) -> None:
    assert shown(party) == becomes


@given(st.text(max_size=300), st.text(max_size=300))
def test_caller_id_of_anybody_is_harmless(name: str, number: str) -> None:
    found = shown(Party(name, number), phones={"caller_name": "{queue}: {name}"})
    assert len(found) <= MAX_NAME + translate.MAX_CALLER_NUMBER + len('"" <>')
    assert found.count('"') in {0, 2}
    assert not set(found) & set("&,|;${}\\()\r\n\x00")
