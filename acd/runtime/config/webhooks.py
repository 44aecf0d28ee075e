"""`[webhooks.NAME]`: addresses to which events are posted, signed.

Owns their keys. Must not know how anything is posted. No message quotes a secret.
"""

from typing import Final
from urllib.parse import urlsplit

from acd.runtime.config.model import LOOPBACK, WebhookConfig
from acd.runtime.config.problems import did_you_mean, quoted
from acd.runtime.config.secrets import Secret
from acd.runtime.config.table import Table
from acd.runtime.config.tokens import read_secret_file
from acd.runtime.events.kinds import KINDS
from acd.runtime.webhooks.signing import key_of

MAX_WEBHOOKS: Final = 32
MAX_FILTER: Final = 1_000
"""Names in one filter."""

MAX_URL: Final = 2_000
MIN_TIMEOUT_US: Final = 100_000
MAX_TIMEOUT_US: Final = 25_000_000
"""The outbox gives up a delivery a little later by itself."""


def read_webhooks(root: Table) -> tuple[WebhookConfig, ...]:
    """Every webhook, sorted by name."""
    found = []
    for name, table in root.named("webhooks", "webhook", MAX_WEBHOOKS):
        hook = WebhookConfig(
            name=name,
            url=_url(table),
            secrets=(*_secret(table, "secret_file", required=True), *_secret(table, "old_secret_file", required=False)),
            queues=table.ids("queues", "queue", MAX_FILTER),
            agents=table.ids("agents", "agent", MAX_FILTER),
            kinds=_kinds(table),
            timeout_us=table.duration("timeout", 10_000_000, MIN_TIMEOUT_US, MAX_TIMEOUT_US),
        )
        table.finish()
        found.append(hook)
    return tuple(found)


def _url(table: Table) -> str:
    """An absolute address without a secret in it."""
    url = table.text("url", most=MAX_URL)
    key = table.at("url")
    if not url:
        table.problems.error(table.key, "has no url", 'say where to post, like url = "https://crm.example.com/acd"')
        return ""
    try:
        parts = urlsplit(url)
        host, scheme, _ = parts.hostname or "", parts.scheme, parts.port
    except ValueError:
        host, scheme, parts = "", "", urlsplit("")
    if scheme not in ("http", "https") or not host or " " in url:
        table.problems.error(key, f"{quoted(url)} is not an address", 'write it like "https://crm.example.com/acd"')
    elif parts.username is not None or parts.password is not None:
        table.problems.error(key, "has a user or password in it", "leave it out: the signature says who posts")
    elif scheme == "http" and host not in LOOPBACK:
        table.problems.warn(key, "is not encrypted: everybody on the way can read events", "use https")
    return url


def _secret(table: Table, name: str, *, required: bool) -> tuple[Secret, ...]:
    """The secret in a file; empty if there is none, or none that can be used, which has been noted."""
    if not table.has(name):
        if required:
            fix = "make one: python -c 'import secrets, base64;"
            fix += ' print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\''
            table.problems.error(table.key, f"has no {name}", fix)
        return ()
    path = table.text(name, most=4096)
    text = read_secret_file(table, table.at(name), table.resolved(path)) if path else ""
    if text and key_of(text) is None:
        reason = "does not hold a secret of Standard Webhooks"
        table.problems.error(table.at(name), reason, "put whsec_ and the Base64 of 24 to 64 random bytes into it")
        return ()
    return (Secret(text),) if text else ()


def _kinds(table: Table) -> tuple[str, ...]:
    kinds = table.ids("kinds", "kind", MAX_FILTER)
    for kind in kinds:
        if kind not in KINDS:
            reason = f"{quoted(kind)} is no kind of events"
            table.problems.error(table.at("kinds"), reason, did_you_mean(kind, KINDS))
    return kinds
