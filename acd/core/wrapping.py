"""Wrap-up: how much after-call work a queue grants.

Owns the policies. Must not know work items, agents or commands.
"""

from acd.core.messages import QueueSettings


def granted_us(settings: QueueSettings, *, wanted: bool) -> int | None:
    """How long the after-call work may take (µs); 0: until the agent ends it; None: there is none.

    `wanted`: the agent asked for it during the conversation.
    """
    policy = settings.wrap_up_policy
    if policy in ("timed", "extended"):
        return settings.wrap_up_us or None
    if policy == "forced":
        return 0
    return settings.wrap_up_us if policy == "optional" and wanted else None
