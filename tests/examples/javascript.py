"""Examples in JavaScript: Node, and a copy of the script beside its packages."""

import shutil
from functools import cache
from pathlib import Path

from tests.missing import missing_tool
from tests.node_packages import node_packages

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def javascript_command(example: str, script: str) -> tuple[str, ...]:
    """How to run a script of an example. Skips where Node or its packages cannot be had."""
    node = shutil.which("node")
    if node is None:
        missing_tool(f"node, for {example}")
    folder = node_packages(EXAMPLES / example)
    shutil.copy(EXAMPLES / example / script, folder)
    return node, str(folder / script)
