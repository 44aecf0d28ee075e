"""What `Engine.apply` returns. Owns the outcome and the list of refusal codes."""

from typing import Literal

from msgspec import Struct

from acd.core.messages.effects import Effect
from acd.core.messages.events import Event

RefusalCode = Literal[
    "unknown-agent",
    "unknown-queue",
    "unknown-interaction",
    "unknown-offer",
    "duplicate-interaction",
    "duplicate-entity",
    "bad-requirement",
    "steps-out-of-order",
    "unknown-skill",
    "unsupported-semantics",
    "unknown-strategy",
    "strategy-changed",
    "queue-full",
    "queue-closed",
    "duplicate-callback",
    "callback-impossible",
    "not-a-callback",
    "interaction-scheduled",
    "queue-unstaffed",
    "bad-action",
    "already-signed-in",
    "signed-out",
    "interaction-ended",
    "interaction-active",
    "interaction-not-active",
    "interaction-not-offered",
    "interaction-reaching",
    "interaction-not-reaching",
    "other-attempt",
    "offer-ended",
    "not-your-offer",
    "no-such-work",
    "work-not-active",
    "work-not-held",
    "not-in-wrap-up",
    "wrap-up-not-optional",
    "wrap-up-not-extendable",
    "wrap-up-limit",
    "unknown-disposition",
    "disposition-required",
    "bad-target",
    "nested-consult",
    "too-many-consults",
    "bad-consult",
    "not-a-consult",
    "other-channel",
    "already-on-it",
    "in-conference",
    "conference-full",
    "last-agent",
    "duplicate-attribute",
    "too-many-attributes",
    "customer-known",
    "too-many-devices",
    "no-such-place",
]
"""Stable; kebab-case. A refused command has changed nothing."""


class Refusal(Struct, frozen=True, gc=False):
    """Why a command was refused: a stable code, and a sentence for a person."""

    code: RefusalCode
    detail: str


class Outcome(Struct, frozen=True, gc=False):
    """Effects to carry out and events to tell, in order; or a refusal, and then neither."""

    effects: tuple[Effect, ...] = ()
    events: tuple[Event, ...] = ()
    refusal: Refusal | None = None
