"""The places of a call in the dialplan of `examples/asterisk/extensions_ami.conf`, and the variables that tell of it.

Owns these names, which both sides must have alike. Must not know AMI. Nothing of a caller is ever in one of them.
"""

from typing import Final

ENTER: Final = "enter"
"""Has come, and nobody has said yet what becomes of them."""
HOLD: Final = "hold"
"""Hears music."""
TALK: Final = "talk"
"""Is joined with an agent, or about to be; or has been, and waits for what becomes of them: see `HAS_TALKED`."""
HAS_TALKED: Final = "Wait"
"""The application at `talk` when the agent is gone."""
LEG: Final = "leg"
"""An agent who has picked up."""
BACK: Final = "back"
"""Goes on where the dialplan came from."""

CALLERS: Final = frozenset({ENTER, HOLD, TALK})

ARGUMENTS: Final = "ACD_ARGS"
"""What the dialplan said of a caller, as `Stasis()` takes it, with & between."""
JOINED_LEG: Final = "ACD_LEG"
INTERACTION: Final = "ACD_INTERACTION"
"""Whose conversation a caller is in."""
MUSIC: Final = "ACD_MUSIC"


def context_of(app: str) -> str:
    """The context of an application's calls."""
    return f"{app}-ami"


def alive_of(app: str) -> str:
    """The global variable until when, in seconds since 1970 by the PBX's clock, the ACD is taken to be there."""
    return f"ACD_ALIVE_{_plain(app)}"


def known_of(app: str) -> str:
    """The global variable that is empty in an Asterisk in which nobody has waited yet."""
    return f"ACD_KNOWN_{_plain(app)}"


def music_of(bridge_id: str, hold: str) -> str | None:
    """The class of music of a hold bridge; empty for the usual one, None when it is no hold bridge.

    Other music than the usual has a bridge of its own, whose id ends with the class.
    """
    if bridge_id == hold:
        return ""
    return bridge_id.removeprefix(f"{hold}:") if bridge_id.startswith(f"{hold}:") else None


def _plain(app: str) -> str:
    return app.replace("-", "_")
