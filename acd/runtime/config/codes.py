"""The codes of what is found about policies, by which findings are silenced: `allow = ["strict-ordering"]`.

Owns the names, which are stable. Must not know how anything is found. POLICIES.md says what each one means.
"""

from typing import Final, Literal, get_args

Code = Literal[
    # Requirements
    "never-true",
    "dead-alternative",
    "asks-nothing",
    "unheld-skill",
    "unheld-label",
    "unheld-membership",
    "unasked-skill",
    "unasked-label",
    "unasked-membership",
    "unknown-queue",
    # Who can be offered anything at all
    "no-agents",
    "no-capacity",
    "waits-for-ever",
    "never-offered",
    "nobody-satisfies",
    "overflow-loop",
    "reserve-unused",
    # Levels and steps
    "level-unused",
    "level-too-late",
    "level-empty",
    "step-too-late",
    "step-changes-nothing",
    "step-adds-nobody",
    "step-narrows",
    "condition-never",
    "condition-always",
    # Orderings, weights and times
    "strict-ordering",
    "mixed-orderings",
    "always-first",
    "head-start-too-large",
    "fit-is-equal",
    "fit-weight-too-large",
    "fit-weight-too-small",
    "hold-outlasts-wait",
    "offer-outlasts-wait",
    "broadcast-too-wide",
    "no-effect",
    "disposition-optional",
]

CODES: Final[tuple[Code, ...]] = get_args(Code)
"""Every code."""
