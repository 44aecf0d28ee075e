"""`[[api.tokens]]`: who may use the API. Secrets come from files or the environment by preference.

Owns tokens and the check of secret files' permissions. Must not know HTTP. No message quotes a secret.
"""

import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, get_args

from msgspec import Struct

from acd.core import limits
from acd.runtime.config.model import UNLIMITED, AgentConfig, ChannelConfig, QueueConfig, Rate, Role, TokenConfig
from acd.runtime.config.problems import Key, did_you_mean, quoted
from acd.runtime.config.rates import MAX_BURST, read_rate
from acd.runtime.config.secrets import Secret
from acd.runtime.config.table import Table

MIN_TOKEN: Final = 16
"""Characters that a token must have at least."""

MAX_TOKEN: Final = 512
MAX_TOKENS: Final = 10_000
MAX_SCOPE: Final = 1_000
"""Queues, and channels, that one token is limited to."""

EXTERNAL: Final = "external"
"""The type of channels that processes become over the API."""

ANY_CHANNEL: Final = "*"
"""In a capacity: every channel that it does not name."""

_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCES: Final = ("token", "token_file", "token_env")
_CREATE: Final = "create it with a random token in it, mode 600"


class Known(Struct, frozen=True):
    """What tokens can name. `channels`: those that agents have; `*` is among them if some do every channel.

    `external`: the channels that a token may be for.
    """

    agents: frozenset[str]
    queues: frozenset[str]
    channels: frozenset[str]
    external: frozenset[str]


def known_to(
    agents: tuple[AgentConfig, ...],
    queues: tuple[QueueConfig, ...],
    channels: tuple[ChannelConfig, ...],
    named: frozenset[str],
) -> Known:
    """What there is to be named, and agents who may be all the same."""
    capacities = {agent.settings.capacity for agent in agents}
    shares = (share.channel for capacity in capacities for share in capacity.channels)
    addresses = (channel for agent in agents for channel, _ in agent.addresses)
    return Known(
        named.union(agent.settings.id for agent in agents),
        frozenset(queue.settings.id for queue in queues),
        frozenset((*shares, *addresses)),
        frozenset(each.name for each in channels if each.type == EXTERNAL),
    )


def read_tokens(api: Table, known: Known, environment: Mapping[str, str]) -> tuple[TokenConfig, ...]:
    """Every token, in the order of the file. Each has one source, its own name and its own secret."""
    found: list[TokenConfig] = []
    names: set[str] = set()
    secrets: dict[str, str] = {}
    for table in api.each("tokens", MAX_TOKENS):
        name = table.identifier("name", "")
        if not table.has("name"):
            table.problems.error(table.key, "has no name", 'name it, like name = "anna-desktop"')
        elif name in names:
            table.problems.error(table.at("name"), f"{quoted(name)} names another token already", "choose another name")
        names.add(name)
        key, value = _secret(table, environment)
        old_key, old = _old_secret(table, value)
        for each, secret in ((key, value), (old_key, old)):
            other = secrets.setdefault(secret, name) if secret else name
            if other != name:
                table.problems.error(each, f"is the same token as that of {quoted(other)}", "give each its own")
        roles, agent = _roles(table, known.agents)
        telephone = _telephone(table, roles, known.agents) or (agent if "supervisor" in roles else "")
        channel = _channel(table, roles, known.external)
        queues, channels = _scope(table, known, roles)
        expires_us = _expires(table)
        rate = _rate(table)
        table.finish()
        found.append(
            TokenConfig(
                name,
                Secret(value),
                roles,
                agent,
                expires_us,
                channel,
                queues,
                channels,
                Secret(old) if old else None,
                rate,
                telephone,
            )
        )
    return tuple(found)


def check_private(table: Table, key: Key, path: Path) -> None:
    """Warn when others on this machine may read a file of secrets."""
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        table.problems.warn(key, f"every user of this machine can read {path}", f"chmod 600 {path}")


