"""Redis, PostgreSQL, wrk for the bench; Prometheus, nginx, coturn, Chromium, a font for tests: the machine's or Debian.

Owns where these programs are found, and fetching and unpacking them into the project's cache without root, with the
lab's private apt (signatures checked). The packages are those of the machine's own suite, so that they run on the
machine's own C library, which is left out; so is what only an installation needs. Must not know how a program is
started.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from acd_asterisk.lab import LabUnavailable, default_cache
from acd_asterisk.lab._apt import PrivateApt
from acd_asterisk.lab._cache import make_cache_folder, only_one_process, remove_leftovers
from acd_asterisk.lab.provision import print_report

ATTEMPTS: Final = 3

LEFT_OUT: Final = (
    *("adduser", "debconf", "dpkg", "init-system", "libc-", "libc6", "libllvm", "libpam", "libperl", "libz3"),
    *("locales", "passwd", "perl", "tar_", "tzdata", "usrmerge"),
)
"""How the names of those packages begin that are the machine's own affair, or are not needed to serve."""


class Program(NamedTuple):
    """A folder of executables, and where their libraries are if they are not the machine's own."""

    folder: Path
    libraries: Path | None

    def environment(self) -> dict[str, str]:
        """What they are started with."""
        if self.libraries is None:
            return dict(os.environ)
        apart = self.libraries / "pulseaudio"  # where libpulse finds the rest of itself by its RUNPATH, when installed
        tree = self.libraries.parents[2] if self.libraries.name.endswith("-linux-gnu") else self.libraries
        return {
            **os.environ,
            "LD_LIBRARY_PATH": f"{self.libraries}{os.pathsep}{apart}",
            "FONTCONFIG_SYSROOT": str(tree),
        }


class _Wanted(NamedTuple):
    """A Debian package, an executable in it, where that is, and where else the machine may have it."""

    package: str
    executable: str
    place: str
    elsewhere: str = ""


_REDIS: Final = _Wanted("redis-server", "redis-server", "usr/bin")
_POSTGRESQL: Final = _Wanted("postgresql", "initdb", "usr/lib/postgresql/*/bin", "/usr/lib/postgresql/*/bin")
_WRK: Final = _Wanted("wrk", "wrk", "usr/bin")
_NGINX: Final = _Wanted("nginx", "nginx", "usr/sbin")
_PROMETHEUS: Final = _Wanted("prometheus", "promtool", "usr/bin")
_CHROMIUM: Final = _Wanted(
    "chromium-headless-shell", "chromium-headless-shell", "usr/lib/chromium", "/usr/lib/chromium"
)
_COTURN: Final = _Wanted("coturn", "turnserver", "usr/bin")
_CHINESE: Final = _Wanted(
    "fonts-wqy-microhei", "wqy-microhei.ttc", "usr/share/fonts/truetype/wqy", "/usr/share/fonts/truetype/wqy"
)


def redis_program() -> Program:
    """Where `redis-server` is; fetched if need be. Raises `LabUnavailable`."""
    return _there(_REDIS) or _fetched(_REDIS)


def postgresql_program() -> Program:
    """Where `postgres` and `initdb` are; fetched if need be. Raises `LabUnavailable`."""
    return _there(_POSTGRESQL) or _fetched(_POSTGRESQL)


def wrk_program() -> Program:
    """Where `wrk` is; fetched if need be. Raises `LabUnavailable`."""
    return _there(_WRK) or _fetched(_WRK)


def nginx_program() -> Program:
    """Where `nginx` is; fetched if need be. Raises `LabUnavailable`."""
    return _there(_NGINX) or _fetched(_NGINX)


def prometheus_program() -> Program:
    """Where `prometheus` and `promtool` are; fetched if need be. Raises `LabUnavailable`."""
    return _there(_PROMETHEUS) or _fetched(_PROMETHEUS)


def chromium_program() -> Program:
    """Where a Chromium without windows is (`chromium-headless-shell`); fetched if need be. Raises `LabUnavailable`."""
    return _there(_CHROMIUM) or _fetched(_CHROMIUM)


def coturn_program() -> Program:
    """Where `turnserver` and `turnutils_uclient` are; fetched if need be. Raises `LabUnavailable`."""
    return _there(_COTURN) or _fetched(_COTURN)


def chinese_font() -> Path:
    """A font with Chinese characters, which a Chromium alone lacks; fetched if need be. Raises `LabUnavailable`."""
    return (_there(_CHINESE) or _fetched(_CHINESE)).folder / _CHINESE.executable


def _there(wanted: _Wanted) -> Program | None:
    folders = sorted(Path("/").glob(wanted.elsewhere.lstrip("/")), reverse=True) if wanted.elsewhere else []
    for path in (*(folder / wanted.executable for folder in folders), shutil.which(wanted.executable)):
        if path is not None and Path(path).exists():
            # Not the link: PostgreSQL looks for its own files beside what it is.
            return Program(Path(path).resolve().parent, None)
    return _unpacked(wanted)


def _fetched(wanted: _Wanted) -> Program:
    folder, tree = _cache(), _tree(wanted)
    print_report(f"{wanted.package} is neither installed nor in {folder}; fetching it (no root needed).")
    apt = PrivateApt.discover()
    make_cache_folder(folder)
    with only_one_process(folder / "lock", print_report):
        if (program := _unpacked(wanted)) is not None:
            return program
        remove_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix="unpack-", dir=folder, ignore_cleanup_errors=True) as work:
            root = Path(work) / "root"
            apt.prepare(Path(work) / "apt", suite=_suite())
            apt.update(attempts=ATTEMPTS, report=print_report)
            packages = apt.download_closure((wanted.package,), attempts=ATTEMPTS, report=print_report)
            apt.unpack([each for each in packages if not each.name.startswith(LEFT_OUT)], root, print_report)
            shutil.rmtree(tree, ignore_errors=True)
            root.rename(tree)
    found = _unpacked(wanted)
    if found is None:
        raise LabUnavailable(f"the package {wanted.package} of {_suite()} holds no {wanted.executable}; install it")
    return found


def _unpacked(wanted: _Wanted) -> Program | None:
    tree = _tree(wanted)
    executable = next(iter(sorted(tree.glob(f"{wanted.place}/{wanted.executable}"), reverse=True)), None)
    if executable is None:
        return None
    return Program(executable.parent, next(iter(sorted(tree.glob("usr/lib/*-linux-gnu*"))), tree))


def _cache() -> Path:
    return default_cache().parent / "bench"


def _tree(wanted: _Wanted) -> Path:
    return _cache() / f"{wanted.package}-{_suite() or 'unknown'}-{platform.machine()}"


def _suite() -> str:
    """The machine's own Debian suite; empty when it is none, and then apt will say so."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""
