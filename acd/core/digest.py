"""Hashes of the core's state and settings. Owns the canonical form that is hashed."""

import hashlib

import msgspec

from acd.core.messages import CoreSettings
from acd.core.state import EngineState

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def settings_hash(settings: CoreSettings) -> str:
    """SHA-256 of the settings, whatever the order their agents and queues are given in."""
    canonical = CoreSettings(
        agents=tuple(sorted(settings.agents, key=lambda agent: agent.id)),
        queues=tuple(sorted(settings.queues, key=lambda queue: queue.id)),
        semantics=settings.semantics,
        scores=tuple(sorted(settings.scores)),
    )
    return hashlib.sha256(_encode(canonical)).hexdigest()


def state_digest(state: EngineState) -> str:
    """SHA-256 of the whole state."""
    return hashlib.sha256(_encode(state)).hexdigest()
