"""The configuration as the rest of the system sees it: frozen, complete, defaults filled in.

Owns the shape. Must not know TOML, files or how anything is validated (`acd.runtime.config.load`).
Times are µs, as everywhere inside.
"""

from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, structs

from acd.core.messages import AgentSettings, CoreSettings, QueueSettings
from acd.ports.journal import Durability
from acd.runtime.calendars import Calendar
from acd.runtime.config.environment import Override
from acd.runtime.config.problems import Problem
from acd.runtime.config.secrets import Secret

Caller = Literal["reference", "number", "none"]
Role = Literal["agent", "channel", "supervisor", "system"]

DAY_US: Final = 24 * 3600 * 1_000_000

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts on which the API may be served in clear without a warning."""


class JournalConfig(Struct, frozen=True):
    """Where the journal is, and whether every commit waits for the disk (`full`)."""

    path: Path
    durability: Durability = "full"


class PersonalConfig(Struct, frozen=True):
    """The personal store: its file, its master key's file, and the region of numbers without a country code."""

    path: Path
    key_file: Path
    region: str = "CN"


class OutboxConfig(Struct, frozen=True):
    """The outbox of outward messages. `enabled` when the file has an `[outbox]`; senders enable it, too."""

    path: Path
    enabled: bool = False


class SnapshotsConfig(Struct, frozen=True):
    """Snapshots of the engine's state, for a quick start, taken by a process beside the engine.

    One after `every` commands, or after `interval_us` if there was any command; the last `keep` are kept.
    """

    path: Path
    enabled: bool = True
    every: int = 50_000
    interval_us: int = 60_000_000
    keep: int = 3


class RouterConfig(Struct, frozen=True):
    """Bounds of the runtime.

    `inbox`: commands that may wait for the writer; `batch`: most that one commit takes;
    `channel_deadline_us`: how long a channel may take over one effect.
    """

    inbox: int = 10_000
    batch: int = 256
    channel_deadline_us: int = 5_000_000


class Rate(Struct, frozen=True):
    """How often: `burst` at once, and `per_second` for ever; without a limit where that is 0."""

    per_second: float
    burst: int


UNLIMITED: Final = Rate(0.0, 0)


class Rates(Struct, frozen=True):
    """Requests of one token: with the role agent, and of every other; and of one address without a token."""

    token: Rate = Rate(1_000.0, 2_000)
    agent: Rate = Rate(50.0, 200)
    failures: Rate = Rate(10.0, 100)


class TokenConfig(Struct, frozen=True):
    """One bearer token of the API: what it may do, and for which agent or external channel if that is its role.

    `expires_us`: µs since 1970 when it ends, 0 for never. `queues`, `channels`: what it is limited to, empty for all.
    `old_secret`: is let in, too, while everybody goes over to the new one. `rate`: None for that of the API's `rates`.
    `telephone`: the agent by whose telephone its supervisor hears conversations; empty: it says so each time.
    """

    name: str
    secret: Secret
    roles: tuple[Role, ...]
    agent: str = ""
    expires_us: int = 0
    channel: str = ""
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    old_secret: Secret | None = None
    rate: Rate | None = None
    telephone: str = ""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Those by which somebody comes in."""
        return (self.secret,) if self.old_secret is None else (self.secret, self.old_secret)


class SocketConfig(Struct, frozen=True):
    """A UNIX socket: its file, the permissions of that (who may write may connect), and its group, "" for our own."""

    path: Path
    mode: int = 0o660
    group: str = ""


class MetricsConfig(Struct, frozen=True):
    """Where /metrics, /livez and /readyz are served apart from the API; without a token, and in clear."""

    host: str = "127.0.0.1"
    port: int = 9420


class SessionsConfig(Struct, frozen=True):
    """People who sign in with a browser. `lifetime_us`: of one cookie, which a page in use has replaced in time.

    `longest_us`: since the token was shown; then it is shown anew. `secure`: browsers send the cookie over TLS only.
    """

    lifetime_us: int = 3600 * 1_000_000
    longest_us: int = 12 * 3600 * 1_000_000
    secure: bool = False


class DeskConfig(Struct, frozen=True):
    """The agents' page. `reasons`: for which they can be not ready there, in its order.

    `answers`: texts by their names that agents insert into conversations in writing, in the page's order. `notes`:
    agents may write some. `keep_us`: for so long these are kept, and which conversations a customer has had; 0: not at
    all. `path`, `key`: where.
    """

    reasons: tuple[str, ...] = ("break", "lunch", "training", "meeting")
    answers: tuple[tuple[str, str], ...] = ()
    notes: bool = True
    keep_us: int = 30 * DAY_US
    path: Path = Path("acd-desk.db")
    key: Path = Path("acd-desk.key")


class WallboardConfig(Struct, frozen=True):
    """The supervisors' page. `window_us`: over which time it gives service level and counts."""

    window_us: int = 900 * 1_000_000


