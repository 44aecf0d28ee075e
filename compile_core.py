"""Compile the core: `python compile_core.py FOLDER` puts a copy of the package there whose core is machine code.

Owns which modules are compiled, and what the compiler (mypyc) has to be told that Python need not. Must not know wheels
(`hatch_build.py`) nor what anything gains by it (ARCHITECTURE.md, "Compiling the core"). Needs mypy, setuptools and a
C compiler. The sources stay the only ones: a change of `PREPARED` is made in the copy, and line by line, so that
tracebacks name the lines of the originals.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent
CORE: Final = Path("acd", "core")
GROUP: Final = "acd.core.compiled"
"""The name of the library that all modules share."""

INTERPRETED: Final = frozenset(
    {
        "__init__.py",  # nothing in it
        "digest.py",  # the rest is not on the way of any command but a configuration's
        "explain.py",
        "expression.py",
        "invariants.py",
        "limits.py",
        "matrix.py",
        "ranking.py",
        "requirement.py",
        "requirement_grammar.py",
        "restore.py",
        "snapshot.py",
        "state.py",
        "verdicts.py",
    }
)
"""Modules of the core itself that stay as they are; so do the messages, which msgspec has in C already."""

RECORDS: Final = ("lane.py", "entities.py")
"""Modules whose Structs become classes of the compiler's own: it reads their attributes by offset."""

BOUNDS: Final = "limits.py"
"""The module whose numbers are looked up, not built in, so that tests may change one."""

SUBCLASSED: Final = {"engine.py": "class Engine", "domain.py": "class Domain", "matching.py": "class Matching"}
"""What interpreted classes may derive from: explanations look on that way, and tests plant bugs."""

_SETUP: Final = """
import sys
from mypyc.build import mypycify
from setuptools import setup

modules = mypycify(sys.argv[3:], opt_level="3", debug_level="0", group_name=sys.argv[1])
setup(name="acd-core", ext_modules=modules, script_args=["-q", "build_ext", "--inplace", "--build-temp", sys.argv[2]])
"""


def main(folder: str) -> None:
    """Compile into `folder`, which is made anew."""
    for library in compile_core(Path(folder).resolve()):
        sys.stdout.write(f"{library}\n")


def compile_core(folder: Path) -> list[Path]:
    """Copy the package into `folder` and compile its core there. Returns the libraries.

    Raises `subprocess.CalledProcessError` when the compiler refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    skipped = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "acd", folder / "acd", ignore=skipped)
    modules = compiled_modules(folder)
    originals = {path: (folder / path).read_text(encoding="utf-8") for path in (*modules, CORE / BOUNDS)}
    for path, source in originals.items():
        (folder / path).write_text(prepared(path.name, source), encoding="utf-8")
    # Types are checked elsewhere, by the project's own settings.
    command = [sys.executable, "-c", _SETUP, GROUP, "build", "--config-file=", "--ignore-missing-imports"]
    environment = {**os.environ, "PYTHONPATH": "", "MYPYPATH": str(folder)}
    subprocess.run([*command, *map(str, modules)], cwd=folder, env=environment, check=True)  # noqa: S603
    for path, source in originals.items():
        (folder / path).write_text(source, encoding="utf-8")
    shutil.rmtree(folder / "build")
    return sorted(folder.rglob("*.so"))


def compiled_modules(folder: Path) -> list[Path]:
    """The modules to be compiled, relative to `folder`, which has a copy of the package."""
    core = folder / CORE
    own = (path for path in core.glob("*.py") if path.name not in INTERPRETED)
    inner = (path for name in ("handlers", "pools") for path in (core / name).glob("*.py"))
    return sorted(path.relative_to(folder) for path in (*own, *inner))


def prepared(name: str, source: str) -> str:
    """A module's source as the compiler needs it; no line moves."""
    if name in RECORDS:
        return native_records(source)
    if name == BOUNDS:
        return source.replace(": Final = ", ": int = ")
    subclassed = SUBCLASSED.get(name)
    if subclassed is None:
        return source
    lines = source.splitlines()
    # Three lines that are empty: after the docstring, and before the class. Only the compiler needs the decorator.
    place = next(index for index, line in enumerate(lines) if line.startswith(subclassed))
    _fill(lines, ast.parse(source).body[0].end_lineno or 0, "from typing import TYPE_CHECKING")
    _fill(lines, place - 2, "if TYPE_CHECKING: from mypy_extensions import mypyc_attr")
    _fill(lines, place - 1, "@mypyc_attr(allow_interpreted_subclasses=True)")
    return "\n".join(lines) + "\n"


def native_records(source: str) -> str:
    """Give every Struct of a module a constructor of its own in place of msgspec's, and its order if it has one."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef) or "Struct" not in map(ast.unparse, node.bases):
            continue
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
        names = [ast.unparse(each.target) for each in fields]
        taken = ", ".join(map(ast.unparse, fields))
        kept = "; ".join(f"self.{name} = {name}" for name in names)
        bases = ", ".join(base for base in map(ast.unparse, node.bases) if base != "Struct")
        lines[node.lineno - 1] = f"class {node.name}({bases}):" if bases else f"class {node.name}:"
        after = fields[-1].end_lineno or 0
        _fill(lines, after, f"    def __init__(self, {taken}) -> None: {kept}")
        if any(each.arg == "order" for each in node.keywords):
            # What an order may rest on are the leading integers; for all that follows there is nothing to compare.
            integers = list(takewhile(lambda each: ast.unparse(each.annotation) == "int", fields))
            less = _less([ast.unparse(each.target) for each in integers])
            _fill(
                lines,
                after + 1,
                f'    def __lt__(self, other: "{node.name}{_parameters(node)}") -> bool: return {less}',
            )
    return "\n".join(lines) + "\n"


def _less(names: list[str]) -> str:
    """Whether `self` comes before `other` by the attributes of these names, the first one first."""
    first, *rest = names
    less = f"self.{first} < other.{first}"
    return f"{less} or (self.{first} == other.{first} and ({_less(rest)}))" if rest else less


def _parameters(node: ast.ClassDef) -> str:
    """The type parameters of a generic class, in brackets."""
    return next(("[" + ast.unparse(base.slice) + "]" for base in node.bases if isinstance(base, ast.Subscript)), "")


def _fill(lines: list[str], place: int, line: str) -> None:
    """Put a line where an empty one is. Raises `ValueError` if none is there."""
    if lines[place]:
        raise ValueError(f"line {place + 1} is not empty, and needed for: {line}")
    lines[place] = line


if __name__ == "__main__":
    main(*sys.argv[1:])
