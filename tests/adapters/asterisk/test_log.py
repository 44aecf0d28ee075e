"""The log of a real `acd serve`: one call is followed by its ids from line to line, and nobody's number is in it."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

from acd_asterisk.lab import AgentBehaviour, CallSpec, Pbx, Provisioned, SippAgents, SippCallers
from tests.adapters.asterisk.rig import EXAMPLES
from tests.served import Served, ask, write_centre, write_secret

CALLER = "4930100200"
CONFIG = """\
[snapshots]
enabled = false
[api]
port = 0
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[channels.pbx1]
type = "asterisk"
url = "{url}"
user = "{user}"
password_file = "ari-password"
[agents.anna]
addresses.voice = "PJSIP/anna"
[agents.ben]
addresses.voice = "PJSIP/nobody"
[queues.sales]
wrap_up = "0s"
"""


def lines(log: str) -> Iterator[dict[str, str]]:
    """Those that are ours."""
    for line in log.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


async def test_one_call_by_its_ids(provisioned: Provisioned, tmp_path: Path, lives: list[Served]) -> None:
    """Taken in, an agent who cannot be had, one who can, joined, over: each line with both ids under the same keys."""
    talker = AgentBehaviour(ring_ms=20, talk_ms=200, hang_up_chance=1.0)
    dialplan = {"extensions.conf": (EXAMPLES / "extensions.conf").read_text()}
    phones = SippAgents(provisioned, [(["anna"], talker)])
    async with phones, Pbx(provisioned, agents=phones.telephones, replace_config=dialplan) as pbx:
        write_secret(tmp_path, "ari-password", pbx.ari_password)
        write_centre(tmp_path, CONFIG.format(url=pbx.ari_url, user=pbx.ari_user))
        served = Served(tmp_path, "--log", "json", "--log-level", "debug")
        lives.append(served)
        address = await asyncio.to_thread(served.ready)
        for agent in ("ben", "anna"):
            status, said = await asyncio.to_thread(
                ask, f"{address}/v1/agents/{agent}/sign-in", "POST", body=b'{"ready": true}'
            )
            assert status == 200, said
        calls = [CallSpec(caller=CALLER, dialled="sales")]
        async with SippCallers(provisioned, calls, sip_port=pbx.sip_port) as callers:
            await callers.finished(seconds=20)
        _, _, log = await asyncio.to_thread(served.end, signal.SIGTERM)
    told = list(lines(log))
    (first,) = [each for each in told if each["event"] == "call taken in"]
    ids = {key: first[key] for key in ("interaction", "channel")}
    assert ids["interaction"] == f"pbx1-{ids['channel']}"
    about = [each["event"] for each in told if each.get("interaction") == ids["interaction"]]
    assert about[0] == "call taken in"
    assert about.count("agent dialled") == 2
    assert about.index("call joined") > about.index("agent dialled")
    assert about[-1] == "call over"
    for each in told:
        if each["event"].startswith(("call ", "agent ")) or ids["channel"] in str(each):
            assert {key: each[key] for key in ids} == ids, each
    assert CALLER not in log
    assert pbx.ari_password not in log
