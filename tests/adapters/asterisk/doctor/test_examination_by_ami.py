"""`acd doctor` on a real Asterisk of which nothing but AMI is used: test calls, endpoints, modules, the clock."""

from pathlib import Path

from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.doctor.test_examination import as_user, without_ari
from tests.adapters.asterisk.doctor.ward import Ward, run, states, until_quiet, ward, wrongs
from tests.adapters.asterisk.rig import EXAMPLES, Agent, manager_section, rig

NO_FUNC_URI = "not loaded: func_uri, without which calls are lost in the dialplan; load it in modules.conf"


async def test_calls_without_ari(provisioned: Provisioned, tmp_path: Path) -> None:
    """Without an engine to the fallback; nowhere; a telephone that rings, and one that does not. Nothing is left."""
    plan = {"extensions.conf": (EXAMPLES / "extensions_ami.conf").read_text()}
    users = {"manager.conf": manager_section("AMI_ONLY.md")}
    rings = AgentBehaviour(ring_ms=60_000)
    async with ward(provisioned, tmp_path, behaviour=rings, replace=plan, extra=users) as it:
        after = '[agents.ben]\naddresses.voice = "PJSIP/nobody"\n'
        file = without_ari(as_user(it.write(after=after), "least", "a password"))
        found = await it.examine(file, "--call", "1000@acd-inbound", "--ring", "anna")
        assert states(found, "fallback") == ["good"], found
        assert "served by Queue(acd-fallback" in found["fallback"][0][1]
        assert states(found, "ring") == ["good"], found
        assert "PJSIP/anna rings" in found["ring"][0][1]
        assert (states(found, "modules"), states(found, "clock")) == (["good"], ["good"]), found
        found = await it.examine(file, "--call", "1000@nowhere", "--ring", "ben")
        assert "call" in wrongs(found)
        assert states(found, "ring") != ["good"]
        await until_quiet(it)


async def test_missing_modules_without_ari(provisioned: Provisioned, tmp_path: Path) -> None:
    plan = {"extensions.conf": (EXAMPLES / "extensions_ami.conf").read_text()}
    async with ward(provisioned, tmp_path, replace=plan) as it:
        config = it.pbx.folder / "config" / "modules.conf"
        config.write_text(config.read_text().replace("load = func_uri\n", ""))
        await it.pbx.restart()
        found = await it.examine(without_ari(it.write()))
        assert wrongs(found)["modules"] == NO_FUNC_URI


async def test_beside_a_running_engine_without_ari(provisioned: Provisioned, tmp_path: Path) -> None:
    """The engine takes the test call in, and everything is as before."""
    async with rig(provisioned, tmp_path, [Agent("anna")], over_ami=True) as it:
        after = f'[journal]\npath = "{it.config.journal.path}"\n'
        file = without_ari(as_user(Ward(it.pbx, tmp_path).write(after=after), "least", "a password"))
        status, output = await run(file, "--call", "1000@acd-inbound")
        assert status == 0, output
        assert "1000@acd-inbound leads to [acd-ami], and the engine has taken the call in" in output
        assert it.channel.health()["connected"] is True
        await it.empty()