def _secret(table: Table, environment: Mapping[str, str]) -> tuple[Key, str]:
    """Where the secret is written, and the secret; empty when there is none, which has been noted."""
    sources = [source for source in _SOURCES if table.has(source)]
    if len(sources) != 1:
        reason = f"has {' and '.join(sources)}" if sources else "has no token"
        table.problems.error(table.key, reason, "set exactly one of token_file, token_env and token")
        return table.key, ""
    source = sources[0]
    key = table.at(source)
    value = table.text(source, most=4096)
    if not value:
        if isinstance(table.raw[source], str) and not table.raw[source]:
            table.problems.error(key, "is empty", "give it a value")
        return key, ""
    if source == "token":
        table.problems.warn(key, "is a secret in clear", "move it into a file of mode 600 and use token_file")
    elif source == "token_file":
        value = read_secret_file(table, key, table.resolved(value))
    else:
        if value not in environment:
            table.problems.error(key, f"the environment has no {value}", "set it before starting")
        value = environment.get(value, "").strip()
    return key, _checked(table, key, value)


def _old_secret(table: Table, new: str) -> tuple[Key, str]:
    """The secret that is let in beside the new one, while everybody goes over to it; empty when there is none."""
    key, path = table.at("old_token_file"), table.text("old_token_file", most=4096)
    missing = "leave old_token_file out, or put the token before into this file, mode 600"
    value = _checked(table, key, read_secret_file(table, key, table.resolved(path), missing)) if path else ""
    if value and value == new:
        table.problems.error(key, "holds the new token", "leave it out, or put the one before into it")
        return key, ""
    return key, value


def read_secret_file(table: Table, key: Key, path: Path, missing: str = _CREATE) -> str:
    """The one line of a file of secrets; empty when there is none, which has been noted. `missing`: what to do then."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        table.problems.error(key, f"there is no file {path}", missing)
        return ""
    except UnicodeDecodeError:
        table.problems.error(key, f"{path} is not a text", "put one line with the token in it")
        return ""
    except OSError as error:
        reason = f"{path} cannot be read ({os.strerror(error.errno or 0)})"
        table.problems.error(key, reason, "let the user that runs acd read it")
        return ""
    check_private(table, key, path)
    if not text:
        table.problems.error(key, f"{path} is empty", "put one line with the token in it")
    return text


def _checked(table: Table, key: Key, value: str) -> str:
    """The token if it is one that a header can carry and nobody can guess; else empty, and a note."""
    if not value:
        return ""
    if not MIN_TOKEN <= len(value) <= MAX_TOKEN:
        reason = f"is a token of {len(value)} characters"
        table.problems.error(key, reason, f"use {MIN_TOKEN} to {MAX_TOKEN}, best random ones")
        return ""
    if not all("!" <= char <= "~" for char in value):
        table.problems.error(key, "is a token with white space or characters beyond ASCII", "use letters and digits")
        return ""
    return value


def _expires(table: Table) -> int:
    """`expires`: a moment with its offset, as TOML writes them; 0 when there is none."""
    if not table.has("expires"):
        return 0
    value = table.raw["expires"]
    if not isinstance(value, datetime) or value.tzinfo is None:
        reason = f"{quoted(value)} is not a moment with an offset"
        table.problems.error(table.at("expires"), reason, "write it like 2027-01-31T00:00:00Z, without quotes")
        return 0
    return max(1, (value - _EPOCH) // timedelta(microseconds=1))


def _scope(table: Table, known: Known, roles: tuple[Role, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`queues` and `channels`: what the token is limited to, if it is."""
    queues, channels = table.ids("queues", "queue", MAX_SCOPE), table.ids("channels", "channel", MAX_SCOPE)
    for key, names in (("queues", queues), ("channels", channels)):
        if names and ("agent" in roles or "channel" in roles):
            reason = "limits what a supervisor or a system sees; agents and channels see their own"
            table.problems.error(table.at(key), reason, "leave it out, or give each a token of its own")
        elif key in table.raw and not names and table.raw[key] == []:
            table.problems.error(table.at(key), "is empty, so that nothing would be left", "leave it out to have all")
    for queue in queues:
        if queue not in known.queues:
            reason = f"{quoted(queue)} is not a queue"
            table.problems.error(table.at("queues"), reason, did_you_mean(queue, known.queues))
    for channel in channels:
        if channel not in known.channels:
            reason = f"no agent or capacity names the channel {quoted(channel)}"
            note = table.problems.warn if ANY_CHANNEL in known.channels else table.problems.error
            note(table.at("channels"), reason, did_you_mean(channel, known.channels - {ANY_CHANNEL}))
    return queues, channels


