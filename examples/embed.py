"""One call, routed inside your own program. Without `journal=` every command is on disk before it has an effect."""

import asyncio

from acd import Router, SignInAgent
from acd.runtime.config import loads
from acd.runtime.journal import MemoryJournal
from acd.testing import FakeChannel

CONFIG = '[agents.anna]\nskills = { english = 8 }\n[queues.sales]\nrequirement = "skills.english >= 5"'


async def main() -> None:
    """Anna signs in, somebody calls, and the engine says whom it rings, and why."""
    phones = FakeChannel("phones")  # your own has the methods of acd.Channel
    async with Router(loads(CONFIG), journal=MemoryJournal(), channels=[phones]) as router:
        await router.submit(SignInAgent(router.new_id(), "anna", ready=True))
        await phones.arrive("sales", "call-1")
        print(router.view.decisions[-1].reason)


asyncio.run(main())
