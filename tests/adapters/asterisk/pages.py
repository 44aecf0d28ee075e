"""What a page shows to be copied: tests use it as it stands there, so that pages stay true."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def blocks(page: str, language: str) -> str:
    """All code of one language of a page at the root, joined."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"{page} shows no {language}"
    return "\n".join(found)


def options(page: str, heading: str) -> dict[str, Any]:
    """The options of `[channels.pbx…]` in the first TOML below a heading of a page."""
    below = (ROOT / page).read_text().partition(f"\n## {heading}\n")[2]
    found = re.search(r"^```toml\n(.*?)^```", below, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} shows no TOML below {heading}"
    pbx = tomllib.loads(found[1])["channels"]["pbx"]
    assert isinstance(pbx, dict)
    return pbx
