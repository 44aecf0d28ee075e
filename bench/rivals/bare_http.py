"""The least that aiohttp can do: an answer of fixed bytes, with nothing behind it.

Owns that rival. It is given bodies by name as JSON on its standard input, and serves each at two paths: `/NAME/fixed`
sends these very bytes, `/NAME/encoded` makes them anew each time out of what they say, with msgspec. A request's body
is read and thrown away. Nobody is asked who they are; nothing is checked, decided, written or logged. Runs as a
process of its own:

    echo '{"agents": "[]"}' | python -m bench.rivals.bare_http
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

READY: Final = "bare: ready: "

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(bodies: dict[str, str]) -> web.Application:
    """Bodies by name."""
    app = web.Application()
    for name, body in bodies.items():
        fixed = body.encode()
        for way, handler in (("fixed", _fixed(fixed)), ("encoded", _encoded(msgspec.json.decode(fixed)))):
            app.router.add_get(f"/{name}/{way}", handler, allow_head=False)
            app.router.add_post(f"/{name}/{way}", handler)
    return app


async def serve(bodies: dict[str, str]) -> None:
    """Until it is killed."""
    runner = web.AppRunner(application(bodies), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"{READY}http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def _fixed(body: bytes) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="application/json")

    return handle


def _encoded(document: object) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=msgspec.json.encode(document), content_type="application/json")

    return handle


if __name__ == "__main__":
    asyncio.run(serve(msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, str])))
