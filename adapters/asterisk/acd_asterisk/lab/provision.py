"""Brings Asterisk (22, or 16) and SIPp onto this machine without root, into a cache folder of the project.

Owns: where the packages come from (the machine's own Debian mirror, a private apt state, signatures
checked), unpacking them once, proving that every library resolves, and the command lines that start the
two programs through the unpacked tree's own dynamic loader, so that the host's C library does not matter
and nothing is installed.

Must not know: how a PBX is configured, what SIPp is asked to play, or anything of the engine.

Everything that can go wrong on somebody's machine ends in `LabUnavailable`, whose text names the reason
and the way out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from acd_asterisk.lab._apt import LabUnavailable, PrivateApt
from acd_asterisk.lab._cache import make_cache_folder, only_one_process, remove_leftovers
from acd_asterisk.lab._layout import settle
from acd_asterisk.lab._loader import UnresolvedLibraries, find_loader, verify_libraries
from acd_asterisk.lab._recipes import ASTERISK, RECIPES, SIPP, Recipe

ATTEMPTS = 3
OLDEST_SIPP = (3, 7)

_VERSION = re.compile(r"(?:Asterisk |SIPp v)(\d+\.\d+\.\d+)")

Report = Callable[[str], None]

__all__ = ["LabUnavailable", "Provisioned", "default_cache", "print_report", "provision"]


@dataclass(frozen=True, slots=True)
class Provisioned:
    """An unpacked tree and how to start what is in it."""

    root: Path
    loader: Path
    library_path: Path
    asterisk_version: str
    sipp_version: str
    modules: tuple[str, ...]
    """Those that an instance loads."""
    asterisk: tuple[str, ...]
    """What a command line that starts it begins with."""
    sipp: tuple[str, ...]
    """The same for SIPp: the machine's own, when it is recent enough, else the tree's, else that of 22's tree."""

    def asterisk_command(self, *arguments: str) -> list[str]:
        """The argument vector that starts Asterisk; the process shows as the loader's name."""
        return [*self.asterisk, *arguments]

    def sipp_command(self, *arguments: str) -> list[str]:
        """The argument vector that starts SIPp."""
        return [*self.sipp, *arguments]

    def environment(self) -> dict[str, str]:
        """The environment both programs need: this process's own, with what points into the tree."""
        return {
            **os.environ,
            "OPENSSL_MODULES": str(self.library_path / "ossl-modules"),
            "TERMINFO": str(self.root / "usr/share/terminfo"),
            "TERM": "dumb",
        }

    @property
    def modules_folder(self) -> Path:
        """Where Asterisk's loadable modules are (`astmoddir`)."""
        return self.library_path / "asterisk/modules"

    @property
    def data_folder(self) -> Path:
        """Asterisk's read-only data: sounds, documentation, ARI's descriptions (`astdatadir`)."""
        return self.root / "usr/share/asterisk"


class _Sipp(NamedTuple):
    """How to start it, and its version."""

    starting: tuple[str, ...]
    version: str


def default_cache() -> Path:
    """The cache folder: `ACD_LAB_CACHE`, or `.cache/asterisk` in the project (or the current folder)."""
    if override := os.environ.get("ACD_LAB_CACHE"):
        return Path(override).expanduser().resolve()
    here = Path.cwd()
    project = next((p for p in (here, *here.parents) if (p / ".git").exists()), here)
    return project / ".cache" / "asterisk"


