"""`acd import-queues` on the files of whole PBXs: what comes out runs, and every line that went in is accounted for."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from acd.cli import acd
from acd.errors import ConfigError
from acd.runtime.config import Report as Checked
from acd.runtime.config import check
from acd_asterisk.importing.command import command
from acd_asterisk.importing.conf import read_conf
from acd_asterisk.importing.unmapped import LEFT
from acd_asterisk.lab import Provisioned

SAMPLES = Path(__file__).parent / "samples"
FREEPBX = ("queues.conf", "queuerules_additional.conf")
ISSABEL = ("queues.conf", "agents.conf")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


def imported(folder: Path, files: tuple[str, ...], target: Path, *more: str) -> tuple[dict[str, Any], Checked, str]:
    """The configuration as TOML, as `acd check` reads it, and what was said on the way."""
    result = run(*(folder / each for each in files), "-o", target, *more)
    assert result.exit_code == 0, result.output
    checked = check(target)
    assert checked.errors == ()
    return tomllib.loads(target.read_text(encoding="utf-8")), checked, result.stderr


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "files"), [("freepbx", FREEPBX), ("issabel", ISSABEL)])
def test_the_whole_configuration_of_a_pbx_comes_out_as_it_did(
    name: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    imported(SAMPLES / name, files, tmp_path / "acd.toml")
    expected = (SAMPLES / name / "expected.toml").read_text(encoding="utf-8")
    assert (tmp_path / "acd.toml").read_text(encoding="utf-8") == expected


def test_strategies_memberships_levels_and_bands(tmp_path: Path) -> None:
    raw, checked, _ = imported(SAMPLES / "freepbx", FREEPBX, tmp_path / "acd.toml")
    assert raw["queues"]["6000"]["strategy"] == "round-robin"
    assert raw["queues"]["6001"]["level_delays"] == ["20s", "60s"]
    assert [raw["queues"][each]["band"] for each in ("6001", "6000")] == [1, 2]
    assert checked.config is not None
    carol = checked.config.agent("1003")
    assert carol is not None
    assert carol.name == "Carol Cook"
    assert carol.settings.queues == ("6000", "6001")
    assert carol.settings.levels == (("6000", 2), ("6001", 2))
    assert carol.addresses == (("voice", "Local/1003@from-queue/n"),)


def test_the_maximum_that_the_dialplan_sets_can_be_named(tmp_path: Path) -> None:
    raw, _, said = imported(SAMPLES / "freepbx", FREEPBX, tmp_path / "acd.toml", "--max-penalty", "5")
    assert raw["queues"]["6001"]["level_delays"] == ["60s"]
    assert raw["agents"]["1003"]["levels"] == {"6000": 2}
    assert raw["agents"]["1001"]["levels"] == {"6001": 2}
    assert "--max-penalty" not in said


def test_no_password_of_an_agent_is_shown_anywhere(tmp_path: Path) -> None:
    _, _, said = imported(SAMPLES / "issabel", ISSABEL, tmp_path / "acd.toml")
    assert "王芳" in (tmp_path / "acd.toml").read_text(encoding="utf-8")
    for password in ("4321", "8765"):
        assert password not in said
        assert password not in (tmp_path / "acd.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "files"), [("freepbx", FREEPBX), ("issabel", ISSABEL)])
def test_every_line_is_accounted_for_once(name: str, files: tuple[str, ...], tmp_path: Path) -> None:
    _, _, said = imported(SAMPLES / name, files, tmp_path / "acd.toml")
    lines = sum(len(section.entries) for each in files for section in read_conf([SAMPLES / name / each]).sections)
    match = re.search(r"settings: (\d+), (\d+) taken over, (\d+) so .*, (\d+) taken .*, (\d+) left out", said)
    assert match is not None
    total, *parts = map(int, match.groups())
    assert total == lines == sum(parts)


def test_every_option_of_asterisks_own_sample_is_known(provisioned: Provisioned, tmp_path: Path) -> None:
    """The sample names all options, most of them commented out: here they are not."""
    (sample,) = provisioned.root.rglob("samples/queues.conf.sample")
    option = re.compile(r"^;?\s*([a-z][a-z0-9_-]+ *=>? *[^|]*?)(\|.*)?$")
    lines = [match[1] for line in sample.read_text().splitlines() if (match := option.match(line.strip()))]
    general, queue = lines[: lines.index("musicclass = default")], lines[lines.index("musicclass = default") :]
    assert len(queue) > 60
    path = written(tmp_path / "queues.conf", "\n".join(["[general]", *general, "[markq]", *queue]))
    raw, _, said = imported(tmp_path, (path.name,), tmp_path / "acd.toml")
    assert "no such option" not in said
    assert len(raw["agents"]) == 7


def test_queues_of_a_plain_asterisk(provisioned: Provisioned, tmp_path: Path) -> None:
    (basic,) = provisioned.root.rglob("basic-pbx/queues.conf")
    raw, checked, _ = imported(basic.parent, (basic.name,), tmp_path / "acd.toml")
    assert {name: queue["strategy"] for name, queue in raw["queues"].items()} == {
        "sales": "broadcast",
        "customer_advocate": "broadcast",
    }
    assert raw["agents"]["1109"] == {"name": "1109", "queues": ["sales"], "addresses": {"voice": "PJSIP/1109"}}
    assert checked.warnings == ()


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    source = written(tmp_path / "queues.conf", "[a]\nmember = PJSIP/1\n")
    target = written(tmp_path / "acd.toml", "mine")
    result = run(source, "-o", target)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {target} is there already; name another file, or add --force\n"
    assert target.read_text(encoding="utf-8") == "mine"
    assert run(source, "-o", target, "--force").exit_code == 0
    assert 'voice = "PJSIP/1"' in target.read_text(encoding="utf-8")


def test_the_configuration_goes_to_stdout_and_the_account_to_stderr(tmp_path: Path) -> None:
    result = run(written(tmp_path / "queues.conf", "[a]\nmember = PJSIP/1\ncontext = out\n"))
    assert result.exit_code == 0
    assert tomllib.loads(result.stdout)["agents"]["1"]["queues"] == ["a"]
    assert result.stderr.splitlines() == [
        f'left out: [a] context = "out": {LEFT["context"]}',
        "queues: 1, agents: 1; settings: 2, 1 taken over, 0 so here anyway, 0 taken over with a difference, 1 left out",
    ]


def test_the_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    broken = written(tmp_path / "queues.conf", "[a\n")
    result = run(broken, tmp_path / "agents.conf", tmp_path / "users.conf")
    assert isinstance(result.exception, ConfigError)
    other, first, second = result.exception.problems
    assert other.startswith(f"{tmp_path / 'users.conf'}: its name begins with none of queuerules, ")
    assert first.startswith(f"{broken}:1: a section's name is not closed")
    assert second.startswith(f"{tmp_path / 'agents.conf'}: cannot be read")


def test_files_without_a_queue_are_refused(tmp_path: Path) -> None:
    result = run(written(tmp_path / "queues.conf", "[general]\nautofill = yes\n"))
    assert isinstance(result.exception, ConfigError)
    assert result.exception.problems[0].startswith("there is no queue in these files")


def test_an_encoding_that_is_none_is_refused(tmp_path: Path) -> None:
    result = run(written(tmp_path / "queues.conf", "[a]\n"), "--encoding", "klingon")
    assert result.exit_code == 2
    assert "'klingon' is no encoding that is known" in result.stderr


def test_the_page_can_be_followed(tmp_path: Path) -> None:
    """What APP_QUEUE.md says, word for word, with the service's lines taken out of their comment."""
    page = (Path(__file__).parents[4] / "APP_QUEUE.md").read_text(encoding="utf-8")
    steps = page.split("```")[1].replace("\\\n", " ").replace("/etc/asterisk", str(tmp_path)).splitlines()
    for name in ("queues.conf", "queuerules.conf", "agents.conf"):
        written(tmp_path / name, "[a]\nmember = PJSIP/1\n" if name == "queues.conf" else "[general]\n")
    for step in filter(None, steps):
        program, *arguments = step.replace("centre", str(tmp_path / "centre")).split()
        assert program == "acd"
        result = CliRunner().invoke(acd, arguments)
        assert result.exit_code == 0, result.output
    target = tmp_path / "centre" / "acd.toml"
    lines = target.read_text(encoding="utf-8").splitlines()
    begin = lines.index("# [[api.tokens]]")
    end = begin + lines[begin:].index("")
    written(target, "\n".join([*lines[:begin], *(line.removeprefix("# ") for line in lines[begin:end]), *lines[end:]]))
    written(target.with_name("ari.password"), "secret").chmod(0o600)
    result = CliRunner().invoke(acd, ["check", str(target)])
    assert result.exit_code == 0, result.output
    assert "1 agent, 1 queue, 1 channel: no errors, no warnings" in result.output
