"""A private apt: its own lists, its own empty package state, one signed source; nothing of the host changes.

Owns: finding the machine's Debian mirror and keyring, `update`, `download` and unpacking, bounded retries,
and turning apt's complaints into a sentence a person understands.

Must not know: which packages are wanted, or why.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Report = Callable[[str], None]

KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
APT_TIMEOUT_SECONDS = 300
PAUSE_BETWEEN_ATTEMPTS_SECONDS = 1.0
RETRIES = 2
"""Of apt's own, at each attempt."""
MIRRORS_TRIED_AT_MOST = 5

_CONFIG = """\
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{folder}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "{retries}";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Binary::apt-get::APT::Keep-Downloaded-Packages "true";
"""

_SOURCE = """\
Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Signed-By: {keyring}
"""


class LabUnavailable(Exception):
    """The lab cannot be had on this machine; the text gives the reason and the fix."""


class _AptFailed(Exception):
    """One run of apt failed; the text is apt's own complaint."""


@dataclass(slots=True)
class PrivateApt:
    """One private apt state. `discover`, `prepare`, `update`, then `download` and `unpack`."""

    mirrors: tuple[str, ...]
    keyring: str
    host_settings: str = ""
    """The host's proxy and TLS settings, which its network may need."""
    _folder: Path = field(default=Path())
    _suite: str = ""

    @classmethod
    def discover(cls) -> PrivateApt:
        """Find what the machine offers.

        Raises:
            LabUnavailable: no apt, no Debian mirror, or no keyring.
        """
        absent = [tool for tool in ("apt-get", "apt-config", "dpkg-deb") if shutil.which(tool) is None]
        if absent:
            raise LabUnavailable(
                f"its packages need a Debian or Ubuntu machine, and {', '.join(absent)} is not here; "
                "run it in a Debian container, for example one started from a python image"
            )
        keyring = next((path for path in KEYRINGS if Path(path).exists()), None)
        if keyring is None:
            raise LabUnavailable(
                "Debian's archive keyring is not here, so packages could not be verified; "
                "install the package debian-archive-keyring"
            )
        mirrors = _debian_mirrors()
        if not mirrors:
            raise LabUnavailable(
                "no Debian mirror is configured in this machine's apt sources; set ACD_LAB_MIRROR to the address of one"
            )
        return cls(mirrors=mirrors, keyring=keyring, host_settings=_host_settings())

    def prepare(self, folder: Path, *, suite: str) -> None:
        """Write the private state into `folder`."""
        self._folder = folder
        for part in ("state", "lists/partial", "cache/archives/partial", "debs"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "apt.conf").write_text(_CONFIG.format(folder=folder, retries=RETRIES) + self.host_settings)
        self._suite = suite

    def update(self, *, attempts: int, report: Report) -> None:
        """Fetch and verify the package lists from the first mirror that carries the suite.

        Raises:
            LabUnavailable: none does, or none can be reached.
        """
        complaints: list[str] = []
        for mirror in self.mirrors[:MIRRORS_TRIED_AT_MOST]:
            source = _SOURCE.format(mirror=mirror, suite=self._suite, keyring=self.keyring)
            (self._folder / "debian.sources").write_text(source)
            report(f"Asking {mirror} for the package lists of {self._suite}.")
            try:
                # `apt-get update` exits with 0 when a list could not be fetched, unless told not to.
                self._apt(["update", "--error-on=any"], attempts=attempts, report=report)
            except _AptFailed as failure:
                complaints.append(f"{mirror}: {failure}")
            else:
                return
        raise LabUnavailable(
            f"no mirror gave the package lists of {self._suite}; check the network, or set ACD_LAB_MIRROR to "
            f"the address of a Debian mirror that carries it. apt said: {'; '.join(complaints)}"
        )

    def download(self, packages: Sequence[str], *, attempts: int, report: Report) -> list[Path]:
        """Download exactly these packages.

        Raises:
            LookupError: the suite has no package of one of the names.
            LabUnavailable: the download failed.
        """
        report(f"Downloading {len(packages)} packages.")
        try:
            self._apt(["download", *packages], attempts=attempts, report=report)
        except _AptFailed as failure:
            if "Unable to locate" in str(failure) or "no installation candidate" in str(failure):
                raise LookupError(str(failure)) from failure
            raise LabUnavailable(f"the packages could not be downloaded; try again. {failure}") from failure
        return sorted((self._folder / "debs").glob("*.deb"))

    def download_closure(self, packages: Sequence[str], *, attempts: int, report: Report) -> list[Path]:
        """Download these packages and everything they depend on.

        Raises:
            LabUnavailable: the suite lacks them, or the download failed.
        """
        try:
            self._apt(
                ["install", "--yes", "--download-only", "--no-install-recommends", *packages],
                attempts=attempts,
                report=report,
            )
        except _AptFailed as failure:
            raise LabUnavailable(
                f"the suite {self._suite} has no installable {', '.join(packages)} at the moment; "
                f"try again in a day. {failure}"
            ) from failure
        return sorted((self._folder / "cache/archives").glob("*.deb"))

    def unpack(self, packages: Sequence[Path], root: Path, report: Report) -> None:
        """Unpack all packages into one tree; no maintainer script runs."""
        report(f"Unpacking {len(packages)} packages.")
        root.mkdir(parents=True)
        for package in packages:
            done = subprocess.run(  # noqa: S603 - unpacks a package whose signature chain was checked
                ["dpkg-deb", "-x", str(package), str(root)],  # noqa: S607 - the machine's own dpkg
                capture_output=True,
                text=True,
                check=False,
                timeout=APT_TIMEOUT_SECONDS,
            )
            if done.returncode != 0:
                raise LabUnavailable(f"{package.name} could not be unpacked: {done.stderr.strip()}")

    def _apt(self, arguments: Sequence[str], *, attempts: int, report: Report) -> None:
        for attempt in range(1, attempts + 1):
            try:
                self._apt_once(arguments, report)
            except _AptFailed as failure:
                if attempt == attempts or not _may_pass(str(failure)):
                    raise
                report(f"apt-get {arguments[0]} failed ({failure}); attempt {attempt + 1} of {attempts}.")
                time.sleep(PAUSE_BETWEEN_ATTEMPTS_SECONDS * attempt)
            else:
                return

    def _apt_once(self, arguments: Sequence[str], report: Report) -> None:
        process = subprocess.Popen(  # noqa: S603 - apt-get with a configuration of our own
            ["apt-get", *arguments],  # noqa: S607 - the machine's own apt
            cwd=self._folder / "debs",
            env={**os.environ, "APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        watchdog = threading.Timer(APT_TIMEOUT_SECONDS, process.kill)
        watchdog.start()
        complaints: list[str] = []
        try:
            with process:
                for line in process.stdout or ():
                    if line.startswith(("E:", "Err:")):
                        complaints.append(line.strip())
                    elif line.startswith(("Get:", "Fetched")):
                        report("  " + line.strip())
        finally:
            watchdog.cancel()
        if process.returncode != 0:
            reason = "; ".join(dict.fromkeys(complaints)) or f"exit status {process.returncode}"
            raise _AptFailed(reason[:600])


def _may_pass(complaint: str) -> bool:
    """A name that the suite lacks will not appear on the next attempt; everything else may."""
    return "Unable to locate" not in complaint and "does not have a Release file" not in complaint


def _debian_mirrors() -> tuple[str, ...]:
    """The machine's own mirrors, those known to be Debian's main archive first."""
    if override := os.environ.get("ACD_LAB_MIRROR"):
        return (override,)
    answer = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages"],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    targets = [line.partition("|")[::2] for line in answer.splitlines()]
    targets.sort(key=lambda target: target[0] != "Debian")
    addresses = (uri for _label, uri in targets if re.match(r"(https?|file|copy)://?|mirror\+", uri))
    return tuple(dict.fromkeys(addresses))


def _host_settings() -> str:
    """The host's proxy, TLS and authentication settings, as lines of apt's configuration language."""
    answer = subprocess.run(
        ["apt-config", "dump", "--no-empty"],  # noqa: S607 - the machine's own apt
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    lines = [line for line in answer.splitlines() if re.match(r"Acquire::https?::", line)]
    return "\n".join((*lines, ""))
