"""The real app_queue and the engine, from the same files: when is a member with a penalty asked?"""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd_asterisk.importing.command import command
from acd_asterisk.lab import AgentBehaviour, CallSpec, Pbx, Provisioned, SippAgents, SippCallers

QUEUES = "[q]\nstrategy=leastrecent\nretry=1\ndefaultrule=r\nmember => PJSIP/ben,5\n"
RULES = "[r]\npenaltychange => 1,1\npenaltychange => 2,+4\n"
DIALPLAN = """
[acd-inbound]
exten => _[a-z0-9].,1,ExecIf($["${EXTEN}" != "unset"]?Set(QUEUE_MAX_PENALTY=${EXTEN:1}))
 same => n,Queue(q,,,,12)
 same => n,Hangup()
[acd-agents]
exten => _X.,1,Hangup()
"""
ASTERISK_LOOKS_EVERY_SECONDS = 1.0


@pytest.mark.parametrize(
    ("dialled", "chosen", "delays", "seconds"),
    [
        ("m0", "0", ["2s"], 2.0),
        ("m5", "5", None, 0.0),
        ("unset", "1000000", None, 0.0),
    ],
)
async def test_a_rule_opens_a_level_when_app_queue_would_ask(
    dialled: str, chosen: str, delays: list[str] | None, seconds: float, provisioned: Provisioned, tmp_path: Path
) -> None:
    """A rule changes a maximum that the dialplan has set; where it sets none, the rule has no effect."""
    behaviour = AgentBehaviour(ring_ms=20, talk_ms=100, hang_up_chance=1.0)
    files = {"queues.conf": QUEUES, "queuerules.conf": RULES}
    phones = SippAgents(provisioned, [(["ben"], behaviour)])
    config = {**files, "extensions.conf": DIALPLAN}
    async with phones, Pbx(provisioned, agents=phones.telephones, replace_config=config) as pbx:
        async with SippCallers(provisioned, [CallSpec("1", dialled)], sip_port=pbx.sip_port) as callers:
            (caller,) = await callers.finished(seconds=20)
        (agent,) = phones.dialogs()
    waited = (agent.invited_us - caller.invited_us) / 1_000_000
    assert seconds <= waited <= seconds + 2 * ASTERISK_LOOKS_EVERY_SECONDS
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    result = CliRunner().invoke(command, [*(str(tmp_path / name) for name in files), "--max-penalty", chosen])
    assert tomllib.loads(result.stdout)["queues"]["q"].get("level_delays") == delays
