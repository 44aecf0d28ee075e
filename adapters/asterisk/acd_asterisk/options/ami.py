"""`[channels.NAME.ami]`: where Asterisk's manager interface is. Owns the checks; does no IO."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd_asterisk.options.password import Password
from acd_asterisk.options.reader import Reader

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}")
_USER: Final = re.compile(r"[^\x00-\x20:\x7f-\xa0]{1,128}")
_HIGHEST_PORT: Final = 65_535
_PORT: Final = 5_038
_TLS_PORT: Final = 5_039


class AmiOptions(Struct, frozen=True, kw_only=True):
    """How AMI is reached. `tls_ca`: a file of the certificates that are trusted, instead of the system's."""

    host: str
    port: int
    user: str
    password: Password
    tls: bool = False
    tls_ca: Path | None = None

    @property
    def cautions(self) -> tuple[tuple[str, str, str], ...]:
        """What works and had better be otherwise: key, reason, fix."""
        if self.tls or self.host in LOOPBACK:
            return self.password.cautions
        reason = f"what callers say and dial, and all that may be done to the PBX, travels in clear to {self.host}"
        return (("host", reason, "set tls = true, or run beside the PBX with 127.0.0.1"), *self.password.cautions)


def read_ami(reader: Reader, key: str = "ami") -> AmiOptions | None:
    """The table; None when it is not there."""
    if not reader.has(key):
        return None
    return read_ami_keys(reader.table(key, "AMI"))


def read_ami_keys(table: Reader) -> AmiOptions:
    """The keys of AMI in a table."""
    tls = table.flag("tls", default=False)
    ca = table.text("tls_ca", "") or ""
    if ca and not tls:
        table.problem("tls_ca", "has no effect without TLS", "set tls = true, or leave it out")
    return AmiOptions(
        host=table.pattern("host", "127.0.0.1", _HOST, "a host's name or address"),
        port=table.integer("port", _TLS_PORT if tls else _PORT, 1, _HIGHEST_PORT),
        user=table.pattern("user", "", _USER, "a user's name, as in manager.conf"),
        password=table.password(),
        tls=tls,
        tls_ca=table.path(ca) if ca else None,
    )
