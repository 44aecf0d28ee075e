"""POLICIES.md keeps its word: every example is a configuration, and every section shows a scenario."""

import re
from pathlib import Path

import pytest

from acd.runtime.config import check_text

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(
        r"^## (.+?)\n(.*?)(?=^## |\Z)", (ROOT / "POLICIES.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
)


@pytest.mark.parametrize("title", SECTIONS)
def test_every_example_is_accepted(title: str, tmp_path: Path) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```", SECTIONS[title], re.MULTILINE | re.DOTALL)
    assert examples, "no example"
    for example in examples:
        assert check_text(example, base=tmp_path).errors == ()


@pytest.mark.parametrize("title", SECTIONS)
def test_every_section_names_what_shows_it(title: str) -> None:
    named = re.findall(r"`((?:acd|tests|examples)/[\w./-]+)`", SECTIONS[title])
    assert any(path.startswith("tests/") for path in named)
    assert [path for path in named if not (ROOT / path).exists()] == []