class ApiConfig(Struct, frozen=True):
    """The HTTP API. `origins`: web origins whose pages may use it. TLS when both files are given.

    `host` is empty when it is served on `socket` only. `metrics`: /metrics is served here, too.
    `versions`: the file of what was put into force over the API. `answers`: of requests with an `Idempotency-Key`,
    which are remembered for `idempotency_us`.
    `open`: serve everybody who can connect, without tokens; only on a loopback host. `sessions`: None when nobody signs
    in with a browser; `desk`, `wallboard`: None when that page is not served.
    """

    host: str = "127.0.0.1"
    port: int = 8420
    tokens: tuple[TokenConfig, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    open: bool = False
    versions: Path = Path("acd-versions.db")
    answers: Path = Path("acd-answers.db")
    idempotency_us: int = DAY_US
    rates: Rates = Rates()
    socket: SocketConfig | None = None
    metrics: bool = True
    sessions: SessionsConfig | None = None
    desk: DeskConfig | None = None
    wallboard: WallboardConfig | None = None

    @property
    def where(self) -> str:
        """Its addresses, for people."""
        places = [f"{self.host}:{self.port}"] if self.host else []
        return " and ".join([*places, str(self.socket.path)] if self.socket is not None else places)

    @property
    def local(self) -> bool:
        """Whether only this machine can connect."""
        return not self.host or self.host in LOOPBACK


class WebhookConfig(Struct, frozen=True):
    """One webhook: where events are posted, the secrets that sign them (new and old), and which; empty means all."""

    name: str
    url: str
    secrets: tuple[Secret, ...]
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    timeout_us: int = 10_000_000


class TelemetryConfig(Struct, frozen=True):
    """Where spans go: a collector's address, empty for what the OTEL_ variables say; and under which name."""

    endpoint: str = ""
    service: str = ""


class QueueLogConfig(Struct, frozen=True):
    """The `queue_log` of app_queue's layout. `state`: how far it is told. `channels`: whose interactions it tells of.

    `caller`: what ENTERQUEUE says of a caller. `ami`: the channel instance whose PBX writes every line, too; or none.
    """

    path: Path
    state: Path
    caller: Caller = "reference"
    channels: tuple[str, ...] = ("voice",)
    ami: str = ""


class ChannelConfig(Struct, frozen=True):
    """One channel instance. The plugin validates `options`; relative paths in them start from the folder `base`."""

    name: str
    type: str
    options: Mapping[str, object]
    base: Path


class AgentConfig(Struct, frozen=True):
    """One agent: what the core needs, a name for people, and (channel, address) pairs."""

    settings: AgentSettings
    name: str = ""
    addresses: tuple[tuple[str, str], ...] = ()


class AgentEdit(Struct, frozen=True):
    """Agents that are new or have changed, and the ids of those who go."""

    changed: tuple[AgentConfig, ...] = ()
    removed: tuple[str, ...] = ()


class AlarmLimits(Struct, frozen=True):
    """When something is wrong with a queue, and when it is well again; 0 where nobody wants to know.

    A wait or a line is well at `…_clear` or less, a service level at that or more. `service_level`: per cent, of those
    of the last `window_us`, once there are `least_calls` of them. `settle_us`: how long a figure has to be well before
    the alarm is cleared.
    """

    longest_wait_us: int = 0
    longest_wait_clear_us: int = 0
    waiting: int = 0
    waiting_clear: int = 0
    service_level: int = 0
    service_level_clear: int = 0
    no_agent_ready_us: int = 0
    window_us: int = 900 * 1_000_000
    least_calls: int = 10
    settle_us: int = 10_000_000

    @property
    def wanted(self) -> bool:
        """Whether there is any."""
        return bool(self.longest_wait_us or self.waiting or self.service_level or self.no_agent_ready_us)


class QueueConfig(Struct, frozen=True):
    """One queue: what the core needs, a title for people, thresholds of figures and alarms, whose hours it keeps."""

    settings: QueueSettings
    title: str = ""
    service_level_us: int = 20_000_000
    calendar: str = ""
    short_abandon_us: int = 5_000_000
    alarms: AlarmLimits = AlarmLimits()


def _id_of(agent: AgentConfig) -> str:
    return agent.settings.id


class Config(Struct, frozen=True):
    """The whole configuration of one domain. Agents, queues, channels and capacities are sorted by id.

    `api` and `metrics` are None when the file has no such section. `warnings` are what `acd check` would show.
    """

    source: Path
    domain: str
    journal: JournalConfig
    personal: PersonalConfig
    outbox: OutboxConfig
    snapshots: SnapshotsConfig
    router: RouterConfig
    api: ApiConfig | None = None
    channels: tuple[ChannelConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    warnings: tuple[Problem, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    webhooks: tuple[WebhookConfig, ...] = ()
    telemetry: TelemetryConfig | None = None
    metrics: MetricsConfig | None = None
    queue_log: QueueLogConfig | None = None

    def core_settings(self) -> CoreSettings:
        """What `ApplyConfig` carries: canonical, integers only, without secrets, names or addresses."""
        return CoreSettings(
            agents=tuple(agent.settings for agent in self.agents),
            queues=tuple(queue.settings for queue in self.queues),
        )

    def with_agents(self, edit: AgentEdit) -> "Config":
        """The same with some agents changed, added and removed. A few of them cost no more than a copy."""
        agents = list(self.agents)
        wanted: list[tuple[str, AgentConfig | None]] = [(agent.settings.id, agent) for agent in edit.changed]
        for agent_id, agent in (*wanted, *((each, None) for each in edit.removed)):
            place = bisect_left(agents, agent_id, key=_id_of)
            known = place < len(agents) and agents[place].settings.id == agent_id
            agents[place : place + known] = [] if agent is None else [agent]
        return structs.replace(self, agents=tuple(agents))

    def agent(self, agent_id: str) -> AgentConfig | None:
        """One agent; None when there is none of that id. O(log agents)."""
        place = bisect_left(self.agents, agent_id, key=_id_of)
        found = self.agents[place : place + 1]
        return found[0] if found and found[0].settings.id == agent_id else None

    def hours(self) -> dict[str, Calendar]:
        """The calendar of each queue that has one."""
        calendars = {calendar.name: calendar for calendar in self.calendars}
        return {queue.settings.id: calendars[queue.calendar] for queue in self.queues if queue.calendar}

    def addresses(self) -> dict[tuple[str, str], str]:
        """(agent id, channel) → where the agent is reached, e.g. ("anna", "voice") → "PJSIP/anna"."""
        return {(agent.settings.id, channel): address for agent in self.agents for channel, address in agent.addresses}


class Report(Struct, frozen=True):
    """What was found in a file, in its order. With errors there is no `config`; warnings leave it usable.

    `channels`, `agents`, `queues`: those that could be read, errors elsewhere or not. `counts`: what was looked at, as
    (kind, how many); empty when the file could not be read at all. `notes`: worth knowing, if it was not meant.
    `overrides`: what comes from the environment instead of the file. `versions`: the file of what the API owns, None
    without an API.
    """

    config: Config | None
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    channels: tuple[ChannelConfig, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    notes: tuple[Problem, ...] = ()
    overrides: tuple[Override, ...] = ()
    versions: Path | None = None
