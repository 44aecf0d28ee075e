"""How a running engine is reached, by its configuration.

Owns that a server which listens everywhere is asked here, and that port 0 says nothing. Must not know who asks, nor
what: it is imported by those who ask every few seconds.
"""

from pathlib import Path
from typing import Final

from acd.errors import ConfigError
from acd.runtime.config import ApiConfig, MetricsConfig
from acd.runtime.config.addresses import url_of

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to connect to when a server listens everywhere


def api_url(api: ApiConfig, file: Path) -> str:
    """`http://127.0.0.1:8420`, `unix:/run/acd/api.sock`. Raises ConfigError when `file` does not say the port."""
    if api.socket is not None:
        return f"unix:{api.socket.path}"
    return _url("http" if api.certificate is None else "https", api.host, api.port, f"{file}: api.port")


def metrics_url(metrics: MetricsConfig, file: Path) -> str:
    """Where `[metrics]` is served. Raises likewise."""
    return _url("http", metrics.host, metrics.port, f"{file}: metrics.port")


def _url(scheme: str, host: str, port: int, key: str) -> str:
    if not port:
        raise ConfigError((f"{key}: is 0, so that the address is known to nobody; name it with --url",))
    return url_of(scheme, _ANY.get(host, host), port)
