"""What ships for users' own tests: a clock to move by hand, a fake channel, the channels' contract, a simulation.

Owns the public names. Needs no test framework.
"""

from acd.testing.fake_channel import FakeChannel
from acd.testing.manual_clock import ManualClock

__all__ = ["FakeChannel", "ManualClock"]
