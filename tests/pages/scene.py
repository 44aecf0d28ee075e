"""The contact centre of the pictures: that of the demo, with its agents, queues, shop and web channels, and no chance.

Owns that it runs (`acd serve` as a process of its own), and what happens there by the API. Must not know what is
photographed.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final

from examples.demo.cast import configuration
from examples.demo.pages import Pages
from tests.served import TOKEN, Served, write_secret

POLL_SECONDS: Final = 0.02
SOON: Final = 15.0

LONGEST: Final = 'longest_wait = "20s"'
LONGEST_HERE: Final = 'longest_wait = "1h"'
"""Or how slow a machine is would decide which alarms there are."""

ALARM: Final = """
[queues.cantonese.alarms]
waiting = 3
settle = "1s"
"""


class Scene:
    """A centre that is being served, with the shop."""

    def __init__(self, folder: Path, pages: Pages) -> None:
        self.pages = pages
        write_secret(folder)
        more = pages.configuration(folder).replace(LONGEST, LONGEST_HERE) + ALARM
        text = configuration("", token_file="token", port=pages.port, more=more)
        (folder / "acd.toml").write_text(text, encoding="utf-8")
        self.served = Served(folder)
        assert self.served.ready() == pages.places.acd

    def must(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """As the centre's other systems do; it has to succeed."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.pages.places.acd}{path}",
            method=method,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            data=None if method == "GET" else json.dumps(body or {}).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response)

    def sign_in(self, *agents: str) -> None:
        """They are ready."""
        for agent in agents:
            self.must("POST", f"/v1/agents/{agent}/sign-in", {"ready": True})

    def call(self, name: str, queue: str) -> None:
        """Somebody calls."""
        self.must("POST", "/v1/interactions", {"id": name, "queue": queue, "channel": "voice"})

    def answered(self, name: str, queue: str) -> None:
        """Somebody calls, and whoever it rings at picks up."""
        self.call(name, queue)
        deadline = time.monotonic() + SOON
        while self.must("GET", f"/v1/interactions/{name}")["state"] != "active":
            assert time.monotonic() < deadline, name
            for offered in self.must("GET", "/v1/agents")["agents"]:
                if any(item["interaction_id"] == name for item in offered["work"]):
                    self.must("POST", f"/v1/offers/{name}.1/accept", {"agent_id": offered["id"]})
            time.sleep(POLL_SECONDS)


@contextmanager
def opened(folder: Path) -> Iterator[Scene]:
    """In this folder, until it is no longer needed. The shop is served from a thread."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    pages = Pages()
    try:
        asyncio.run_coroutine_threadsafe(pages.open(), loop).result()
        scene = Scene(folder, pages)
        try:
            yield scene
        finally:
            scene.served.kill()
    finally:
        asyncio.run_coroutine_threadsafe(pages.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
