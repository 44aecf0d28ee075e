"""The unit of systemd: one that systemd itself takes, hardened, and in step with what `acd serve` does."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from acd.cli.serve import command
from tests.missing import missing_tool

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "acd.service"
MOST_EXPOSED = 1.6
"""What `systemd-analyze security` may say, from 0 (shut) to 10: a service without any of this has 9.6."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is on every machine: systemd looks whether it is there."""
    if shutil.which("systemd-analyze") is None:
        missing_tool("systemd-analyze (package systemd)")
    found = tmp_path / "acd.service"
    found.write_text(UNIT.read_text().replace("/opt/acd/bin/acd", "/bin/true"))
    return found


def settings() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


def test_systemd_takes_it(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_is_hardened(unit: Path) -> None:
    asked = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    exposed = re.search(r"Overall exposure level for acd\.service: ([\d.]+)", done.stdout)
    assert exposed is not None, done.stdout
    assert float(exposed[1]) <= MOST_EXPOSED


def test_figures_of_the_process_can_be_read() -> None:
    """They take /proc/stat; two alerts would be silent for ever without."""
    assert settings().get("ProcSubset", "all") == "all"


def test_it_starts_what_there_is() -> None:
    arguments = settings()["ExecStart"].split()
    assert arguments[1] == "serve"
    context = command.make_context("serve", arguments[2:])
    assert context.params["files"] == (Path("/etc/acd/acd.toml"),)
    assert settings()["Type"] == "notify"
    assert "-HUP" in settings()["ExecReload"]
