"""A work item: one agent's part in one interaction. Owns its table; must not know the engine.

It counts against the agent's capacity until it has ended.
"""

from typing import Final

INITIAL: Final = "offered"

TABLE: Final[dict[str, dict[str, str]]] = {
    "offered": {"accept": "active", "end": "ended"},
    "active": {"hold": "held", "wrap": "wrap-up", "end": "ended", "join": "active"},
    "held": {"resume": "active", "wrap": "wrap-up", "end": "ended", "join": "active"},
    "wrap-up": {"extend": "wrap-up", "end": "ended"},
    "ended": {},
}
