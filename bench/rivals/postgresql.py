"""PostgreSQL as people deploy it for routing: tables, and `FOR UPDATE SKIP LOCKED` to take a row from among equals.

Owns that rival, written as well as its idea allows: who meets what is a table prepared beforehand, every command one
prepared statement and one transaction, updates touch no index. A networked service: every command is a round trip
over the loopback to another process, and that is what is measured. It only decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bench.contest import PlainRouter
from bench.report import POSTGRESQL, POSTGRESQL_ASYNC
from bench.servers import USER, Address
from bench.workload import HEAD_START_US, NOBODY, Centre, Situation

_TABLES: Final = """
DROP TABLE IF EXISTS agent, eligible, waiting, busy;
CREATE TABLE agent (id int PRIMARY KEY, free boolean NOT NULL, since bigint NOT NULL, seq bigint NOT NULL)
  WITH (fillfactor = 50);
CREATE TABLE eligible (class int, agent int, fit bigint NOT NULL, PRIMARY KEY (class, agent) INCLUDE (fit));
CREATE TABLE waiting (interaction bigint PRIMARY KEY, class int NOT NULL, key bigint NOT NULL, seq bigint NOT NULL);
CREATE TABLE busy (interaction bigint PRIMARY KEY, agent int NOT NULL);
CREATE INDEX waiting_line ON waiting (class, key, seq);
CREATE INDEX eligible_agent ON eligible (agent);
"""

_ORDERS: Final = {
    "longest-idle": "a.since, a.seq",
    "best-fit": "e.fit DESC, a.since, a.seq",
    "weighted": "a.since - e.fit * {weight}, a.seq",
}

_ENQUEUE: Final = """
WITH best AS (
  SELECT a.id FROM eligible e JOIN agent a ON a.id = e.agent
  WHERE e.class = %(class)s AND a.free ORDER BY {order} LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), taken AS (
  UPDATE agent SET free = false WHERE id = (SELECT id FROM best) RETURNING id
), queued AS (
  INSERT INTO waiting SELECT %(interaction)s, %(class)s, %(key)s, %(seq)s WHERE NOT EXISTS (SELECT FROM best)
)
SELECT id FROM taken
"""

_END_WRAP_UP: Final = """
WITH head AS (
  SELECT w.interaction FROM eligible e CROSS JOIN LATERAL (
    SELECT interaction, key, seq FROM waiting WHERE class = e.class ORDER BY key, seq LIMIT 1
  ) w WHERE e.agent = %(agent)s ORDER BY w.key, w.seq LIMIT 1
), first AS (
  SELECT interaction FROM waiting WHERE interaction = (SELECT interaction FROM head) FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM waiting WHERE interaction = (SELECT interaction FROM first) RETURNING interaction
), freed AS (
  UPDATE agent SET free = NOT EXISTS (SELECT FROM first), since = %(now)s, seq = %(seq)s WHERE id = %(agent)s
)
SELECT interaction FROM taken
"""

_ACCEPT: Final = "INSERT INTO busy VALUES (%s, %s)"
_END: Final = "DELETE FROM busy WHERE interaction = %s"


class PostgresqlRouter(PlainRouter):
    """As the module says."""

    networked = True

    def __init__(self, centre: Centre, address: Address, *, waits: bool = True) -> None:
        """`address`: of a server that is ours alone, and of one such router at a time.

        `waits`: for the disk at every commit, as PostgreSQL comes. Raises `ImportError` when the client is missing.
        """
        self.name = POSTGRESQL if waits else POSTGRESQL_ASYNC
        self._connection = _connected(address)
        self._run = self._connection.cursor().execute
        self._run(f"SET synchronous_commit = {'on' if waits else 'off'}")
        order = _ORDERS[centre.strategy].format(weight=centre.fit_weight_us)
        self._enqueue = _ENQUEUE.format(order=order)
        self._centre = centre

    def restore(self, start: Situation) -> None:
        """Begin from here."""
        self._seq = start.seq
        idle = {place.agent: place for place in start.idle}
        agents = []
        for number in range(len(self._centre.agents)):
            place = idle.get(number)
            agents.append((number, False, 0, 0) if place is None else (number, True, place.since_us, place.seq))
        self._run(_TABLES)
        self._copy("agent", agents)
        self._copy("eligible", self._eligible())
        self._copy("waiting", [(row.interaction, row.requirement, row.key_us, row.seq) for row in start.waiting])
        self._copy("busy", list(start.busy.items()))
        self._run("VACUUM ANALYZE")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        self._seq += 1
        key_us = now_us - priority * HEAD_START_US
        given = {"class": requirement, "interaction": interaction, "key": key_us, "seq": self._seq}
        return self._one(self._run(self._enqueue, given, prepare=True))

    def accept(self, interaction: int, agent: int) -> int:
        """The agent answers."""
        self._run(_ACCEPT, (interaction, agent), prepare=True)
        return NOBODY

    def end(self, interaction: int) -> int:
        """The conversation is over; the agent wraps up."""
        self._run(_END, (interaction,), prepare=True)
        return NOBODY

    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again."""
        self._seq += 1
        return self._one(self._run(_END_WRAP_UP, {"agent": agent, "now": now_us, "seq": self._seq}, prepare=True))

    def _copy(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def _eligible(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for agent, (own, classes) in enumerate(zip(self._centre.agents, self._centre.eligible, strict=True)):
            for each in classes:
                terms = self._centre.requirements[each]
                rows.append((each, agent, 10 * sum(own[skill] for skill, _ in terms) // len(terms)))
        return rows

    @staticmethod
    def _one(cursor: Any) -> int:  # noqa: ANN401 - an extra's type
        row = cursor.fetchone()
        return NOBODY if row is None else int(row[0])


def answers(address: Address) -> bool:
    """Whether a server answers there. Raises `ImportError` when the client is missing."""
    import psycopg  # noqa: PLC0415 - an extra

    try:
        _connected(address).close()
    except psycopg.OperationalError:
        return False
    return True


def _connected(address: Address) -> Any:  # noqa: ANN401 - an extra's type
    import psycopg  # noqa: PLC0415 - an extra

    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=USER,
        password=address.password,
        dbname="postgres",
        autocommit=True,
    )
