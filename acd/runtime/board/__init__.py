"""What supervisors watch: the day of every queue, who is there for it, and alarms."""

from acd.runtime.board.watching import Board

__all__ = ["Board"]
