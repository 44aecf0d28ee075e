"""The HTTP API. `build_app` makes the aiohttp application, `serve` also listens, `probe` sees whether it could.

`serve_domains` listens for several domains at one address; `serve_metrics` serves their figures at another one.
"""

from acd.api.app import build_app
from acd.api.context import ApiRouter
from acd.api.listening import probe
from acd.api.server import Domain, Server, serve, serve_domains, serve_metrics

__all__ = ["ApiRouter", "Domain", "Server", "build_app", "probe", "serve", "serve_domains", "serve_metrics"]
