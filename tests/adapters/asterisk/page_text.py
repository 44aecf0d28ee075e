"""A page taken at its word: its code blocks as files and as commands. Owns the reading of Markdown."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"[;#] file: (\S+)\n")
_COMMAND = re.compile(r"`asterisk -rx '([^']+)'`")


def blocks(page: Path) -> list[str]:
    """All code blocks, without their indentation."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return ["".join(f"{line.removeprefix(indent)}\n" for line in text.splitlines()) for indent, _, text in found]


def files(page: Path) -> dict[str, str]:
    """The blocks that say which file they are, by name."""
    return {match[1]: text for text in blocks(page) if (match := _FILE.match(text)) is not None}


def shell(page: Path) -> list[str]:
    """The lines of blocks that begin with a command of ours, without what explains them."""
    lines = (line for text in blocks(page) for line in text.splitlines() if line.startswith("acd "))
    return [re.split(r"  +", line)[0] for line in lines]


def asterisk_commands(page: Path) -> list[str]:
    """What is to be said to `asterisk -rx`, in the order of the text, each once."""
    return list(dict.fromkeys(_COMMAND.findall(page.read_text(encoding="utf-8"))))


def of_language(page: str, language: str) -> str:
    """All code of one language of a page at the root, joined."""
    found = [text for _, name, text in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")) if name == language]
    assert found, f"{page} shows no {language}"
    return "\n".join(found)


def options(page: str, heading: str) -> dict[str, Any]:
    """The options of `[channels.pbx…]` in the first TOML below a heading of a page at the root."""
    below = (ROOT / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    found = next((text for _, name, text in _BLOCK.findall(below) if name == "toml"), None)
    assert found is not None, f"{page} shows no TOML below {heading}"
    pbx = tomllib.loads(found)["channels"]["pbx"]
    assert isinstance(pbx, dict)
    return pbx
