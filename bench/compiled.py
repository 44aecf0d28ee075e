"""The compiled core, for measuring and testing: made once for every state of the sources, and entered by starting anew.

Owns the copy under `build`. Must not know how it is compiled (`compile_core.py`), nor what is measured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import acd.core.engine

ROOT: Final = Path(__file__).parents[1]
COPY: Final = ROOT / "build" / "compiled-core"
_STAMP: Final = COPY / "made-from"


def is_compiled() -> bool:
    """Whether this process has the compiled core."""
    return acd.core.engine.__file__.endswith(tuple(EXTENSION_SUFFIXES))


def has_compiler() -> bool:
    """Whether there is a C compiler."""
    return any(map(shutil.which, ("cc", "gcc", "clang")))


def can_compile() -> bool:
    """Whether the core can be compiled here: a C compiler, and mypyc, which is among what developers install."""
    return has_compiler() and find_spec("mypyc") is not None


def enter() -> None:
    """Go on with the compiled core: the process begins again, with the same arguments. Nothing if it has it already."""
    if not is_compiled():
        os.execve(sys.executable, [sys.executable, "-m", "bench", *sys.argv[1:]], environment(compiled_copy()))  # noqa: S606 - ourselves


def environment(copy: Path) -> dict[str, str]:
    """What makes a process find the core in `copy` and all else where it is."""
    path = os.pathsep.join([str(copy), str(ROOT), str(ROOT / "adapters" / "asterisk")])
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def compiled_copy() -> Path:
    """A folder with a compiled copy of the package as it is now; made anew, in a minute, when the sources have changed.

    Raises `subprocess.CalledProcessError` when it cannot be compiled.
    """
    state = _state()
    if not _STAMP.exists() or _STAMP.read_text(encoding="utf-8") != state:
        print("compiling the core …", file=sys.stderr, flush=True)
        command = [sys.executable, str(ROOT / "compile_core.py"), str(COPY)]
        subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - our own script
        _STAMP.write_text(state, encoding="utf-8")
    return COPY


def _state() -> str:
    """What the copy follows from: every source, the interpreter and the compiler."""
    digest = sha256(f"{sys.version} {version('mypy')}".encode())
    for path in sorted(((ROOT / "acd").rglob("*.py")), key=str):
        digest.update(path.read_bytes())
    digest.update((ROOT / "compile_core.py").read_bytes())
    return digest.hexdigest()
