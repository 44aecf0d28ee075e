"""Every bound of the core, by name.

Owns the numbers; must not know who enforces them. Raising one never changes a decision that was
made below it, lowering one does: that needs a new semantics version.
"""

from typing import Final

MAX_ID: Final = 128
"""Characters of an id (interaction, agent, queue, offer, command)."""

MAX_INTERACTION_ID: Final = MAX_ID - 16
"""Characters of an interaction's id: an offer's id is this, a full stop and a number."""

MAX_TEXT: Final = 512
"""Characters of a reason, an attribute's value or another short text."""

MAX_TRACE: Final = 55
"""Characters of a trace context: `traceparent` of version 00."""

MAX_REQUIREMENT: Final = 1_000
"""Characters of a requirement."""

MAX_REQUIREMENT_NODES: Final = 100
"""Operators and operands of a requirement."""

MAX_ATTRIBUTES: Final = 64
"""Routing attributes of one interaction."""

MAX_PREFERENCES: Final = 16
"""Preferences of one interaction."""

MAX_PREFERENCE_WEIGHT: Final = 1_000
"""Largest weight of one preference."""

MAX_SKILLS: Final = 64
"""Skills, labels or queue memberships of one agent, each."""

MAX_SKILLS_NAMED: Final = 10
"""Known skills that a refusal lists."""

MAX_PROFICIENCY: Final = 10
"""Proficiencies run from 1 to this."""

MAX_PRIORITY: Final = 1_000
"""Priorities run from minus this to this."""

STRICT_HEAD_START_US: Final = 1 << 52
"""What one point of priority is worth with strict ordering: 142 years, more than any two places are apart.

Keys still fit into signed 64 bits.
"""

MAX_BAND: Final = 10
"""Bands of queues run from 1, which is served first, to this."""

MAX_SCORE: Final = 1_000_000_000
"""Scores of a strategy of one's own run from minus this to this."""

MAX_SCORES: Final = 64
"""Strategies of one's own in one configuration."""

MAX_POSITION: Final = 1_000_000
"""Positions in the order of the strategies `linear` and `round-robin` run from 0 to this."""

MAX_LEVEL: Final = 10
"""Levels of agents for a queue run from 1, which is asked first, to this."""

MAX_RESERVE: Final = 1_000
"""Agents whom one queue keeps free for others."""

MAX_CAPACITY: Final = 10_000
"""Units of capacity of one agent."""

MAX_BROADCAST: Final = 16
"""Offers of one interaction at the same time."""

MAX_CHANNELS: Final = 32
"""Channels that one capacity may name, and that the work items of one channel may interrupt."""

MAX_DURATION_US: Final = 366 * 24 * 3600 * 1_000_000
"""Longest duration a setting may have: 366 days."""

MAX_MOMENT_US: Final = 253_402_300_799_999_999
"""The last moment that anything may be scheduled for: the end of the year 9999, after which calendars have no names."""

MAX_STEPS: Final = 16
"""Steps of one queue."""

MAX_AGENTS: Final = 200_000
"""Agents of one domain."""

MAX_AGENTS_EDITED: Final = 1_000
"""Agents that one ConfigureAgents may name; ApplyConfig takes them all."""

SPARE_ROWS: Final = 64
"""Rows of removed agents that are kept in any case, before everybody gets a new row."""

MAX_QUEUES: Final = 20_000
"""Queues of one domain."""

MAX_INTERACTIONS: Final = 2_000_000
"""Most that a queue's limit may allow to wait."""

MAX_ATTEMPTS: Final = 20
"""Most that a queue may let a customer be called back."""

MAX_UNCALLED: Final = 50
"""How often, at one attempt to call a customer back, it may be that nobody can call them; once more is an attempt."""

UNCALLED_FIRST_US: Final = 10_000_000
UNCALLED_MOST_US: Final = 600_000_000
"""Pauses after nobody could call a customer: doubled from the first to the most."""

MAX_AHEAD: Final = 100
"""Customers of one queue who may be called back at once, before an agent is asked."""

MAX_HOPS: Final = 8
"""Queues that one interaction overflows into in its life; after that it is released."""

MAX_VETOES: Final = 8
"""Channels that agents' devices may veto at the same time, for one agent."""

MAX_VETO_US: Final = 24 * 3600 * 1_000_000
"""Longest that a device may veto anything without being looked at again."""

USUAL_VETO_US: Final = 2 * 3600 * 1_000_000
"""How long a device vetoes unless whoever tells of it says otherwise."""

MAX_CONSULTS: Final = 4
"""Open consults of one interaction."""

MAX_CONFERENCE: Final = 8
"""Agents who talk with one customer at once, the one who is responsible among them."""

MAX_DISPOSITIONS: Final = 256
"""Disposition codes of one queue."""

AFFINITY_WINDOW: Final = 50_000
"""Customers whose last agent is remembered; beyond it the one whose last conversation ended first is forgotten."""

MAX_EXCLUSIONS: Final = 32
"""Agents excluded from one interaction at a time; beyond it the oldest exclusion is lifted early."""

MAX_CLASSES: Final = 50_000
"""Interned classes (channel, requirement, preferences, strategy); beyond it idle ones are evicted."""

CREWS_PER_AGENT: Final = 256
"""Crews that an agent is in, on average; beyond it idle classes are evicted: whoever comes free stands in every one."""

SCANNED_CLASSES: Final = 12
"""Classes of an agent that are looked at one by one; among more, numpy finds the first in line sooner."""

TICK_EXPIRIES: Final = 256
"""Expiries that one Tick handles; further due ones wait for the next Tick."""

OUTCOME_WINDOW: Final = 1_024
"""Commands whose outcome is kept, so that a repeated id returns what it returned before."""

ENDED_WINDOW: Final = 1_024
"""Ended offers and interactions that are remembered, so that a late command gets a precise refusal."""
