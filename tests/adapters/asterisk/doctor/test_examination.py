"""`acd doctor` on a real Asterisk: a healthy one, and each of the faults that people make."""

import asyncio
import re
import time
from pathlib import Path

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.config import Secret
from acd_asterisk.ami.watch import Watch
from acd_asterisk.doctor.connection import CLOCK_SECONDS, judged_clock
from acd_asterisk.lab import AgentBehaviour, LabAgent, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.options.ami import AmiOptions
from acd_asterisk.options.password import Password
from tests.adapters.asterisk.ami.certificate import free_port
from tests.adapters.asterisk.doctor.ward import Ward, run, states, until_quiet, ward, wrongs
from tests.adapters.asterisk.rig import APP, EXAMPLES, Agent, manager_section, rig, until

NOBODY_LISTENS = 9
ONE_SENTENCE = 400
"""Characters; what is longer is a page and not a sentence."""


async def test_a_healthy_pbx(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nothing is wrong, everything has been looked at, and no secret is shown."""
    async with ward(provisioned, tmp_path) as it:
        file = it.write()
        found = await it.examine(file)
        assert wrongs(found) == {}
        for check in ("reachable", "credentials", "version", "rights", "modules", "application", "clock", "sessions"):
            assert states(found, check) == ["good"], (check, found)
        for check in ("endpoint", "codecs", "ami", "dialplan", "music"):
            assert states(found, check) == ["good"], (check, found)
        assert found["disk"][0][0] in {"good", "warning"}
        status, output = await run(file)
        assert status == 0
        assert "0 wrong, 0 not looked at" in output.splitlines()[-1]
        assert it.pbx.ari_password not in output
        assert it.pbx.ami_password not in output
        assert not await it.pbx.channels()


async def test_wrong_credentials(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        found = await it.examine(it.write(password="canary-of-a-wrong-password"))
        (said,) = wrongs(found).items()
        assert said[0] == "credentials"
        assert "channels.pbx1.user" in said[1]
        assert "ari.conf" in said[1]
        assert "canary" not in str(found)
        assert "modules" not in found


async def test_a_user_who_may_only_read(provisioned: Provisioned, tmp_path: Path) -> None:
    user = "[acd]\ntype = user\nread_only = yes\npassword = canary-of-a-reader\n"
    ari = f"[general]\nenabled = yes\n{user}"
    async with ward(provisioned, tmp_path, replace={"ari.conf": ari}) as it:
        found = await it.examine(it.write(password="canary-of-a-reader"))
        assert "read_only = no" in wrongs(found)["rights"]


async def test_nobody_there(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    (tmp_path / "secret").write_text("anything")
    file.write_text(
        f'[channels.pbx1]\ntype = "asterisk"\nurl = "http://127.0.0.1:{NOBODY_LISTENS}/ari"\nuser = "acd"\n'
        'password_file = "secret"\n[queues.sales]\n'
    )
    status, output = await run(file)
    assert status == 1
    assert "nobody answers at http://127.0.0.1:9/ari" in output
    assert "bindport" in output


async def test_ari_is_not_switched_on(provisioned: Provisioned, tmp_path: Path) -> None:
    """As Asterisk comes: the HTTP server answers, and knows no ARI."""
    async with ward(provisioned, tmp_path, replace={"ari.conf": "[general]\nenabled = no\n"}) as it:
        found = await it.examine(it.write())
        assert "`enabled = yes` in ari.conf" in wrongs(found)["reachable"]
        assert "modules" not in found


async def test_missing_modules(provisioned: Provisioned, tmp_path: Path) -> None:
    """Of what calls need, wrong; of what something else needs, a warning that says what."""
    async with ward(provisioned, tmp_path) as it:
        config = it.pbx.folder / "config" / "modules.conf"
        loaded = config.read_text()
        config.write_text(loaded.replace("load = bridge_holding\n", "").replace("load = res_ari_sounds\n", ""))
        await it.pbx.restart()
        found = await it.examine(it.write())
        assert "bridge_holding" in wrongs(found)["modules"]
        assert "modules.conf" in wrongs(found)["modules"]
        assert any(state == "warning" and "res_ari_sounds" in text for state, text in found["modules"])


async def test_the_application_has_another_controller(provisioned: Provisioned, tmp_path: Path) -> None:
    """It is said, and the other one keeps it."""
    async with ward(provisioned, tmp_path) as it:
        file = it.write()
        auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
        async with (
            aiohttp.ClientSession(headers={"Authorization": auth}) as session,
            session.ws_connect(f"{it.pbx.ari_url}/events?app={APP}&subscribeAll=false") as socket,
        ):
            found = await it.examine(file)
            assert "another controller" in wrongs(found)["application"]
            assert "channels.pbx1.app" in wrongs(found)["application"]
            assert "sessions" not in found
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.2)  # No ApplicationReplaced.
        assert states(await it.examine(file), "application") == ["good"]


async def test_two_channels_with_one_application(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        file = it.write()
        channel = file.read_text().partition("[channels.pbx1.ami]")[0]
        file.write_text(file.read_text() + channel.replace("pbx1", "spare"))
        found = await it.examine(file, "--channel", "pbx1")
        assert "channels.spare has the same application" in wrongs(found)["application"]


async def test_beside_a_running_engine(provisioned: Provisioned, tmp_path: Path) -> None:
    """Its application is its own, a test call is taken in by it, and afterwards everything is as before."""
    async with rig(provisioned, tmp_path, [Agent("anna")]) as it:
        file = Ward(it.pbx, tmp_path).write(after=f'[journal]\npath = "{it.config.journal.path}"\n')
        status, output = await run(file, "--call", "sales@acd-inbound", "--ring", "anna")
        assert status == 0, output
        assert "the engine runs" in output
        assert "the engine has taken the call in" in output
        assert "PJSIP/anna rings" in output or "PJSIP/anna was picked up" in output
        assert it.channel.health()["connected"] is True
        await it.empty()


async def test_unknown_and_unreachable_endpoints(provisioned: Provisioned, tmp_path: Path) -> None:
    """One that does not exist is wrong; one that has not registered is a warning."""
    agents = [LabAgent("anna", "127.0.0.1", NOBODY_LISTENS)]
    desk = "[desk](acd-endpoint)\naors = desk\n[desk]\ntype = aor\nmax_contacts = 1\n"
    async with ward(provisioned, tmp_path, agents=agents, extra={"pjsip.conf": desk}) as it:
        after = '[agents.ben]\naddresses.voice = "PJSIP/nobody"\n[agents.cleo]\naddresses.voice = "PJSIP/desk"\n'
        found = await it.examine(it.write(after=after))
        assert "PJSIP/nobody is no endpoint" in wrongs(found)["endpoint"]
        assert "agents.ben.addresses.voice" in wrongs(found)["endpoint"]
        assert "cleo (PJSIP/desk)" in found["registered"][0][1]


async def test_the_trunk_of_callbacks(provisioned: Provisioned, tmp_path: Path) -> None:
    """One that does not exist is wrong: nobody would ever be called back."""
    async with ward(provisioned, tmp_path) as it:
        more = '[channels.pbx1.callbacks]\ndial = "PJSIP/{number}@nowhere"\n'
        found = await it.examine(it.write(more=more))
        assert "PJSIP/nowhere, which is no endpoint" in wrongs(found)["callbacks"]
        assert "channels.pbx1.callbacks.dial" in wrongs(found)["callbacks"]
        found = await it.examine(it.write(more=more.replace("nowhere", "anna")))
        assert "callbacks" not in wrongs(found)
        assert found["callbacks"][0][0] == "good"


IAX = """\
[general]
bindaddr = 127.0.0.1
bindport = {}
[desk]
type = friend
host = 127.0.0.1
"""
BEYOND = """\
[agents.ben]
addresses.voice = "Local/ben@telephones/n"
[agents.carla]
addresses.voice = "Local/311@telephones/n"
[agents.dora]
addresses.voice = "DAHDI/1"
[agents.emil]
addresses.voice = "IAX2/desk"
[agents.fritz]
addresses.voice = "IAX2/nobody"
[agents.greta]
addresses.voice = "Local/211@telephones/n"
[agents.hanna]
addresses.voice = "SIP/100"
"""


async def test_telephones_of_other_kinds(provisioned: Provisioned, tmp_path: Path) -> None:
    """What ARI lists, by ARI; all else by the state of the device; what nobody can tell is said to be so."""
    plan = "\n[telephones]\nexten => ben,1,Dial(PJSIP/anna)\nexten => _2XX,1,Dial(PJSIP/anna)\n"
    extra = {"modules.conf": "load = chan_iax2\n", "iax.conf": IAX.format(free_port()), "extensions.conf": plan}
    async with ward(provisioned, tmp_path, extra=extra) as it:
        found = await it.examine(it.write(after=BEYOND))
        wrong = [text.partition("; ")[0] for state, text in found["endpoint"] if state == "wrong"]
        assert wrong == [
            "agent fritz: IAX2/nobody is no endpoint of this PBX",
            "agent hanna: SIP/100 is no endpoint of this PBX",
            "agent carla: Local/311@telephones/n leads to no extension of the dialplan",
            "agent dora: DAHDI/1 is nothing that this PBX knows: there is no such device, or no driver of its kind",
        ]
        assert [text.partition(";")[0] for state, text in found["modules"] if state == "wrong"] == [
            "SIP/100 need chan_sip, which is not loaded",
            "DAHDI/1 need chan_dahdi, which is not loaded",
        ]
        assert not {"ben", "emil", "greta"} & {text.split()[1].rstrip(":") for _, text in found["endpoint"]}
        lone = it.write(after='[agents.ben]\naddresses.voice = "Local/ben@telephones/n"\n')
        assert states(await it.examine(lone), "endpoint") == ["good", "good"]
        lone.write_text(re.sub(r"\[channels.pbx1.ami\]\n(.*\n){3}", "", lone.read_text()))
        (_, said) = (await it.examine(lone))["endpoint"][1]
        assert said.startswith(
            "only AMI could tell whether these are there: Local/ben@telephones/n; add [channels.pbx1.ami]"
        )


async def test_callbacks_by_other_kinds_of_trunks(provisioned: Provisioned, tmp_path: Path) -> None:
    dial = '[channels.pbx1.callbacks]\ndial = "{}"\nnumber = "e164"\nonly = ["+86"]\n'
    async with ward(provisioned, tmp_path) as it:
        found = await it.examine(it.write(more=dial.format("Local/{number}@outbound/n")))
        assert states(found, "callbacks") == ["unknown"]
        assert "cannot be tried without a call" in found["callbacks"][0][1]
        found = await it.examine(it.write(more=dial.format("DAHDI/g1/{number}")))
        assert "is nothing that this PBX knows" in wrongs(found)["callbacks"]
        assert "DAHDI/g1/{number} need chan_dahdi" in wrongs(found)["modules"]


async def test_the_line_of_what_is_to_be_changed(provisioned: Provisioned, tmp_path: Path) -> None:
    """Behind the sentence, and for programs; not of what comes from the environment."""
    after = '[agents.ben]\naddresses.voice = "PJSIP/nobody"\n'
    async with ward(provisioned, tmp_path) as it:
        file = it.write(after=after, more='music_class = "opera"\n')
        _, output = await run(file)
        (said,) = [each for each in output.splitlines() if "PJSIP/nobody" in each]
        line = file.read_text().splitlines().index('addresses.voice = "PJSIP/nobody"') + 1
        assert said.endswith(f"or mend agents.ben.addresses.voice ({file}:{line})")
        _, output = await run(file, "--json")
        (said,) = [each for each in msgspec.json.decode(output)["findings"] if each["check"] == "music"]
        assert (said["key"], said["line"]) == ("channels.pbx1.music_class", 6)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("ACD_CHANNELS_PBX1_MUSIC_CLASS", "jaz")
            _, output = await run(file)
        (said,) = [each for each in output.splitlines() if "no music class jaz" in each]
        assert said.endswith("(ACD_CHANNELS_PBX1_MUSIC_CLASS)")


async def test_telephones_without_a_common_codec(provisioned: Provisioned, tmp_path: Path) -> None:
    desk = "[desk](acd-endpoint)\nallow = !all,g722\naors = desk\n[desk]\ntype = aor\ncontact = sip:desk@127.0.0.1:9\n"
    async with ward(provisioned, tmp_path, extra={"pjsip.conf": desk}) as it:
        found = await it.examine(it.write(after='[agents.desk]\naddresses.voice = "PJSIP/desk"\n'))
        assert found["codecs"][0][0] == "warning"
        assert "desk lack alaw" in found["codecs"][0][1]


async def test_a_trunk_with_another_codec(provisioned: Provisioned, tmp_path: Path) -> None:
    """Translated, or not at all: nobody on the PBX says so before the first call is silent."""
    trunk = "[{0}](acd-endpoint)\nallow = !all,{1}\naors = {0}\n[{0}]\ntype = aor\ncontact = sip:{0}@127.0.0.1:9\n"
    phone = (
        "\n[desk](acd-endpoint)\nallow = !all,opus\nauth = desk\n[desk]\ntype = auth\nusername = desk\npassword = x\n"
    )
    text = f"{trunk.format('carrier', 'g729')}{trunk.format('cheap', 'gsm')}{phone}"
    async with ward(provisioned, tmp_path, extra={"pjsip.conf": text}) as it:
        found = await it.examine(it.write())
        (wrong,) = [text for state, text in found["codecs"] if state == "wrong"]
        assert "carrier (g729) can have no call with anna" in wrong
        (warning,) = [text for state, text in found["codecs"] if state == "warning"]
        assert "every call between cheap (gsm) and anna is translated" in warning
        assert "desk" not in str(found["codecs"])


async def test_recordings(provisioned: Provisioned, tmp_path: Path) -> None:
    """A folder that is there, is not, or is none; a format that Asterisk lacks. Nothing of the trial is left."""
    mode = '[channels.pbx1.recording]\nmode = "mixed"\n'
    async with ward(provisioned, tmp_path) as it:
        folder = it.pbx.folder / "spool" / "recording"
        assert "recording" not in await it.examine(it.write())
        assert states(await it.examine(it.write(more=mode)), "recording") == ["good"]
        assert not await it.pbx.ari_get("recordings/stored")
        said = wrongs(await it.examine(it.write(more=f'{mode}format = "mp4711"\n')))["recording"]
        assert "cannot write mp4711" in said
        assert "channels.pbx1.recording.format" in said
        folder.rmdir()
        said = wrongs(await it.examine(it.write(more=mode)))["recording"]
        assert "astspooldir" in said
        assert "is missing" in said
        folder.write_text("in its place")
        said = wrongs(await it.examine(it.write(more=mode)))["recording"]
        assert "cannot be written" in said
        assert not [each for each in await it.pbx.bridges() if each["id"].startswith("acd-doctor")]


async def test_a_clock_that_is_wrong(provisioned: Provisioned, tmp_path: Path) -> None:
    """What a real Asterisk says of its time, seen by a machine whose clock is some seconds off."""
    async with ward(provisioned, tmp_path) as it:
        before = time.time()
        body = msgspec.json.encode(await it.pbx.ari_get("asterisk/ping"))
        after = time.time()

    @given(offset=st.integers(-100_000, 100_000))
    def seen(offset: int) -> None:
        found = judged_clock(body, before - offset, after - offset)
        assert found.state == ("warning" if abs(offset) > CLOCK_SECONDS + after - before else found.state)
        if found.state == "warning":
            assert f" s {'ahead of' if offset > 0 else 'behind'} ours" in found.text
            assert "NTP" in found.text
        elif offset == 0:
            assert found.state == "good"

    seen()


async def test_missing_sound_and_music(provisioned: Provisioned, tmp_path: Path) -> None:
    menu = (
        'music_class = "opera"\nmenu = "main"\n[channels.pbx1.menus.main]\n'
        'prompt = ["hello-world", "acd/welcome"]\nkeys.1.queue = "sales"\ndefault.hangup = true\n'
    )
    async with ward(provisioned, tmp_path) as it:
        found = await it.examine(it.write(more=menu))
        assert "acd/welcome" in wrongs(found)["sounds"]
        assert "hello-world" not in wrongs(found)["sounds"]
        assert "opera" in wrongs(found)["music"]
        assert "choose one of default" in wrongs(found)["music"]
        found = await it.examine(it.write(more='[channels.pbx1.queues.sales]\nmusic_class = "jaz"\n'))
        assert "no music class jaz" in wrongs(found)["music"]


async def test_a_sound_in_another_language(provisioned: Provisioned, tmp_path: Path) -> None:
    """English for callers of a Chinese queue; what is there in Chinese is fine."""
    queue = '[channels.pbx1.queues.sales]\nlanguage = "zh"\ngreeting = ["hello-world", "acd/huanying"]\n'
    async with ward(provisioned, tmp_path) as it:
        it.pbx.add_sound("acd/huanying", tone(400, 100), "zh")
        await it.pbx.cli("module reload sounds")
        ((state, said),) = (await it.examine(it.write(more=queue)))["sounds"]
        assert (state, "not there in zh" in said, ": hello-world;" in said) == ("warning", True, True)


async def test_the_dialplan(provisioned: Provisioned, tmp_path: Path) -> None:
    """No way in; no fallback; no end for callers of a dead engine."""
    bare = "[in]\nexten => _X.,1,Stasis(acd,sales)\n same => n,Hangup()\n"
    async with ward(provisioned, tmp_path, replace={"extensions.conf": bare}) as it:
        found = await it.examine(it.write())
        assert "after `Stasis()`" in wrongs(found)["fallback"]
        assert "[in]" in wrongs(found)["dead-man"]
        assert states(found, "dead-man") == ["warning", "wrong"]
        found = await it.examine(it.write(more='app = "other"'))
        assert "Stasis(other,…)" in wrongs(found)["dialplan"]


async def test_too_few_sessions(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        config = it.pbx.folder / "config" / "http.conf"
        config.write_text(config.read_text() + "sessionlimit = 20\n")
        await it.pbx.restart()
        found = await it.examine(it.write())
        assert "sessionlimit" in wrongs(found)["sessions"]


async def test_a_call_without_an_engine_comes_to_the_fallback(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        found = await it.examine(it.write(), "--call", "sales@acd-inbound")
        assert states(found, "fallback") == ["good"], found
        assert "served by Queue(acd-fallback" in found["fallback"][0][1]
        await until_quiet(it)
        found = await it.examine(it.write(), "--call", "sales@nowhere")
        assert "call" in wrongs(found)


async def test_a_telephone_that_declines(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path, behaviour=AgentBehaviour(decline_chance=1.0)) as it:
        found = await it.examine(it.write(), "--ring", "anna")
        assert states(found, "ring") == ["warning"]
        assert "PJSIP/anna" in found["ring"][0][1]
        found = await it.examine(it.write(), "--ring", "ben")
        assert "no agent ben" in wrongs(found)["ring"]


async def test_a_pbx_without_ari(provisioned: Provisioned, tmp_path: Path) -> None:
    """By `control = "ami"` nothing is asked of ARI; a wrong secret is said."""
    async with ward(provisioned, tmp_path) as it:
        file = without_ari(it.write())
        found = await it.examine(file)
        assert (states(found, "ami"), states(found, "music")) == (["good"], ["good"]), found
        assert states(found, "rights") == ["good"]
        assert "no context [acd-ami]" in wrongs(found)["dialplan"]
        assert "reachable" not in found
        assert not found.keys() & {"call", "ring"}
        (tmp_path / "ami-password").write_text("canary-of-a-wrong-secret")
        found = await it.examine(file)
        assert "manager.conf" in wrongs(found)["ami"]
        assert "canary" not in str(found)


async def test_the_dialplan_and_the_user_of_the_page_without_ari(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nothing is wrong with those of AMI_ONLY.md; another application's name, and a user without Originate, are."""
    plan = {"extensions.conf": (EXAMPLES / "extensions_ami.conf").read_text()}
    poor = manager_section("AMI_ONLY.md").replace("least", "poor").replace(",originate", "")
    users = f"{manager_section('AMI_ONLY.md')}\n{poor}"
    async with ward(provisioned, tmp_path, replace=plan, extra={"manager.conf": users}) as it:
        file = without_ari(as_user(it.write(), "least", "a password"))
        found = await it.examine(file)
        assert wrongs(found) == {}
        assert (states(found, "rights"), states(found, "dialplan")) == (["good"], ["good"]), found
        found = await it.examine(as_user(file, "poor", "a password"))
        assert "may not Originate; add originate to its `write`" in wrongs(found)["rights"]
        file.write_text(file.read_text().replace('control = "ami"', 'control = "ami"\napp = "sales"'))
        assert "[sales-ami]" in wrongs(await it.examine(file))["dialplan"]


def without_ari(file: Path) -> Path:
    """The same PBX by AMI alone."""
    text = file.read_text()
    begin, end = text.index("url ="), text.index("[channels.pbx1.ami]")
    file.write_text(f'{text[:begin]}control = "ami"\n{text[end:]}')
    return file


@pytest.mark.parametrize("page", ["README.md", "FREEPBX.md"])
async def test_the_user_that_the_pages_give_it(provisioned: Provisioned, tmp_path: Path, page: str) -> None:
    """It sees everything, and is good for what `acd serve` wants of the same table."""
    async with ward(provisioned, tmp_path, extra={"manager.conf": manager_section(page)}) as it:
        found = await it.examine(as_user(it.write(), "least", "a password"))
        for check in ("ami", "dialplan", "music"):
            assert states(found, check) == ["good"], (check, found)
        secret = Password(value=Secret("a password"))
        watch = Watch("pbx1", AmiOptions(host="127.0.0.1", port=it.pbx.ami_port, user="least", password=secret))
        task = asyncio.create_task(watch.run())
        await until(lambda: watch.link.is_live, lambda: watch.link.error)
        assert watch.states.device("PJSIP/anna") == "NOT_INUSE"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_user_with_whom_ami_would_never_come_up(provisioned: Provisioned, tmp_path: Path) -> None:
    """It is let in, but does not hear that Asterisk has booted: `acd serve` would wait for that for ever."""
    deaf = "\n[deaf]\nsecret = x\nread = config,reporting\nwrite = command,config,reporting\n"
    async with ward(provisioned, tmp_path, extra={"manager.conf": deaf}) as it:
        found = await it.examine(as_user(it.write(), "deaf", "x"))
        assert "give its user read = system in manager.conf" in wrongs(found)["ami"]
        assert "secret" not in wrongs(found)["ami"]


def as_user(file: Path, user: str, secret: str) -> Path:
    """The same configuration with another user of AMI."""
    before, table, after = file.read_text().partition("[channels.pbx1.ami]")
    file.write_text(before + table + re.sub("user = .*", f'user = "{user}"', after, count=1))
    (file.parent / "ami-password").write_text(secret)
    return file


async def test_every_sentence_is_one(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        for found in (await it.examine(it.write()), await it.examine(it.write(password="wrong"))):
            for each in found.values():
                assert all(len(text) < ONE_SENTENCE and "\n" not in text for _, text in each)
