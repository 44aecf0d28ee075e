"""The HTTP API. `build_app` makes the aiohttp application, `serve` also listens, `probe` sees whether it could."""

from acd.api.app import build_app
from acd.api.context import ApiRouter
from acd.api.server import Server, probe, serve

__all__ = ["ApiRouter", "Server", "build_app", "probe", "serve"]
