"""DOMAINS.md keeps its word: its configuration is one, and its program runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from acd.runtime.config import load
from acd.runtime.config.together import MAX_DOMAINS, check_together
from tests.served import write_secret
from tests.test_repository import ROOT

PAGE = (ROOT / "DOMAINS.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one block of this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both configurations, on any port."""
    for name in ("red", "blue"):
        (tmp_path / name).mkdir()
        text = block("toml").replace('name = "red"', f'name = "{name}"').replace("port = 8420", "port = 0")
        (tmp_path / name / "acd.toml").write_text(text, encoding="utf-8")
        write_secret(tmp_path / name, "admin.token", f"token-of-{name}-0123456789")
    return tmp_path


def test_its_configurations_have_nothing_in_common(folder: Path) -> None:
    configs = [load(folder / name / "acd.toml") for name in ("red", "blue")]
    assert [config.domain for config in configs] == ["red", "blue"]
    found = check_together(configs)
    assert found.errors == found.warnings == ()
    assert f"up to {MAX_DOMAINS} of them" in PAGE


def test_its_program_runs(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\('http://127\.0\.0\.1:\d+',\)\n", done.stdout)
