"""Turns an agent's or a caller's behaviour into a SIPp scenario, and calls into a file that SIPp injects.

Owns: the placeholders of the two XML templates and the format of the injected file. Must not know:
processes, ports, or what the log says afterwards (that is `dialogs`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType

LIMIT_MS = 3_600_000
"""How long a call may take that nobody ends: an hour."""

FINAL_RESPONSES = (
    *(300, 301, 302, 400, 401, 403, 404, 405, 406, 407, 408, 410, 415, 420, 422, 423, 480, 481, 482, 483),
    *(484, 485, 486, 487, 488, 491, 500, 501, 502, 503, 504, 600, 603, 604, 606),
)
VOICE = "voice.ulaw"
"""The file beside the scenario that is said."""

_CANCELLED = 487
_PROVISIONAL = (100, 180, 181, 182, 183)
_RING = {180, 183}

_PLACEHOLDER = re.compile(r"@([A-Z_]+)(?:\(([a-z]+)\))?@")
_NUMBER = re.compile(r"[+*0-9A-Za-z][*0-9A-Za-z_.:-]{0,63}")
_KEYS = re.compile(r"[0-9*#]{0,32}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_FORBIDDEN_IN_VALUE = re.compile(r"[;\r\n\x00\[\]]")

_SDP = """\
v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000"""

_FIRST_HEADER = 8
"""The field of the injected file in which a call's headers begin."""


_INFO = """
INFO [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$local];tag=agent[pid]-[call_number]
To:[$remote]
[last_Call-ID:]
CSeq: [cseq] INFO
Contact: <sip:[$agent]@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/dtmf-relay
Content-Length: [len]

Signal={key}
Duration=100
"""


@dataclass(frozen=True, slots=True)
class AgentBehaviour:
    """How an agent's telephone behaves. Milliseconds; a pair is a uniform range, drawn for each call."""

    ring_ms: int | tuple[int, int] = 100
    """From the INVITE to picking up, or to declining."""
    talk_ms: int | tuple[int, int] = 1_000
    """From picking up to hanging up, when the agent is the one who hangs up."""
    hang_up_chance: float = 0.0
    """The share of the talks that the agent ends; the other side ends the rest."""
    no_answer_chance: float = 0.0
    """The share of the calls that ring until the PBX gives up."""
    busy_chance: float = 0.0
    """The share that is refused at once with 486."""
    decline_chance: float = 0.0
    """The share that rings for `ring_ms` and is refused with 603."""
    voice_hz: int = 0
    """How high a tone the agent says all the time once picked up; 0: nothing."""
    keys: str = ""
    """Pressed one after another once the call has been picked up, by SIP INFO."""
    keys_after_ms: int = 300
    """The pause before each of them."""
    ear: int = 0
    """Where the agent hears, and speaks if it has a voice: the port of an `Ear`; 0: nowhere."""
    trace: bool = False
    """Keep every message, for `SippAgents.messages`."""

    def __post_init__(self) -> None:
        chances = (self.hang_up_chance, self.no_answer_chance, self.busy_chance, self.decline_chance)
        if any(not 0 <= chance <= 1 for chance in chances) or sum(chances[1:]) > 1 + 1e-9:
            raise ValueError("a chance is between 0 and 1, and no answer, busy and decline exclude each other")
        for given in (self.ring_ms, self.talk_ms):
            low, high = (given, given) if isinstance(given, int) else given
            if not 0 <= low <= high <= LIMIT_MS:
                raise ValueError(f"{given!r} is no duration in milliseconds, nor a range of them")
        if not _KEYS.fullmatch(self.keys) or not 0 <= self.keys_after_ms <= LIMIT_MS:
            raise ValueError("keys are 0-9, * and #, and the pause before each is within an hour")


@dataclass(frozen=True, slots=True)
class CallSpec:
    """One call to make."""

    caller: str
    """The calling number; unique in a run, it joins what the caller and the agent saw."""
    dialled: str
    hang_up_after_ms: int = 0
    """When the caller hangs up by BYE, counted from when the PBX answers; 0: waits for the PBX to."""
    patience_ms: int = 0
    """When the caller gives up by CANCEL, counted from the INVITE, if the PBX has not answered; 0: never."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """More headers for the INVITE, such as X-ACD-Customer."""
    voice_hz: int = 0
    """How high a tone the callers say once they are through, the same for all calls of a run; 0: nothing."""
    ear: int = 0
    """Where the caller hears: the port of an `Ear`; 0: nowhere."""
    name: str = ""
    """What the caller's telephone says beside the number."""

    def __post_init__(self) -> None:
        for number in (self.caller, self.dialled):
            if not _NUMBER.fullmatch(number):
                raise ValueError(f"{number!r} is no number that a scenario can hold")
        if _FORBIDDEN_IN_VALUE.search(self.name):
            raise ValueError("a name that an injected file cannot hold")
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or _FORBIDDEN_IN_VALUE.search(value):
                raise ValueError(f"{name}: a header that an injected file cannot hold")
        if not (0 <= self.hang_up_after_ms <= LIMIT_MS and 0 <= self.patience_ms <= LIMIT_MS):
            raise ValueError("durations are between 0 and an hour")


