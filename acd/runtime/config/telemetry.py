"""`[telemetry]`: where spans are sent to.

Owns its keys. Must not know OpenTelemetry beyond whether it is installed.
"""

from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from acd.runtime.config.model import LOOPBACK, TelemetryConfig
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table

MAX_URL: Final = 2_000
MAX_SERVICE: Final = 200


def read_telemetry(root: Table) -> TelemetryConfig | None:
    """To write the section is to want it; None without it."""
    if not root.has("telemetry"):
        return None
    table = root.table("telemetry")
    config = TelemetryConfig(_endpoint(table), table.text("service", most=MAX_SERVICE))
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        fix = "install it in acd's folder: pip install '.[otel]'; or leave this section out"
        table.problems.error(table.key, "needs OpenTelemetry, which is not installed", fix)
    table.finish()
    return config


def _endpoint(table: Table) -> str:
    """The collector's address, without a path for traces and without a secret; empty if it is not said."""
    url = table.text("endpoint", most=MAX_URL)
    if not url:
        return ""
    key = table.at("endpoint")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or " " in url:
        table.problems.error(key, f"{quoted(url)} is not an address", 'write it like "http://127.0.0.1:4318"')
    elif parts.username is not None or parts.password is not None or parts.query:
        fix = "leave it out, and set OTEL_EXPORTER_OTLP_HEADERS in the environment"
        table.problems.error(key, "has a user, a password or a query in it", fix)
    elif parts.scheme == "http" and host not in LOOPBACK:
        table.problems.warn(key, "is not encrypted: everybody on the way can read what happens when", "use https")
    return url
