"""Whether traffic may be sent here, and if not, why: the sentence behind `/readyz`.

Owns the rule and its words, which hold nothing personal and no path. Must not know how any of it is found out.
One channel of several that is down does not count: the others go on, and a load balancer must not take them
all away. When none is connected, nobody can be reached, and somebody else should take the calls.
"""

from collections.abc import Mapping
from typing import Final

Health = Mapping[str, str | int | bool]

_WHY: Final = {
    "starting": "the engine is starting",
    "closed": "the engine is stopping, or has stopped",
    "unavailable": "the journal cannot be written, so that no command is taken; see the log",
    "fenced": "another engine has taken over the journal; this one has stopped",
    "failed": "the engine has stopped because of an error; see the log",
}


def unready(status: str, *, settled: bool, channels: Mapping[str, Health]) -> str:
    """Why not; empty when it is ready. `settled`: every channel has tried to start and to reconcile."""
    if status != "running":
        return _WHY.get(status, status)
    if not settled:
        return "the channels are being started"
    if channels and not any(channel.get("connected") is True for channel in channels.values()):
        return f"no channel is connected ({', '.join(channels)}); each one's own health says why"
    return ""
