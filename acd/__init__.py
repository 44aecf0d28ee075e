"""A real-time automatic call distribution engine: exact, explainable, fast.

Owns the public names; everything else may move. `Engine` is the deterministic core, for whoever has a loop, a
journal and channels of their own; `Router` is the whole of it inside an asyncio program. What the router
needs (files, channels, threads) is only loaded when one of its names is used.

    >>> from acd import Engine, SignInAgent
    >>> Engine().apply(SignInAgent("1", "anna"), now_us=0).refusal.code
    'unknown-agent'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    Action,
    AgentRemoved,
    AgentSettings,
    ApplyConfig,
    CancelInteraction,
    Capacity,
    ChannelShare,
    CloseQueue,
    Command,
    ConfigApplied,
    ConnectInteraction,
    CoreSettings,
    DeclineOffer,
    Effect,
    EndInteraction,
    EndWrapUp,
    EngineRecovered,
    EnqueueInteraction,
    Event,
    FailOffer,
    HoldWork,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionOverflowed,
    InteractionQueued,
    InteractionRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferInteraction,
    OfferMade,
    OfferRevoked,
    OpenQueue,
    Origin,
    Outcome,
    ParkInteraction,
    Preference,
    PresenceChanged,
    QueueClosed,
    QueueOpened,
    QueueRemoved,
    QueueSettings,
    Recover,
    Refusal,
    ReleaseInteraction,
    RequeueInteraction,
    ResumeWork,
    RevokeOffer,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    Tick,
    WorkEnded,
    WorkHeld,
    WorkResumed,
    WrapUpStarted,
)
from acd.core.state import EngineState
from acd.errors import (
    AcdError,
    ChannelError,
    CommandInvalid,
    CommandQuarantined,
    ConfigError,
    DeliveryRefused,
    JournalCorrupt,
    JournalError,
    JournalUnavailable,
    OutboxError,
    OutboxFull,
    OutcomeUnknown,
    PersonalStoreError,
    RequirementError,
    RouterClosed,
    RouterOverloaded,
)
from acd.ports.channel import Channel, ChannelHost, Desired, Personal
from acd.ports.stores import OutboxMessage, Sender

if TYPE_CHECKING:
    from acd.runtime.config import Config, load
    from acd.runtime.feed import Commit, Gap, Subscription
    from acd.runtime.router import Router
    from acd.runtime.view import View

_LAZY: Final = {
    "Commit": "acd.runtime.feed",
    "Config": "acd.runtime.config",
    "Gap": "acd.runtime.feed",
    "Router": "acd.runtime.router",
    "Subscription": "acd.runtime.feed",
    "View": "acd.runtime.view",
    "load": "acd.runtime.config",
}

__all__ = [
    "AcceptOffer",
    "AcdError",
    "Action",
    "AgentRemoved",
    "AgentSettings",
    "ApplyConfig",
    "CancelInteraction",
    "Capacity",
    "Channel",
    "ChannelError",
    "ChannelHost",
    "ChannelShare",
    "CloseQueue",
    "Command",
    "CommandInvalid",
    "CommandQuarantined",
    "Commit",
    "Config",
    "ConfigApplied",
    "ConfigError",
    "ConnectInteraction",
    "CoreSettings",
    "DeclineOffer",
    "DeliveryRefused",
    "Desired",
    "Effect",
    "EndInteraction",
    "EndWrapUp",
    "Engine",
    "EngineRecovered",
    "EngineState",
    "EnqueueInteraction",
    "Event",
    "FailOffer",
    "Gap",
    "HoldWork",
    "InteractionAbandoned",
    "InteractionCancelled",
    "InteractionCompleted",
    "InteractionOverflowed",
    "InteractionQueued",
    "InteractionRequeued",
    "JournalCorrupt",
    "JournalError",
    "JournalUnavailable",
    "OfferAccepted",
    "OfferDeclined",
    "OfferExpired",
    "OfferInteraction",
    "OfferMade",
    "OfferRevoked",
    "OpenQueue",
    "Origin",
    "OutboxError",
    "OutboxFull",
    "OutboxMessage",
    "Outcome",
    "OutcomeUnknown",
    "ParkInteraction",
    "Personal",
    "PersonalStoreError",
    "Preference",
    "PresenceChanged",
    "QueueClosed",
    "QueueOpened",
    "QueueRemoved",
    "QueueSettings",
    "Recover",
    "Refusal",
    "ReleaseInteraction",
    "RequeueInteraction",
    "RequirementError",
    "ResumeWork",
    "RevokeOffer",
    "Router",
    "RouterClosed",
    "RouterOverloaded",
    "Sender",
    "SetPresence",
    "SignInAgent",
    "SignOutAgent",
    "Subscription",
    "Tick",
    "View",
    "WorkEnded",
    "WorkHeld",
    "WorkResumed",
    "WrapUpStarted",
    "load",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Load the runtime's names when they are first used."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'acd' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
