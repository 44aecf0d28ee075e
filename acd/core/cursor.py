"""Turns: whose it is in a round-robin queue. Owns the cursor; must not know queues or classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acd.core.entities import Agent


class Cursor:
    """Where the turns of a round-robin queue have got to.

    `after`: (position, id) of the agent whose turn was last, None before the first. `row`: whose turn comes next, among
    the rows that agents have at the moment; derived from `after` whenever rows are given out.
    """

    __slots__ = ("after", "row")

    def __init__(self) -> None:
        self.after: tuple[int, str] | None = None
        self.row = 0

    def pass_on(self, agent: Agent) -> None:
        """The agent has had a turn."""
        self.after = (agent.settings.position, agent.id)
        self.row = agent.row + 1
