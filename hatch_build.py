"""The wheel's build hook: with ACD_COMPILE=1 in the environment the core goes into it as machine code.

Owns what a compiled wheel needs and holds beyond a plain one. Must not know how the core is compiled
(`compile_core.py`). Without the variable nothing is done and nothing is needed: the wheel is for every machine.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NEEDED: Final = ["mypy>=1.13", "setuptools>=65", "msgspec>=0.19", "numpy>=1.26"]
"""The compiler, what it drives the C compiler with, and the libraries whose types it reads."""


class CompiledCore(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]  # as untyped as hatchling
    """Adds the compiled modules beside their sources, which the interpreter then passes over."""

    def dependencies(self) -> list[str]:
        """What the build needs on top of hatchling."""
        return NEEDED if _wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name every library with its place in the wheel. An editable install stays as it is."""
        if not _wanted() or version == "editable":
            return
        root = Path(self.root)
        folder = root / "build" / "compiled"
        subprocess.run([sys.executable, str(root / "compile_core.py"), str(folder)], check=True)  # noqa: S603 - our own script
        places = {str(path): str(path.relative_to(folder)) for path in folder.rglob("*.so")}
        build_data["force_include"].update(places)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _wanted() -> bool:
    return os.environ.get("ACD_COMPILE") == "1"