def agents_scenario(behaviour: AgentBehaviour) -> str:
    """The XML of the agents' side."""
    left = 1.0
    branches: dict[str, str] = {}
    for name, label, share in (
        ("BUSY_BRANCH", "busy", behaviour.busy_chance),
        ("NO_ANSWER_BRANCH", "no-answer", behaviour.no_answer_chance),
        ("DECLINE_BRANCH", "decline", behaviour.decline_chance),
    ):
        # Each branch sees only the calls that the ones before it let pass.
        branches[name] = _branch(label, share / left if left > 0 else 0.0)
        left -= share
    values = {
        **branches,
        "ACKNOWLEDGED": _keys(behaviour, f' next="talk" chance="{behaviour.hang_up_chance:.6f}"'),
        "RING": _pause(behaviour.ring_ms),
        "TALK": _pause(behaviour.talk_ms),
        "LIMIT_MS": str(LIMIT_MS),
        "TAG": "agent[pid]-[call_number]",
        "SDP": _SDP.replace("[media_port]", str(behaviour.ear)) if behaviour.ear else _SDP,
    }
    return _render("agents.xml", values, "{event}|[timestamp]|[call_id]|[$agent]|[$caller]")


def _keys(behaviour: AgentBehaviour, branch: str) -> str:
    """The ACK, and the keys that are pressed after it; `branch` is where the last message leads."""
    voice = f'<action>{_voice(behaviour.voice_hz)}<ereg regexp="." search_in="msg" assign_to="whole"/></action>'
    if not behaviour.keys:
        return f'<recv request="ACK"{branch}>{voice}</recv>'
    steps = [f'<recv request="ACK">{voice}</recv>']
    for at, key in enumerate(behaviour.keys, 1):
        leads = branch if at == len(behaviour.keys) else ""
        steps.append(f'<pause milliseconds="{behaviour.keys_after_ms}"/>')
        steps.append(f'<send retrans="500" ontimeout="done"><![CDATA[{_INFO.format(key=key)}]]></send>')
        steps.append('<recv request="BYE" optional="true" next="bye"/>')
        steps.append(f'<recv response="200"{leads}/>')
    return "\n  ".join(steps)


def callers_scenario(calls: Sequence[CallSpec]) -> str:
    """The XML of the callers' side, with room for as many headers as any of the calls has."""
    most_headers = max((len(call.headers) for call in calls), default=0)
    final_after_cancel = (
        f'  <recv response="{code}" response_txn="invite" optional="true" next="acknowledge-failure"/>'
        for code in FINAL_RESPONSES
        if code != _CANCELLED
    )
    values = {
        "HEADERS": "\n".join(
            ["User-Agent: acd-lab-caller", *(f"[field{_FIRST_HEADER + index}]" for index in range(most_headers))]
        ),
        "PROVISIONAL": "\n".join(_provisional(code) for code in _PROVISIONAL),
        "FINAL": "\n".join(_final(code) for code in FINAL_RESPONSES),
        "FINAL_AFTER_CANCEL": "\n".join(final_after_cancel),
        "TAG": "caller[pid]-[call_number]",
        "BRANCH": "z9hG4bK-invite-[pid]-[call_number]",
        "SDP": _SDP.replace("[media_port]", "[field6]"),
        "VOICE": _voice(calls[0].voice_hz),
    }
    return _render("callers.xml", values, "{event}|[timestamp]|[call_id]|[field1]|[field0]")


def injected_file(calls: Sequence[CallSpec], deaf_port: int) -> str:
    """The calls as SIPp reads them: one line each, in order. `deaf_port`: what is sent there nobody hears."""
    most_headers = max((len(call.headers) for call in calls), default=0)
    lines = ["SEQUENTIAL"]
    for call in calls:
        headers = [f"{name}: {value}" for name, value in call.headers.items()]
        # An empty line would end the headers, so that a call with fewer of them repeats a harmless one.
        headers += ["X-Lab-Filler: -"] * (most_headers - len(headers))
        lines.append(
            ";".join(
                (
                    *(call.caller, call.dialled),
                    *(str(call.hang_up_after_ms or LIMIT_MS), "caller" if call.hang_up_after_ms else "limit"),
                    *(str(call.patience_ms or LIMIT_MS), "abandoned" if call.patience_ms else "limit"),
                    *(str(call.ear or deaf_port), _display(call.name)),
                    *headers,
                )
            )
        )
    return "\n".join((*lines, ""))


def _display(name: str) -> str:
    """As it stands before the address in From: quoted, since anything may be in it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" ' if name else ""


def _render(template: str, values: Mapping[str, str], log_form: str) -> str:
    def fill(found: re.Match[str]) -> str:
        return log_form.format(event=found[2]) if found[1] == "LOG" else values[found[1]]

    text = (files("acd_asterisk.lab") / "templates" / template).read_text()
    return _PLACEHOLDER.sub(fill, text)


def _voice(hertz: int) -> str:
    """What lets SIPp say the file again and again."""
    return f'<exec rtp_stream="{VOICE},-1,0,PCMU/8000"/>' if hertz else ""


def _branch(label: str, chance: float) -> str:
    return f'  <nop next="{label}" chance="{chance:.6f}"/>' if chance > 0 else ""


def _pause(duration: int | tuple[int, int]) -> str:
    if isinstance(duration, int) or duration[0] == duration[1]:
        return f'milliseconds="{duration if isinstance(duration, int) else duration[0]}"'
    return f'distribution="uniform" min="{duration[0]}" max="{duration[1]}"'


def _provisional(code: int) -> str:
    """Not advancing the state leaves the pause that follows running."""
    head = f'  <recv response="{code}" response_txn="invite" optional="global" advance_state="false"'
    if code not in _RING:
        return f"{head}/>"
    return f'{head}>\n    <action><log message="{_CALLER_RINGING}"/></action>\n  </recv>'


def _final(code: int) -> str:
    return (
        f'  <recv response="{code}" response_txn="invite" optional="global" next="failed">\n'
        '    <action><ereg regexp="SIP/2.0 ([0-9]+)" search_in="msg" assign_to="whole,code"/></action>\n'
        "  </recv>"
    )


_CALLER_RINGING = "ringing|[timestamp]|[call_id]|[field1]|[field0]"
