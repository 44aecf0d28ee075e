"""Who plays: agents with skills, queues with requirements, callers with needs; and the configuration made of them.

Owns names, skills, the plan of the calls (drawn from a seed) and the text of `acd.toml`. Must not know how any of
it is carried out.
"""

from __future__ import annotations

import json
import random
from typing import Final

from msgspec import Struct

from acd.core.requirement import parse

SERVICE_LEVEL_SECONDS: Final = 10
WRAP_UP_SECONDS: Final = 2
TALK_SECONDS: Final = (5.0, 11.0)
RING_SECONDS: Final = (0.6, 2.0)
CALLS_PER_SECOND: Final = 1.2
SEED: Final = 7


class Person(Struct, frozen=True):
    """An agent. `id` is also the name of the telephone."""

    id: str
    name: str
    skills: dict[str, int]
    labels: tuple[str, ...] = ()


class Line(Struct, frozen=True):
    """A queue. `id` is what callers dial; `share` how many of them do, relative to the others."""

    id: str
    title: str
    requirement: str
    strategy: str
    share: int


class PlannedCall(Struct, frozen=True):
    """A call to make. `requirement` is the caller's own, beside the queue's; they hang up after `patience_seconds`."""

    number: str
    queue: str
    priority: int
    requirement: str
    patience_seconds: float


AGENTS: Final = (
    Person("anna", "Anna Schmidt", {"english": 9, "billing": 7}),
    Person("ben", "Ben Okafor", {"english": 8, "技术": 6}),
    Person("chen", "陈静", {"普通话": 10, "技术": 8, "english": 4}),
    Person("dana", "Dana Levi", {"english": 10, "技术": 8, "billing": 3}),
    Person("emma", "Emma Rossi", {"english": 9, "billing": 9}),
    Person("he", "何志强", {"普通话": 8, "billing": 6, "技术": 3}),
    Person("lam", "林美玲", {"粤语": 8, "billing": 8, "english": 7}),
    Person("li", "李娜", {"普通话": 9, "billing": 8}),
    Person("tang", "邓家明", {"粤语": 10, "技术": 7}),
    Person("tom", "Tom Becker", {"english": 7, "技术": 9}),
    Person("wang", "王伟", {"普通话": 8, "技术": 9}, ("vip",)),
    Person("yu", "余晓雯", {"粤语": 7, "普通话": 9, "billing": 5}),
    Person("zhang", "张敏", {"普通话": 9, "billing": 9}, ("vip",)),
    Person("zhao", "赵磊", {"普通话": 7, "技术": 6}),
)

QUEUES: Final = (
    Line("mandarin-tech", "技术支持 普通话", 'skills["普通话"] >= 5 && skills["技术"] >= 5', "best-fit", 4),
    Line("mandarin-billing", "账单 普通话", 'skills["普通话"] >= 5 && skills.billing >= 5', "longest-idle", 5),
    Line("cantonese", "客户服务 粤语", 'skills["粤语"] >= 6', "weighted", 3),
    Line("english-tech", "Tech, English", 'skills.english >= 5 && skills["技术"] >= 5', "best-fit", 4),
    Line("english-billing", "Billing, English", "skills.english >= 5 && skills.billing >= 5", "weighted", 4),
)

VIP_PRIORITY: Final = 5
PICKY: Final = "skills.english >= 8"
"""What some English callers ask for on top."""


def plan_calls(count: int, seed: int = SEED, first: int = 1) -> tuple[PlannedCall, ...]:
    """So many calls, always the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - traffic, not secrecy
    shares = [line.share for line in QUEUES]
    return tuple(_draw(dice, f"+8610{first + index:06d}", shares) for index in range(count))


def qualified(person: Person, call: PlannedCall) -> bool:
    """Whether this agent may answer that call: the queue's requirement and the caller's own."""
    queue = next(line for line in QUEUES if line.id == call.queue)
    texts = (text for text in (queue.requirement, call.requirement) if text)
    return all(parse(text).matches(person.skills, person.labels, ()) for text in texts)


def configuration(channel: str, *, token_file: str, port: int = 0, more: str = "") -> str:
    """The text of `acd.toml`; `channel` is the section about the channel, `more` whatever others have in it."""
    return "\n".join(
        (
            '[domain]\nname = "demo"\n',
            "# Each start replays the journal; snapshots would only matter for a longer one.",
            "[snapshots]\nenabled = false\n",
            f'[api]\nport = {port}\n\n[[api.tokens]]\nname = "demo"\nroles = ["system"]',
            f"token_file = {json.dumps(token_file)}\n",
            channel,
            *(_agent_section(person) for person in AGENTS),
            *(_queue_section(line) for line in QUEUES),
            more,
        )
    )


def _draw(dice: random.Random, number: str, shares: list[int]) -> PlannedCall:
    queue = dice.choices(QUEUES, shares)[0]
    is_vip = dice.random() < 0.12  # noqa: PLR2004 - one in eight
    is_picky = queue.id.startswith("english") and dice.random() < 0.3  # noqa: PLR2004 - three in ten
    patience = dice.uniform(6, 10) if dice.random() < 0.08 else dice.uniform(30, 60)  # noqa: PLR2004 - a few give up
    return PlannedCall(number, queue.id, VIP_PRIORITY if is_vip else 0, PICKY if is_picky else "", patience)


def _agent_section(person: Person) -> str:
    skills = ", ".join(f"{json.dumps(name, ensure_ascii=False)} = {held}" for name, held in person.skills.items())
    lines = [
        f"[agents.{person.id}]",
        f"name = {json.dumps(person.name, ensure_ascii=False)}",
        f"skills = {{ {skills} }}",
        *([f"labels = {json.dumps(person.labels)}"] if person.labels else []),
        f'addresses = {{ voice = "PJSIP/{person.id}" }}',
    ]
    return "\n".join((*lines, ""))


def _queue_section(line: Line) -> str:
    lines = [
        f"[queues.{line.id}]",
        f"title = {json.dumps(line.title, ensure_ascii=False)}",
        f"requirement = '{line.requirement}'",
        f'strategy = "{line.strategy}"',
        *(['fit_weight = "1s"'] if line.strategy == "weighted" else []),
        'offer_timeout = "6s"',
        f'wrap_up = "{WRAP_UP_SECONDS}s"',
        f'service_level = "{SERVICE_LEVEL_SECONDS}s"',
    ]
    return "\n".join((*lines, ""))
