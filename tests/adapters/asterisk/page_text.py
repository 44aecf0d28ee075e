"""A page taken at its word: its code blocks as files and as commands. Owns the reading of Markdown."""

import re
from pathlib import Path

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
