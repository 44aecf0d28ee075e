"""Redis as people deploy it for routing: a sorted set of idle agents for each requirement, and Lua to keep it atomic.

Owns that rival. An idle agent stands in the sorted set of every requirement that they meet, and whoever waits in the
one of theirs; a script takes the best and removes it everywhere. A networked service: every command is a round trip
over the loopback to another process, and that is what is measured. It only decides.
"""

from __future__ import annotations

from typing import Any, Final

from bench.contest import PlainRouter
from bench.report import REDIS
from bench.servers import Address
from bench.workload import HEAD_START_US, NOBODY, Centre, Situation

_SEQ: Final = 1 << 22
"""Room in a score for tie-breakers of one round, both sides of its beginning. Scores are whole below 2⁵³."""

_CHUNK: Final = 5_000

_ENQUEUE: Final = """
local found = redis.call('ZPOPMIN', 'idle:' .. ARGV[1])
if #found == 0 then
  redis.call('ZADD', 'line:' .. ARGV[1], ARGV[3], ARGV[2])
  return -1
end
for _, class in ipairs(redis.call('HKEYS', 'classes:' .. found[1])) do
  if class ~= ARGV[1] then redis.call('ZREM', 'idle:' .. class, found[1]) end
end
return tonumber(found[1])
"""

_END_WRAP_UP: Final = """
local classes = redis.call('HGETALL', 'classes:' .. ARGV[1])
local first, line
for at = 1, #classes, 2 do
  local head = redis.call('ZRANGE', 'line:' .. classes[at], 0, 0, 'WITHSCORES')
  if #head > 0 and (not first or tonumber(head[2]) < first) then
    first, line = tonumber(head[2]), classes[at]
  end
end
if line then return tonumber(redis.call('ZPOPMIN', 'line:' .. line)[1]) end
for at = 1, #classes, 2 do
  redis.call('ZADD', 'idle:' .. classes[at], ARGV[2] - classes[at + 1], ARGV[1])
end
return -1
"""


class RedisRouter(PlainRouter):
    """As the module says."""

    name = REDIS
    networked = True

    def __init__(self, centre: Centre, address: Address) -> None:
        """`address`: of a server that is ours alone. Raises `ImportError` when the client is missing."""
        self._client = _client(address)
        self._enqueue = self._client.register_script(_ENQUEUE)
        self._end_wrap_up = self._client.register_script(_END_WRAP_UP)
        self._strategy = centre.strategy
        self._fit_weight_us = centre.fit_weight_us
        self._centre = centre
        # Agent → requirement → what their fit is worth, as a part of the score.
        self._worth = [
            {each: self._worth_of(own, each) for each in classes}
            for own, classes in zip(centre.agents, centre.eligible, strict=True)
        ]

    def restore(self, start: Situation) -> None:
        """Begin from here."""
        self._client.flushall()
        self._seq = 0
        self._base_us = min(
            (*(place.since_us for place in start.idle), *(row.key_us for row in start.waiting)), default=0
        )
        pipe = self._client.pipeline(transaction=False)
        for agent, worth in enumerate(self._worth):
            if worth:
                pipe.hset(f"classes:{agent}", mapping=worth)
            self._flush(pipe)
        for place in start.idle:
            score = self._idle_score(place.since_us, place.seq - start.seq)
            for each, part in self._worth[place.agent].items():
                pipe.zadd(f"idle:{each}", {str(place.agent): score - part})
            self._flush(pipe)
        for row in start.waiting:
            pipe.zadd(f"line:{row.requirement}", {str(row.interaction): self._score(row.key_us, row.seq - start.seq)})
            self._flush(pipe)
        if start.busy:
            pipe.hset("busy", mapping={str(interaction): agent for interaction, agent in start.busy.items()})
        pipe.execute()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        self._seq += 1
        score = self._score(now_us - priority * HEAD_START_US, self._seq)
        return int(self._enqueue(args=(requirement, interaction, score)))

    def accept(self, interaction: int, agent: int) -> int:
        """The agent answers."""
        self._client.hset("busy", str(interaction), agent)
        return NOBODY

    def end(self, interaction: int) -> int:
        """The conversation is over; the agent wraps up."""
        self._client.hdel("busy", str(interaction))
        return NOBODY

    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again."""
        self._seq += 1
        return int(self._end_wrap_up(args=(agent, self._idle_score(now_us, self._seq))))

    def _score(self, at_us: int, seq: int) -> int:
        return (at_us - self._base_us) * _SEQ + seq

    def _idle_score(self, since_us: int, seq: int) -> int:
        """Who is idle for longer has less; time is only in it where fit is set off against time."""
        return self._score(since_us, seq) if self._strategy == "weighted" else seq

    def _worth_of(self, own: dict[int, int], requirement: int) -> int:
        if self._strategy == "longest-idle":
            return 0
        terms = self._centre.requirements[requirement]
        fit = 10 * sum(own[skill] for skill, _ in terms) // len(terms)
        return fit * (self._fit_weight_us * _SEQ if self._strategy == "weighted" else 1 << 40)

    @staticmethod
    def _flush(pipe: Any) -> None:  # noqa: ANN401 - an extra's type
        if len(pipe) >= _CHUNK:
            pipe.execute()


def answers(address: Address) -> bool:
    """Whether a server answers there. Raises `ImportError` when the client is missing."""
    import redis  # noqa: PLC0415 - an extra

    client = _client(address)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _client(address: Address) -> Any:  # noqa: ANN401 - an extra's type
    import redis  # noqa: PLC0415 - an extra

    return redis.Redis(address.host, address.port, password=address.password)
