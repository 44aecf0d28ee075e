"""Proves that an unpacked tree is complete: every library of every program comes from the tree itself.

Owns: finding the tree's dynamic loader, and asking it (`--list`) where each library would come from. A
library that the host happens to have does not count: it was built against another C library.

Must not know: where the tree came from.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LIST_TIMEOUT_SECONDS = 60
NAMED_AT_MOST = 5
"""How many missing libraries an error names."""


class UnresolvedLibraries(Exception):
    """The tree lacks a library, or its loader."""


def find_loader(root: Path) -> Path:
    """The tree's dynamic loader, in the folder that also holds its libraries.

    Raises:
        UnresolvedLibraries: there is none.
    """
    found = sorted(root.glob("usr/lib/*/ld-linux-*.so.*"))
    if not found:
        raise UnresolvedLibraries("the C library's loader")
    return found[0]


def verify_libraries(
    root: Path, programs: Sequence[str], modules: Sequence[str], report: Callable[[str], None]
) -> Path:
    """Check the programs (paths within the tree) and the named modules of Asterisk; give the loader.

    Raises:
        UnresolvedLibraries: names what is missing.
    """
    loader = find_loader(root)
    files = [root / program for program in programs]
    files += [loader.parent / "asterisk/modules" / f"{module}.so" for module in modules]
    if absent := [str(file.relative_to(root)) for file in files if not file.exists()]:
        raise UnresolvedLibraries(", ".join(absent[:NAMED_AT_MOST]))
    report(f"Checking that the libraries of {len(files)} programs and modules resolve.")
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = pool.map(lambda file: set(_missing(loader, root, file)), files)
    missing = sorted(set().union(*answers))
    if missing:
        raise UnresolvedLibraries(", ".join(missing[:NAMED_AT_MOST]))
    return loader


def _missing(loader: Path, root: Path, file: Path) -> Iterator[str]:
    """The names that the loader finds nowhere, or only outside the tree.

    A line is `name => path (address)`, `name => not found`, or `linux-vdso.so.1 (address)`.
    """
    answer = subprocess.run(  # noqa: S603 - the loader of the tree being checked
        [str(loader), "--library-path", str(loader.parent), "--list", str(file)],
        capture_output=True,
        text=True,
        timeout=LIST_TIMEOUT_SECONDS,
        check=False,
    )
    if answer.returncode != 0 and "not found" not in answer.stdout + answer.stderr:
        yield f"{file.name} ({answer.stderr.strip()[:100]})"
    for line in (answer.stdout + answer.stderr).splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if arrow and not place.startswith(str(root)):
            yield name
