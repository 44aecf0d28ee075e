"""Events about alarms of queues. As `events`, whose union has them all."""

from msgspec import Struct


class AlarmRaised(Struct, frozen=True, gc=False, tag=True):
    """A figure of the queue has passed its threshold.

    `alarm`: `longest-wait` or `no-agent-ready` (whole seconds), `waiting` (interactions) or `service-level` (per cent);
    `value` and `threshold` are in that unit. It stays raised until AlarmCleared.
    """

    queue: str
    alarm: str
    value: int
    threshold: int


class AlarmCleared(Struct, frozen=True, gc=False, tag=True):
    """The figure is back where it should be, and has stayed there for a while; or nobody looks at it any more.

    `lasted_us`: since AlarmRaised. When the queue itself is gone, `value` is what it was when the alarm was raised.
    """

    queue: str
    alarm: str
    value: int
    threshold: int
    lasted_us: int
