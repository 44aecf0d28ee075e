"""A real Asterisk is asked for what it has; and reads its files as we do."""

import asyncio
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from acd.errors import ChannelError, ConfigError
from acd.runtime.config import loads
from acd_asterisk.importing.ami import Ami, AmiRefused, Message, value_of
from acd_asterisk.importing.command import command
from acd_asterisk.importing.conf import Section, parse_conf
from acd_asterisk.importing.members import read_member
from acd_asterisk.importing.running import config_sections
from acd_asterisk.lab import Pbx, Provisioned

QUEUES = r"""
[general]
autofill = yes
[base](!)
strategy = rrmemory ; in turn
timeout = 20
retry = 3
[more](!)
maxlen = 7
[sales](base,more)
timeout += 5
;-- [gone]
;-- inner --;
strategy = linear --; servicelevel = 30
;--- only this line
periodic-announce => a\;b
member => PJSIP/1001,3,张伟,PJSIP/1001
[support](base)
weight=3
strategy=leastrecent
[sales](+)
retry=2
[copy](support)
member => PJSIP/1001
"""
ODD = r"""
[general]
[base](!)
strategy = rrmemory
retry = 3
[a](base)
retry = 4
retry += 1
fresh += 9
STRATEGY+=x
member => A/1
member => A/2
member +=> ,5
x =>= 5
y => > 5
z = a = b
q = "quoted ; no"
t = tail\
u = a\\;b
v	=	tab
w =
no equals
 [b] (base) ; no template, because of the blank
[c](!,base)
k = 1
[d](c)
[e](!)(base)
[b ]
l = 2
[a]
l = 7
[general](+)
n = 1
"""
RULES = "[opening]\npenaltychange => 30,+3\n"
AGENTS = "[general]\n[pool](!)\nackcall=yes\n[1007](pool)\nfullname=王芳\n"
READER = "[reader]\nsecret = let-me-look\nread = all\nwrite = reporting\n"


def run(pbx: Pbx, folder: Path, *more: str, user: str = "", secret: str = "") -> Result:
    file = folder / "ami.secret"
    file.write_text(f"{secret or pbx.ami_password}\n")
    place = f"127.0.0.1:{pbx.ami_port}"
    arguments = ["--ami", place, "--user", user or pbx.ami_user, "--secret-file", str(file), *more]
    return CliRunner().invoke(command, arguments)


