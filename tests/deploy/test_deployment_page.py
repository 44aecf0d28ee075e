"""DEPLOYMENT.md: its commands and settings are those that there are, and copying a journal while acd runs is safe."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.runtime.config import check_text
from tests.missing import missing_tool
from tests.served import Served, ask, write_centre

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "DEPLOYMENT.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("commands", blocks("sh"))
def test_commands_can_be_read_and_name_files_that_there_are(commands: str) -> None:
    done = subprocess.run(["bash", "-n"], input=commands, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path in re.findall(r"\bdeploy/[\w./-]+", commands) if not (ROOT / path).exists()] == []


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert len(targets) >= 5
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_settings_that_it_shows_are_known(tmp_path: Path) -> None:
    variables = dict(re.findall(r"`(ACD_\w+)=([^`]*)`", PAGE))
    assert len(variables) >= 4
    text = '[[api.tokens]]\nname = "admin"\n[webhooks.crm]\n[channels.pbx]\ntype = "asterisk"\n'
    report = check_text(text, "acd.toml", tmp_path, variables)
    assert {override.variable for override in report.overrides} == variables.keys()
    assert not [problem for problem in report.warnings if problem.file in variables]


def test_the_example_of_a_socket_is_right(tmp_path: Path) -> None:
    (example,) = (block for block in blocks("toml") if "socket" in block)
    report = check_text(f"{example}open = true\n", "acd.toml", tmp_path, {})
    assert [problem.key for problem in report.errors] == ["api.socket_group"], "this machine has no such group"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(write_centre(tmp_path))
    yield found
    assert found.end(signal.SIGTERM)[0] == 0


def test_a_journal_is_copied_whole_while_acd_writes_it(served: Served, tmp_path: Path) -> None:
    """By the page's own two lines, between commands that go on before and after."""
    address = served.ready()
    (lines,) = (block for block in blocks("sh") if ".backup" in block)
    (tmp_path / "copies").mkdir()
    commands = (
        lines.replace("/var/lib/acd/", f"{tmp_path}/")
        .replace("/var/backups/acd/", f"{tmp_path}/copies/")
        .replace("/opt/acd/bin/acd", f"{sys.executable} -m acd.cli")
    )
    if subprocess.run(["bash", "-c", "command -v sqlite3"], capture_output=True, check=False).returncode:
        missing_tool("sqlite3")
    rows = []
    for _ in range(3):
        assert ask(f"{address}/v1/agents/anna/sign-in", "POST")[0] == 200
        done = subprocess.run(["bash", "-ec", commands], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "The chain is whole, and every decision repeats." in done.stdout
        verified = re.search(r"rows verified +(\d+)", done.stdout)
        assert verified is not None
        rows.append(int(verified[1]))
        assert ask(f"{address}/v1/agents/anna/sign-out", "POST")[0] == 200
    assert rows == [rows[0], rows[0] + 2, rows[0] + 4]
    assert rows[0] >= 2
