"""An agent's presence, apart from the work in hand. Owns its table; must not know the engine.

Not-ready and signed-out agents have no work in hand; whoever leaves with work is draining until it is done.
"""

from typing import Final

INITIAL: Final = "signed-out"

TABLE: Final[dict[str, dict[str, str]]] = {
    "signed-out": {"sign-in": "not-ready"},
    "not-ready": {"make-ready": "ready", "rest": "not-ready", "sign-out": "signed-out"},
    "ready": {"rest": "not-ready", "drain": "draining", "sign-out": "signed-out"},
    "draining": {"make-ready": "ready", "drain": "draining", "rest": "not-ready", "sign-out": "signed-out"},
}
