"""Packages of npm that tests need: installed once per state of a `package.json`, into the project's cache.

Owns that cache's folders. Must not know what the packages are for.
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from acd_asterisk.lab._cache import make_cache_folder, only_one_process
from acd_asterisk.lab.provision import print_report
from tests.missing import missing_tool

CACHE: Final = Path(__file__).parents[1] / ".cache"


@cache
def node_packages(source: Path) -> Path:
    """The folder with the `node_modules` of what `package.json` in this folder names. Skips where npm is missing."""
    npm = shutil.which("npm")
    if npm is None:
        missing_tool(f"npm, for the packages of {source.name}")
    wanted, folder = (source / "package.json").read_text(encoding="utf-8"), CACHE / source.name
    installed, modules = folder / "package.json", folder / "node_modules"
    make_cache_folder(folder)
    with only_one_process(folder / "lock", print_report):
        if not modules.exists() or not installed.exists() or installed.read_text("utf-8") != wanted:
            installed.write_text(wanted, encoding="utf-8")
            command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                installed.unlink()
                missing_tool(f"the packages of {source.name}: {done.stderr.strip()[-300:]}")
    assert set(json.loads(wanted)["dependencies"]) <= {
        path.relative_to(modules).as_posix() for path in (*modules.glob("*"), *modules.glob("*/*"))
    }
    return folder
