"""Which Asterisk comes from where: the suite, its packages, and the modules that are to be in it.

Owns: one recipe for each version that the lab has. Must not know: how packages are fetched, or what is configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from acd_asterisk.lab._modules import ABSENT_IN_16, REQUIRED_MODULES, WEBRTC_MODULES

ASTERISK = "usr/sbin/asterisk"
SIPP = "usr/bin/sipp"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to fetch for one version of Asterisk.

    `packages`: what the two programs load, and no more. The list may go stale as a suite moves; then the full closure
    that apt computes from `roots` is taken instead.
    """

    version: str
    suite: str
    packages: tuple[str, ...]
    roots: tuple[str, ...]
    modules: tuple[str, ...]
    megabytes: int
    """To download, about."""
    programs: tuple[str, ...] = (ASTERISK, SIPP)
    """Without SIPp, that of 22 plays the telephones."""
    loader_names: bool = True
    """Its loader can start a program under another name (`--argv0`), as the C library does since 2.33."""

    def __str__(self) -> str:
        """What is fetched."""
        return f"Asterisk {self.version}{' with SIPp' if SIPP in self.programs else ''}"

    @property
    def digest(self) -> str:
        """Another one for another recipe, so that an old cache is never mistaken for what is wanted now."""
        return sha256("\n".join((self.suite, *self.packages, *self.modules)).encode()).hexdigest()[:10]


_ROOTS = ("asterisk", "asterisk-core-sounds-en-gsm", "ncurses-base")

_TWENTY_TWO = Recipe(
    version="22",
    # The suite with Asterisk 22 (LTS); Debian 12 and 13 carry none.
    suite="forky",
    packages=(
        *("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "sip-tester", "ncurses-base"),
        *("libbsd0", "libc6", "libcap2", "libcrypt1", "libdbus-1-3", "libedit2", "libgcc-s1", "libgsl28"),
        *("libgslcblas0", "libgsm1", "libjansson4", "libmd0", "libncursesw6", "libnspr4", "libnss3", "libopus0"),
        *("libpcap0.8t64", "libpugixml1v5", "libsctp1", "libsqlite3-0", "libsrtp2-1", "libssl3t64"),
        *("libstdc++6", "libsystemd0", "libtinfo6", "liburiparser1", "libuuid1", "libxml2-16", "libxslt1.1"),
        *("libzstd1", "zlib1g"),
    ),
    roots=(*_ROOTS, "sip-tester"),
    modules=(*REQUIRED_MODULES, *WEBRTC_MODULES),
    megabytes=25,
)
_SIXTEEN = Recipe(
    version="16",
    # Debian 11: what many a FreePBX and Issabel of these years runs.
    suite="bullseye",
    packages=(
        *("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "ncurses-base", "libbsd0", "libc6"),
        *("libcap2", "libcrypt1", "libedit2", "libgcc-s1", "libgcrypt20", "libgpg-error0", "libgsm1", "libicu67"),
        *("libjansson4", "liblz4-1", "liblzma5", "libmd0", "libsqlite3-0", "libsrtp2-1", "libssl1.1", "libstdc++6"),
        *("libsystemd0", "libtinfo6", "liburiparser1", "libuuid1", "libxml2", "libxslt1.1", "libzstd1", "zlib1g"),
    ),
    roots=_ROOTS,
    modules=tuple(module for module in REQUIRED_MODULES if module not in ABSENT_IN_16),
    megabytes=30,
    # Its SIPp is 3.6, which cannot be told which ports to take for media.
    programs=(ASTERISK,),
    loader_names=False,
)

RECIPES = {recipe.version: recipe for recipe in (_TWENTY_TWO, _SIXTEEN)}
"""By major version; 22 is the one that is meant when nobody says otherwise."""
