"""Where something listens: hosts, UNIX sockets, and `[metrics]`.

Owns these keys, their bounds and defaults. Must not know what is served there, nor open anything: whether an address
is free is found out when it is listened on.
"""

import grp
import re
from os.path import isdir  # unlike those of Path it never raises
from typing import Final

from acd.runtime.config.model import LOOPBACK, ApiConfig, MetricsConfig, SocketConfig
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table

MAX_SOCKET_PATH: Final = 100
"""Bytes of a UNIX socket's path; the system has room for 107, and the file has a longer name until it is ready."""

EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - nothing listens there because of this
"""Hosts that stand for every address of this machine."""

_MODE: Final = re.compile(r"0?[0-7]{3}")


def read_host(table: Table) -> str:
    """The key `host`; what is no host has been noted."""
    host = table.text("host", "127.0.0.1")
    if not host or any(char.isspace() for char in host):
        table.problems.error(table.at("host"), f"{quoted(host)} is not a host", 'use "127.0.0.1", or an address')
        return "127.0.0.1"
    return host


def read_socket(table: Table) -> SocketConfig | None:
    """The keys `socket`, `socket_mode` and `socket_group`; None without the first."""
    mode, group = table.text("socket_mode", "660"), table.text("socket_group")
    if not table.has("socket"):
        for name in ("socket_mode", "socket_group"):
            if table.has(name):
                table.problems.error(table.at(name), "has no effect without a socket", "set socket, or leave it out")
        return None
    path = table.path("socket", "acd.sock")
    key = table.at("socket")
    if len(str(path).encode("utf-8", "surrogatepass")) > MAX_SOCKET_PATH:
        reason = f"{path} is longer than {MAX_SOCKET_PATH} bytes, which no socket's path may be"
        table.problems.error(key, reason, 'use a shorter one, like "/run/acd/api.sock"')
    elif not isdir(path.parent):
        fix = "systemd makes it with RuntimeDirectory=; else create it before acd starts"
        table.problems.warn(key, f"there is no folder {path.parent} now", fix)
    if not _MODE.fullmatch(mode):
        table.problems.error(
            table.at("socket_mode"), f"{quoted(mode)} is not a mode", 'write it in octal, like "660" or "600"'
        )
        mode = "600"
    if group and not _is_group(group):
        reason = f"there is no group {quoted(group)} on this machine"
        table.problems.error(table.at("socket_group"), reason, f"create it (groupadd {group}), or name another")
    return SocketConfig(path, int(mode, 8), group)


def read_metrics(root: Table) -> MetricsConfig | None:
    """`[metrics]`; None when there is none: then /metrics is a route of the API."""
    if not root.has("metrics"):
        return None
    table = root.table("metrics")
    config = MetricsConfig(host=read_host(table), port=table.integer("port", 9420, 0, 65_535))
    table.finish()
    return config


def check_apart(root: Table, api: ApiConfig | None, metrics: MetricsConfig | None) -> None:
    """Find now what would be in the way when the second of the two is listened on."""
    if api is None or metrics is None or not api.host or not metrics.port or api.port != metrics.port:
        return
    if overlap(api.host, metrics.host):
        root.problems.error(("metrics", "port"), f"{metrics.port} is the API's, too", "choose another port")


def overlap(one: str, other: str) -> bool:
    """Whether two hosts are, or may be, the same address of this machine."""
    hosts = {one, other}
    return len(hosts) == 1 or bool(hosts & EVERYWHERE) or hosts <= LOOPBACK - {"::1"} or hosts == {"localhost", "::1"}


def url_of(scheme: str, host: str, port: int) -> str:
    """`http://127.0.0.1:8420`, `http://[::1]:8420`."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