def print_report(line: str) -> None:
    """The default progress callback: one line to standard error, at once."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress is this function's purpose


def provision(cache: Path | None = None, *, version: str = "22", report: Report = print_report) -> Provisioned:
    """Give a usable Asterisk and SIPp, fetching and unpacking them on the first call.

    `version` is Asterisk's: 22, or 16, which older installations have.

    Idempotent: once the tree exists, a call reads one small file. Safe when several processes call it at
    the same time: one does the work under a lock while the others wait for it.

    Raises:
        LabUnavailable: it cannot be had here; the text says why, and what would help.
    """
    if (recipe := RECIPES.get(version)) is None:
        raise LabUnavailable(f"there is no recipe for Asterisk {version}; known are {', '.join(sorted(RECIPES))}")
    folder = (cache or default_cache()).resolve()
    tree = folder / f"{recipe.suite}-{os.uname().machine}-{recipe.digest}"
    sipp = _sipp_elsewhere(recipe, folder, report)
    if (found := _read_tree(tree, recipe, sipp)) is not None:
        return found
    report(f"{recipe} is not in {folder} yet; provisioning (no root needed, about {recipe.megabytes} MB).")
    apt = PrivateApt.discover()
    make_cache_folder(folder)
    with only_one_process(folder / "lock", report):
        if (found := _read_tree(tree, recipe, sipp)) is not None:
            report("Another process has just provisioned it.")
            return found
        remove_leftovers(folder)
        started = time.monotonic()
        _build_tree(apt, recipe, folder, tree, report)
        report(f"Ready in {time.monotonic() - started:.1f} s: {tree}")
    found = _read_tree(tree, recipe, sipp)
    if found is None:
        raise LabUnavailable(f"the unpacked tree {tree} could not be read back; delete it and try again")
    return found


def _sipp_elsewhere(recipe: Recipe, folder: Path, report: Report) -> _Sipp | None:
    """The machine's own SIPp, or that of 22 for a recipe without one; None: the tree's."""
    own = _sipp_on_path()
    if own is None and SIPP not in recipe.programs:
        telephones = provision(folder, report=report)
        return _Sipp(telephones.sipp, telephones.sipp_version)
    return own


def _build_tree(apt: PrivateApt, recipe: Recipe, folder: Path, tree: Path, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="unpack-", dir=folder, ignore_cleanup_errors=True) as name:
        work = Path(name)
        apt.prepare(work / "apt", suite=recipe.suite)
        apt.update(attempts=ATTEMPTS, report=report)
        root = work / "root"
        try:
            _unpack(apt, apt.download(recipe.packages, attempts=ATTEMPTS, report=report), root, report)
            loader = verify_libraries(root, recipe.programs, recipe.modules, report)
        except (UnresolvedLibraries, LookupError) as stale:
            report(f"The short package list is out of date ({stale}); taking apt's full closure.")
            shutil.rmtree(root, ignore_errors=True)
            _unpack(apt, apt.download_closure(recipe.roots, attempts=ATTEMPTS, report=report), root, report)
            loader = _verify_closure(recipe, root, report)
        manifest = {
            Path(program).name: _version(_starting(recipe, loader, root / program), flag)
            for program, flag in zip(recipe.programs, ("-V", "-v"), strict=False)
        }
        (root / "provisioned.json").write_text(json.dumps(manifest))
        if tree.exists():  # An unreadable tree: one without its manifest, which is written last.
            shutil.rmtree(tree)
        root.rename(tree)


def _unpack(apt: PrivateApt, packages: list[Path], root: Path, report: Report) -> None:
    apt.unpack(packages, root, report)
    settle(root)


def _verify_closure(recipe: Recipe, root: Path, report: Report) -> Path:
    try:
        return verify_libraries(root, recipe.programs, recipe.modules, report)
    except UnresolvedLibraries as error:
        raise LabUnavailable(
            f"the suite {recipe.suite} is inconsistent at the moment ({error}); try again in a day, "
            "or use another mirror (ACD_LAB_MIRROR)"
        ) from error


def _starting(recipe: Recipe, loader: Path, program: Path) -> tuple[str, ...]:
    """What starts a program of the tree through the tree's own loader."""
    named = ("--argv0", program.name) if recipe.loader_names else ()
    return (str(loader), "--library-path", str(loader.parent), *named, str(program))


def _version(starting: tuple[str, ...], flag: str) -> str:
    answer = subprocess.run(  # noqa: S603 - a program of the tree that was just verified
        [*starting, flag], capture_output=True, text=True, timeout=30, check=False
    )
    found = _VERSION.search(answer.stdout)
    if found is None:
        name = Path(starting[-1]).name
        raise LabUnavailable(f"{name} does not start on this machine: {answer.stderr.strip()}")
    return found[1]


def _read_tree(tree: Path, recipe: Recipe, sipp: _Sipp | None) -> Provisioned | None:
    try:
        manifest = json.loads((tree / "provisioned.json").read_text())
        version = str(manifest["asterisk"])
        loader = find_loader(tree)
        if sipp is None:
            sipp = _Sipp(_starting(recipe, loader, tree / SIPP), str(manifest["sipp"]))
    except (OSError, ValueError, KeyError, UnresolvedLibraries):
        return None
    return Provisioned(
        root=tree,
        loader=loader,
        library_path=loader.parent,
        asterisk_version=version,
        sipp_version=sipp.version,
        modules=recipe.modules,
        asterisk=_starting(recipe, loader, tree / ASTERISK),
        sipp=sipp.starting,
    )


def _sipp_on_path() -> _Sipp | None:
    found = shutil.which("sipp")
    if found is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - asks the machine's own SIPp for its version
            [found, "-v"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(answer)
    if version is None or tuple(int(part) for part in version[1].split(".")[:2]) < OLDEST_SIPP:
        return None
    return _Sipp((found,), version[1])