def plain(sections: tuple[Section, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(each.name, [(entry.name, entry.value) for entry in each.entries]) for each in sections]


@pytest.mark.parametrize("text", [QUEUES, ODD])
async def test_asterisk_reads_files_as_we_do(text: str, provisioned: Provisioned) -> None:
    async with Pbx(provisioned, replace_config={"queues.conf": text}) as pbx:

        def asked() -> tuple[Section, ...]:
            with Ami("127.0.0.1", pbx.ami_port, pbx.ami_user, pbx.ami_password) as ami:
                return config_sections(ami.ask("GetConfig", Filename="queues.conf"), "queues.conf")

        assert plain(await asyncio.to_thread(asked)) == plain(parse_conf(text, "queues.conf").sections)


async def test_asterisk_reads_members_as_we_do(provisioned: Provisioned) -> None:
    lines = [
        "PJSIP/1",
        "PJSIP/2,3",
        "PJSIP/3, 4 , Anna Au , PJSIP/33",
        'PJSIP/4,-2,"Baker, Bob"',
        r"PJSIP/5,x,Carol \"C\, Jr",
        "PJSIP/6,7up,Dora (D, E),PJSIP/66",
        'PJSIP/7,,"Eve (odd", PJSIP/77',
        "Local/8@agents/n,0,Fay,hint:8@ext",
        "PJSIP/9,1,张伟,Agent:9,yes,12,yes",
    ]
    text = "[a]\n" + "".join(f"member => {line}\n" for line in lines)
    async with Pbx(provisioned, replace_config={"queues.conf": text}) as pbx:

        def asked() -> list[Message]:
            with Ami("127.0.0.1", pbx.ami_port, pbx.ami_user, pbx.ami_password) as ami:
                return ami.ask_list("QueueStatus", "QueueStatusComplete")

        told = [message for message in await asyncio.to_thread(asked) if value_of(message, "Event") == "QueueMember"]
    keys = ("Location", "Penalty", "Name", "StateInterface")
    ours = [member for line in lines if (member := read_member(line))]
    # Asterisk keeps blanks before a name, and before a device that it then never finds.
    assert {tuple(value_of(message, key).strip() for key in keys) for message in told} == {
        (each.interface, str(each.penalty), each.name or each.interface, each.state_interface or each.interface)
        for each in ours
    }
    assert len(ours) == len(lines)


@pytest.mark.parametrize("line", ["[e](+)", "[a b](zz)", "#include nowhere.conf", "[open"])
async def test_asterisk_refuses_what_we_refuse(line: str, provisioned: Provisioned) -> None:
    with pytest.raises(ConfigError):
        parse_conf(f"[a]\n{line}\n", "queues.conf")
    async with Pbx(provisioned, replace_config={"queues.conf": f"[a]\n{line}\n"}) as pbx:

        def asked() -> None:
            with Ami("127.0.0.1", pbx.ami_port, pbx.ami_user, pbx.ami_password) as ami:
                ami.ask("GetConfig", Filename="queues.conf")

        with pytest.raises(AmiRefused, match="invalid format"):
            await asyncio.to_thread(asked)


async def test_the_first_of_two_queues_of_one_name_counts_for_asterisk_and_for_us(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    text = "[a]\nmaxlen = 3\nmember = PJSIP/1\n[a]\nmaxlen = 4\nmember = PJSIP/2\n"
    async with Pbx(provisioned, replace_config={"queues.conf": text}) as pbx:
        shown = await pbx.cli("queue show a")
        result = await asyncio.to_thread(run, pbx, tmp_path)
    assert "max 3" in shown
    assert "PJSIP/1" in shown
    assert "PJSIP/2" not in shown
    raw = tomllib.loads(result.stdout)
    assert raw["queues"]["a"]["max_waiting"] == 3
    assert list(raw["agents"]) == ["1"]
    assert 'left out: [a] maxlen = "4": there is a section of this name above' in result.stderr


async def test_a_running_pbx_becomes_a_configuration(provisioned: Provisioned, tmp_path: Path) -> None:
    files = {"queues.conf": QUEUES, "queuerules.conf": RULES, "agents.conf": AGENTS}
    async with Pbx(provisioned, replace_config=files) as pbx:
        await pbx.cli('queue add member Local/5@x/n to sales penalty 8 as "Bob \\\\(B, Jr" state_interface PJSIP/5')
        result = await asyncio.to_thread(run, pbx, tmp_path)
        assert result.exit_code == 0, result.output
        assert pbx.ami_password not in result.output
        loads(result.stdout, base=tmp_path, environment={})
        raw = tomllib.loads(result.stdout)
        assert f"from the PBX at 127.0.0.1:{pbx.ami_port}." in result.stdout
    assert raw["queues"]["sales"]["offer_timeout"] == "20s"
    assert raw["queues"]["sales"]["max_waiting"] == 7
    assert raw["queues"]["support"]["band"] == raw["queues"]["copy"]["band"] == 1
    assert raw["agents"]["5"] == {
        "name": "Bob \\(B, Jr",
        "queues": ["sales"],
        "levels": {"sales": 2},
        "position": 2,
        "addresses": {"voice": "Local/5@x/n"},
    }
    assert raw["agents"]["1001"]["name"] == "张伟"
    assert raw["agents"]["1001"]["queues"] == ["sales", "copy"]
    assert raw["agents"]["1007"] == {"name": "王芳"}
    assert "note: the rule [opening] is no queue's defaultrule" in result.stderr


async def test_who_may_not_read_files_gets_what_app_queue_tells(provisioned: Provisioned, tmp_path: Path) -> None:
    config = {"queues.conf": QUEUES, "queuerules.conf": RULES}
    async with Pbx(provisioned, replace_config=config, extra_config={"manager.conf": READER}) as pbx:
        result = await asyncio.to_thread(run, pbx, tmp_path, user="reader", secret="let-me-look")
        assert result.exit_code == 0, result.output
    raw = tomllib.loads(result.stdout)
    assert (
        "note: queues.conf cannot be read over AMI (Permission denied): give its user write = config" in result.stderr
    )
    assert sorted(raw["queues"]) == ["copy", "sales", "support"]
    assert raw["queues"]["sales"]["strategy"] == "round-robin"
    assert raw["queues"]["sales"]["max_waiting"] == 7
    assert sorted(raw["agents"]["1001"]["queues"]) == ["copy", "sales"]


async def test_a_wrong_secret_is_said_and_not_shown(provisioned: Provisioned, tmp_path: Path) -> None:
    async with Pbx(provisioned) as pbx:
        result = await asyncio.to_thread(run, pbx, tmp_path, secret="something-else")
    assert isinstance(result.exception, ChannelError)
    assert str(result.exception) == (
        f'AMI of 127.0.0.1:{pbx.ami_port}: "acd" was not let in (Authentication failed); '
        "look at user, secret and permit in manager.conf"
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name files, or --ami HOST:PORT with --user and --secret-file"),
        (["--user", "u"], "name files, or --ami HOST:PORT with --user and --secret-file"),
        (["--ami", "pbx:5038"], "--ami needs --user and --secret-file, and no files"),
        (["--ami", "pbx", "--user", "u", "--secret-file", "s"], "'pbx' is no HOST:PORT, like 127.0.0.1:5038"),
        (["--ami", "pbx:99999", "--user", "u", "--secret-file", "s"], "'pbx:99999' is no HOST:PORT"),
        (["--ami", "[::1]:5038", "--user", "u", "--secret-file", "s"], "s cannot be read: No such file or directory"),
    ],
)
def test_what_is_missing_is_said(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert reason in result.stderr
