"""The configuration: TOML in, `Config` and the core's canonical settings out, every problem at once.

Owns the file's format. Must not know what is done with a configuration, nor any channel's own options.
"""

from acd.errors import ConfigError
from acd.runtime.config.capacities import PROFILES
from acd.runtime.config.durations import format_duration, parse_duration
from acd.runtime.config.load import check, check_text, load, loads
from acd.runtime.config.model import (
    AgentConfig,
    AgentEdit,
    ApiConfig,
    ChannelConfig,
    Config,
    JournalConfig,
    MetricsConfig,
    OutboxConfig,
    PersonalConfig,
    QueueConfig,
    QueueLogConfig,
    Report,
    Role,
    RouterConfig,
    SnapshotsConfig,
    SocketConfig,
    TelemetryConfig,
    TokenConfig,
    WebhookConfig,
)
from acd.runtime.config.problems import Problem
from acd.runtime.config.secrets import Secret
from acd.runtime.config.single import read_agent

__all__ = [
    "PROFILES",
    "AgentConfig",
    "AgentEdit",
    "ApiConfig",
    "ChannelConfig",
    "Config",
    "ConfigError",
    "JournalConfig",
    "MetricsConfig",
    "OutboxConfig",
    "PersonalConfig",
    "Problem",
    "QueueConfig",
    "QueueLogConfig",
    "Report",
    "Role",
    "RouterConfig",
    "Secret",
    "SnapshotsConfig",
    "SocketConfig",
    "TelemetryConfig",
    "TokenConfig",
    "WebhookConfig",
    "check",
    "check_text",
    "format_duration",
    "load",
    "loads",
    "parse_duration",
    "read_agent",
]
