"""Brings Asterisk 22 and SIPp onto this machine without root, into a cache folder of the project.

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
from hashlib import sha256
from pathlib import Path

from acd_asterisk.lab._apt import LabUnavailable, PrivateApt
from acd_asterisk.lab._cache import make_cache_folder, only_one_process, remove_leftovers
from acd_asterisk.lab._loader import UnresolvedLibraries, find_loader, verify_libraries
from acd_asterisk.lab._modules import REQUIRED_MODULES

SUITE = "forky"
"""The Debian suite with Asterisk 22 (LTS); Debian 12 and 13 carry none."""

PACKAGES = (
    *("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "sip-tester", "ncurses-base"),
    *("libbsd0", "libc6", "libcap2", "libcrypt1", "libdbus-1-3", "libedit2", "libgcc-s1", "libgsl28"),
    *("libgslcblas0", "libgsm1", "libjansson4", "libmd0", "libncursesw6", "libnspr4", "libnss3", "libopus0"),
    *("libpcap0.8t64", "libpugixml1v5", "libsctp1", "libsqlite3-0", "libsrtp2-1", "libssl3t64"),
    *("libstdc++6", "libsystemd0", "libtinfo6", "liburiparser1", "libuuid1", "libxml2-16", "libxslt1.1"),
    *("libzstd1", "zlib1g"),
)
"""The short list: what the two programs load, and no more. It may go stale as the suite moves; then the
full closure that apt computes from `ROOT_PACKAGES` is taken instead."""

ROOT_PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "sip-tester", "ncurses-base")

ATTEMPTS = 3
OLDEST_SIPP = (3, 6)

_VERSION = re.compile(r"(?:Asterisk |SIPp v)(\d+\.\d+\.\d+)")

Report = Callable[[str], None]

__all__ = ["SUITE", "LabUnavailable", "Provisioned", "default_cache", "print_report", "provision"]


@dataclass(frozen=True, slots=True)
class Provisioned:
    """An unpacked tree and how to start what is in it."""

    root: Path
    loader: Path
    library_path: Path
    asterisk_version: str
    sipp_version: str
    sipp_on_path: str | None = None
    """The machine's own SIPp, when it has one that is recent enough; it is used before the tree's."""

    def asterisk_command(self, *arguments: str) -> list[str]:
        """The argument vector that starts Asterisk; the process shows as the loader's name."""
        return self._through_loader("asterisk", self.root / "usr/sbin/asterisk", arguments)

    def sipp_command(self, *arguments: str) -> list[str]:
        """The argument vector that starts SIPp."""
        if self.sipp_on_path is not None:
            return [self.sipp_on_path, *arguments]
        return self._through_loader("sipp", self.root / "usr/bin/sipp", arguments)

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

    def _through_loader(self, name: str, program: Path, arguments: tuple[str, ...]) -> list[str]:
        return [
            *(str(self.loader), "--library-path", str(self.library_path)),
            *("--argv0", name, str(program)),
            *arguments,
        ]


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


def provision(cache: Path | None = None, *, report: Report = print_report) -> Provisioned:
    """Give a usable Asterisk and SIPp, fetching and unpacking them on the first call.

    Idempotent: once the tree exists, a call reads one small file. Safe when several processes call it at
    the same time: one does the work under a lock while the others wait for it.

    Raises:
        LabUnavailable: it cannot be had here; the text says why, and what would help.
    """
    folder = (cache or default_cache()).resolve()
    tree = folder / _tree_name()
    if (found := _read_tree(tree)) is not None:
        return found
    report(f"Asterisk 22 and SIPp are not in {folder} yet; provisioning (no root needed, about 25 MB).")
    apt = PrivateApt.discover()
    make_cache_folder(folder)
    with only_one_process(folder / "lock", report):
        if (found := _read_tree(tree)) is not None:
            report("Another process has just provisioned it.")
            return found
        remove_leftovers(folder)
        started = time.monotonic()
        _build_tree(apt, folder, tree, report)
        report(f"Ready in {time.monotonic() - started:.1f} s: {tree}")
    found = _read_tree(tree)
    if found is None:
        raise LabUnavailable(f"the unpacked tree {tree} could not be read back; delete it and try again")
    return found


def _tree_name() -> str:
    """A new recipe gets a new folder, so that an old cache is never mistaken for what is wanted now."""
    recipe = sha256("\n".join((SUITE, *PACKAGES, *REQUIRED_MODULES)).encode()).hexdigest()[:10]
    return f"{SUITE}-{os.uname().machine}-{recipe}"


def _build_tree(apt: PrivateApt, folder: Path, tree: Path, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="unpack-", dir=folder, ignore_cleanup_errors=True) as name:
        work = Path(name)
        apt.prepare(work / "apt", suite=SUITE)
        apt.update(attempts=ATTEMPTS, report=report)
        root = work / "root"
        try:
            apt.unpack(apt.download(PACKAGES, attempts=ATTEMPTS, report=report), root, report)
            loader = verify_libraries(root, REQUIRED_MODULES, report)
        except (UnresolvedLibraries, LookupError) as stale:
            report(f"The short package list is out of date ({stale}); taking apt's full closure.")
            shutil.rmtree(root, ignore_errors=True)
            apt.unpack(apt.download_closure(ROOT_PACKAGES, attempts=ATTEMPTS, report=report), root, report)
            loader = _verify_closure(root, report)
        manifest = {
            "asterisk": _version(loader, root / "usr/sbin/asterisk", "-V"),
            "sipp": _version(loader, root / "usr/bin/sipp", "-v"),
        }
        (root / "provisioned.json").write_text(json.dumps(manifest))
        if tree.exists():  # An unreadable tree: one without its manifest, which is written last.
            shutil.rmtree(tree)
        root.rename(tree)


def _verify_closure(root: Path, report: Report) -> Path:
    try:
        return verify_libraries(root, REQUIRED_MODULES, report)
    except UnresolvedLibraries as error:
        raise LabUnavailable(
            f"the suite {SUITE} is inconsistent at the moment ({error}); try again in a day, "
            "or use another mirror (ACD_LAB_MIRROR)"
        ) from error


def _version(loader: Path, program: Path, flag: str) -> str:
    answer = subprocess.run(  # noqa: S603 - a program of the tree that was just verified
        [str(loader), "--library-path", str(loader.parent), "--argv0", program.name, str(program), flag],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise LabUnavailable(f"{program.name} does not start on this machine: {answer.stderr.strip()}")
    return found[1]


def _read_tree(tree: Path) -> Provisioned | None:
    try:
        manifest = json.loads((tree / "provisioned.json").read_text())
        asterisk, sipp = str(manifest["asterisk"]), str(manifest["sipp"])
        loader = find_loader(tree)
    except (OSError, ValueError, KeyError, UnresolvedLibraries):
        return None
    own, version = _sipp_on_path()
    return Provisioned(
        root=tree,
        loader=loader,
        library_path=loader.parent,
        asterisk_version=asterisk,
        sipp_version=version or sipp,
        sipp_on_path=own,
    )


def _sipp_on_path() -> tuple[str | None, str]:
    found = shutil.which("sipp")
    if found is None:
        return None, ""
    try:
        answer = subprocess.run(  # noqa: S603 - asks the machine's own SIPp for its version
            [found, "-v"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None, ""
    version = _VERSION.search(answer)
    if version is None or tuple(int(part) for part in version[1].split(".")[:2]) < OLDEST_SIPP:
        return None, ""
    return found, version[1]
