"""Which event loop a program runs on.

Owns the choice. Must not know what runs there. With uvloop's (pip install '.[uvloop]') the engine takes a tenth less of
the processor for a call than with Python's own, which maps a quarter of a megabyte anew for whatever it reads.
"""

import asyncio


def runner() -> asyncio.Runner:
    """With uvloop's loop where it is installed, else Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - it is optional
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
