"""Events about agents' devices. As `events`, whose union has them all."""

from msgspec import Struct


class DeviceVetoed(Struct, frozen=True, gc=False, tag=True):
    """The agent's device is `in-use` or `unavailable`: nothing of the channel is offered to them.

    Until `until_us` at the latest. It is said again whenever it is noted again.
    """

    agent_id: str
    channel: str
    state: str
    until_us: int


class DeviceCleared(Struct, frozen=True, gc=False, tag=True):
    """The agent's device speaks against nothing any more. `reason`: `cleared`, or `expired`: nobody said so in time."""

    agent_id: str
    channel: str
    reason: str
