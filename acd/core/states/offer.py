"""An offer: timed, and exclusive but for broadcasts. Owns its table; must not know the engine."""

from typing import Final

INITIAL: Final = "offered"

TABLE: Final[dict[str, dict[str, str]]] = {
    "offered": {
        "accept": "accepted",
        "decline": "declined",
        "expire": "expired",
        "revoke": "revoked",
        "rescind": "rescinded",
    },
    "accepted": {},
    "declined": {},
    "expired": {},
    "revoked": {},
    "rescinded": {},
}
