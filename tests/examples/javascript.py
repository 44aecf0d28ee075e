"""Examples in JavaScript: Node, and a copy beside its packages, which are installed once per state of package.json."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.missing import missing_tool

EXAMPLES = Path(__file__).parents[2] / "examples"
CACHE = Path(__file__).parents[2] / ".cache"


@cache
def javascript_command(example: str, script: str) -> tuple[str, ...]:
    """How to run a script of an example. Skips where Node or its packages cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing_tool(f"node and npm, for {example}")
    source, cache_folder = EXAMPLES / example, CACHE / example
    wanted = (source / "package.json").read_text(encoding="utf-8")
    cache_folder.mkdir(parents=True, exist_ok=True)
    installed = cache_folder / "package.json"
    modules = cache_folder / "node_modules"
    if not modules.exists() or not installed.exists() or installed.read_text("utf-8") != wanted:
        installed.write_text(wanted, encoding="utf-8")
        npm_install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
        done = subprocess.run(npm_install, cwd=cache_folder, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            installed.unlink()
            missing_tool(f"the packages of {example}: {done.stderr.strip()[-300:]}")
    assert set(json.loads(wanted)["dependencies"]) <= {
        path.relative_to(modules).as_posix() for path in (*modules.glob("*"), *modules.glob("*/*"))
    }
    shutil.copy(source / script, cache_folder)
    return node, str(cache_folder / script)