def _rate(table: Table) -> Rate | None:
    """`rate` and `burst` of its own; None when the API's are to count."""
    if table.has("rate"):
        return read_rate(table, "rate", "burst", UNLIMITED)
    if table.has("burst"):
        table.problems.error(table.at("burst"), "says nothing without a rate", 'set rate, like rate = "50/s"')
        table.integer("burst", 1, 1, MAX_BURST)
    return None


def _roles(table: Table, agents: frozenset[str]) -> tuple[tuple[Role, ...], str]:
    given = table.ids("roles", "role")
    roles = tuple(role for role in _ROLES if role in given)
    for role in given:
        if role not in _ROLES:
            table.problems.error(table.at("roles"), f"{quoted(role)} is not a role", f"use {', '.join(_ROLES)}")
    if not given and "roles" not in table.raw:
        table.problems.error(table.key, "has no roles", f'say what it may do, like roles = ["{_ROLES[-1]}"]')
    agent = table.text("agent", most=limits.MAX_ID)
    if "agent" in roles and not agent:
        table.problems.error(table.key, "has the role agent, but no agent", 'say which, like agent = "anna"')
    elif agent and "agent" not in roles:
        table.problems.error(table.at("agent"), "needs the role agent", 'add "agent" to roles, or leave it out')
    elif agent and agent not in agents:
        table.problems.error(table.at("agent"), f"{quoted(agent)} is not an agent", did_you_mean(agent, agents))
    return roles, agent


def _telephone(table: Table, roles: tuple[Role, ...], agents: frozenset[str]) -> str:
    """The agent whose telephone is the supervisor's; empty where the token names none."""
    telephone = table.text("telephone", most=limits.MAX_ID)
    if telephone and "supervisor" not in roles:
        reason = "is by what a supervisor listens, and needs the role supervisor"
        table.problems.error(table.at("telephone"), reason, 'add "supervisor" to roles, or leave it out')
    elif telephone and telephone not in agents:
        table.problems.error(
            table.at("telephone"), f"{quoted(telephone)} is not an agent", did_you_mean(telephone, agents)
        )
    return telephone


def _channel(table: Table, roles: tuple[Role, ...], external: frozenset[str]) -> str:
    """The external channel of a token with the role `channel`; empty for every other token."""
    channel = table.text("channel", most=limits.MAX_ID)
    if "channel" in roles and len(roles) > 1:
        table.problems.error(
            table.at("roles"), "has more roles than channel", "make a token of its own for the channel"
        )
    if "channel" in roles and not channel:
        fix = 'say which external channel, like channel = "web"'
        table.problems.error(table.key, "has the role channel, but no channel", fix)
    elif channel and "channel" not in roles:
        table.problems.error(table.at("channel"), "needs the role channel", 'use roles = ["channel"], or leave it out')
    elif channel and channel not in external:
        reason = f"{quoted(channel)} is not an external channel"
        fix = did_you_mean(channel, external) if external else f'add [channels.{channel}] with type = "external"'
        table.problems.error(table.at("channel"), reason, fix)
    return channel
