"""A journal with real decisions in it, for the tests of replay, snapshots and the follower."""

from collections.abc import Sequence
from pathlib import Path

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    Command,
    CoreSettings,
    DeclineOffer,
    EndInteraction,
    EnqueueInteraction,
    QueueSettings,
    Recover,
    SignInAgent,
    Tick,
    origin_of,
)
from acd.core.messages.codec import encode
from acd.ports.journal import Committed, Entry, Journal
from acd.runtime.replay import outcome_digest

STEP_US = 250_000
AGENTS = ("anna", "boris", "chen")


def traffic(count: int) -> list[Command]:
    """`count` commands: a configuration, sign-ins, then calls that are taken, declined, refused or ring out."""
    agents = tuple(AgentSettings(id=name, skills=(("english", 5),), queues=("support",)) for name in AGENTS)
    queue = QueueSettings(
        id="support", offer_timeout_us=4 * STEP_US, retry_after_us=8 * STEP_US, wrap_up_us=2 * STEP_US
    )
    commands: list[Command] = [ApplyConfig("config", CoreSettings(agents, (queue,))), Recover("recover")]
    commands += [SignInAgent(f"in-{name}", name, ready=True) for name in AGENTS]
    for number in range(count):
        call, offer, agent = f"call-{number}", f"call-{number}.1", AGENTS[number % 3]
        commands += [
            EnqueueInteraction(f"q-{number}", call, "voice", "support", customer="cu_x"),
            DeclineOffer(f"d-{number}", offer, agent) if number % 5 == 4 else AcceptOffer(f"a-{number}", offer, agent),
            Tick(f"t-{number}"),
            EndInteraction(f"e-{number}", call),
        ]
        if number % 7 == 6:
            commands += [SignInAgent(f"in-{name}-{number}", name, ready=True) for name in AGENTS]
    return commands[:count]


def record(journal: Journal, commands: Sequence[Command], engine: Engine | None = None, batch: int = 50) -> Engine:
    """Apply and append, as the writer does; returns the engine."""
    engine = engine or Engine(journal.domain)
    epoch = journal.open_epoch()
    entries = []
    for command in commands:
        at_us = engine.now_us + STEP_US
        outcome = engine.apply(command, at_us)
        entries.append(Entry(command.id, origin_of(command), at_us, encode(command), outcome_digest(outcome)))
    for start in range(0, len(entries), batch):
        assert isinstance(journal.append(epoch, journal.tail()[0], entries[start : start + batch]), Committed)
    return engine


def put_back(journal: Path, copy: bytes) -> None:
    """As whoever restores an older copy of the file does: what came after it is gone, snapshots, too."""
    for file in (*journal.parent.glob(f"{journal.name}*"), *journal.parent.glob("acd-snapshots/*")):
        file.unlink()
    journal.write_bytes(copy)
