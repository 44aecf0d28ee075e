"""Channel variables `X_ACD_*`: their names, and how several are fetched at once. Pure.

Owns the names. Must not know what a variable means to the engine (`translate`), nor REST.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

STANDARD_VARIABLES: Final = (
    "X_ACD_QUEUE",
    "X_ACD_REQUIREMENT",
    "X_ACD_PRIORITY",
    "X_ACD_AFTER",
    "X_ACD_DID",
    "X_ACD_AGENT",
)
"""Channel variables that always count; a dialplan may have more, see `Options.variables`."""

VARIABLE_PREFIX: Final = "X_ACD_"
VARIABLE_NAME: Final = re.compile(r"X_ACD_[A-Z0-9_]{1,58}")

MENU_TRAIL: Final = "ACD_MENU"
"""Channel variable that says where in the menus a caller is: names and keys of the configuration only."""

_NOT_IN_NAME_KEY: Final = re.compile(r"[^A-Z0-9_]")


def variables_expression(names: Iterable[str]) -> str:
    """A dialplan expression that yields all these variables at once, so that one request fetches them."""
    return f"EVAL({'&'.join(f'${{URIENCODE(${{{name}}})}}' for name in names)})"


def read_variables(names: Iterable[str], value: str) -> dict[str, str]:
    """Read what `variables_expression` yielded."""
    return {
        attribute_key(name): text
        for name, part in zip(names, value.split("&"), strict=False)
        if (text := unquote(part))
    }


def attribute_key(name: str) -> str:
    """A variable's or header's name as routing knows it: `X-ACD-Tier`, `X_ACD_TIER` and `tier` → `TIER`."""
    return _NOT_IN_NAME_KEY.sub("_", name.strip().upper()).removeprefix(VARIABLE_PREFIX)


def is_ours(name: str) -> bool:
    """Whether a variable's name is one of `X_ACD_*`, in whatever case."""
    return name.upper().startswith(VARIABLE_PREFIX)
