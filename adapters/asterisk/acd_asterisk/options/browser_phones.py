"""`[channels.NAME.browser_phones]`: agents' telephones that are pages in a browser (SIP over WebSocket, WebRTC).

Owns the names, bounds and defaults of these options. Must not know ARI, calls or agents, and reads no secret.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from acd_asterisk.options.ami import LOOPBACK
from acd_asterisk.options.reader import SECOND_US, Reader

MAX_PATTERNS: Final = 100
MAX_ICE: Final = 8
MAX_CODECS: Final = 8

ENDPOINT: Final = re.compile(r"PJSIP/([A-Za-z0-9][A-Za-z0-9_.-]{0,63})")
"""An address that can be a browser's: an endpoint of its own, which is also the user of its account."""

_PATTERN: Final = re.compile(r"PJSIP/[A-Za-z0-9_.*?-]{1,64}")
_PATH: Final = re.compile(r"/[A-Za-z0-9_./-]{0,100}")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_REALM: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CODEC: Final = re.compile(r"[a-z0-9]{2,16}")
_ICE: Final = re.compile(
    r"(stuns?|turns?):([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?(\?transport=(udp|tcp))?"
)


class BrowserPhoneOptions(Struct, frozen=True, kw_only=True):
    """Which addresses, how pages reach the PBX, and where passwords come from."""

    url: str
    """Of Asterisk's WebSocket: `wss://pbx.example.com:8089/ws`."""
    addresses: tuple[str, ...]
    """Patterns of agents' addresses, with `*` and `?`: `PJSIP/web-*`."""
    key_file: Path
    """From whose bytes every password follows that no agent's own option names."""
    realm: str = "asterisk"
    context: str = "acd-agents"
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    """Those of most trunks. `opus` needs a module that translates it."""
    ice: tuple[str, ...] = ()
    """STUN and TURN servers, for browsers."""
    turn_secret_file: Path | None = None
    turn_lifetime_us: int = 3600 * SECOND_US

    @property
    def host(self) -> str:
        """Of the PBX, as pages know it; with brackets if it is an IPv6 address."""
        return _host_of(self.url)

    def endpoint(self, address: str) -> str:
        """The PJSIP endpoint of an agent's address; empty when it is no browser's."""
        found = ENDPOINT.fullmatch(address)
        if found is None or not any(fnmatchcase(address, pattern) for pattern in self.addresses):
            return ""
        return found[1]


def read_browser_phones(reader: Reader) -> BrowserPhoneOptions | None:
    """Read the table, if it is there; problems are the reader's."""
    if not reader.has("browser_phones"):
        return None
    table = reader.table("browser_phones", "agents' telephones in the browser")
    addresses = table.texts("addresses", (), MAX_PATTERNS, '["PJSIP/web-*"]')
    if not addresses:
        table.problem("addresses", "is missing", 'name them, like ["PJSIP/web-*"]')
    for each in addresses:
        if not _PATTERN.fullmatch(each):
            table.problem("addresses", f"{each!r} matches no address of a browser", 'write it like "PJSIP/web-*"')
    ice = _listed(table, "ice", _ICE, (), MAX_ICE, "turn:turn.example.com:3478?transport=udp")
    secret = _file(table, "turn_secret_file")
    if secret is None and any(each.startswith("turn") for each in ice):
        table.problem("turn_secret_file", "is missing, and TURN needs it", "name the file with coturn's secret")
    return BrowserPhoneOptions(
        url=_url(table),
        addresses=addresses,
        key_file=_file(table, "key_file") or table.path("browser-phones.key"),
        realm=table.pattern("realm", "asterisk", _REALM, "letters, digits and . _ -"),
        context=table.pattern("context", "acd-agents", _NAME, "a context of the dialplan"),
        codecs=_listed(table, "codecs", _CODEC, ("alaw", "ulaw"), MAX_CODECS, "alaw"),
        ice=ice,
        turn_secret_file=secret,
        turn_lifetime_us=table.duration("turn_lifetime", 3600 * SECOND_US, 60 * SECOND_US, 86_400 * SECOND_US),
    )


def read_phone_password(table: Reader) -> Path | None:
    """The key `phone_password_file` of an agent: a password that the PBX has already."""
    return _file(table, "phone_password_file")


def browser_cautions(options: BrowserPhoneOptions | None) -> Mapping[str, tuple[str, str]]:
    """What works and had better be otherwise: by key, reason and fix."""
    if options is None or options.url.startswith("wss:"):
        return {}
    return {"url": ("is for trying alone: passwords are not encrypted on the way", "use wss://")}


def _url(table: Reader) -> str:
    example = 'write it like "wss://pbx.example.com:8089/ws"'
    text = table.text("url", "")
    if not text:
        if text is not None:
            table.problem("url", "is missing", example)
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        table.problem("url", "cannot be read as a URL", example)
        return ""
    host = _host_of(text)
    if parts.username is not None or parts.query or parts.fragment or not _PATH.fullmatch(parts.path or "/ws"):
        # Not quoted: it may contain a password.
        table.problem("url", "has more than a host, a port and a path", example)
    elif not _HOST.fullmatch(host) or port == 0 or parts.scheme not in {"ws", "wss"}:
        table.problem("url", f"{text!r} is not the URL of a WebSocket", example)
    elif parts.scheme == "ws" and parts.hostname not in LOOPBACK:
        table.problem("url", "would be refused by browsers, and passwords be read on the way", "use wss://")
    else:
        return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path or '/ws'}"
    return ""


def _host_of(url: str) -> str:
    found = urlsplit(url).hostname or ""
    return f"[{found}]" if ":" in found else found


def _file(table: Reader, key: str) -> Path | None:
    if not table.has(key):
        return None
    text = table.text(key, "")
    if text == "":
        table.problem(key, "is empty", "name a file")
    return table.path(text) if text else None


def _listed(
    table: Reader, key: str, form: re.Pattern[str], default: tuple[str, ...], most: int, example: str
) -> tuple[str, ...]:
    given = table.texts(key, default, most, f'["{example}"]')
    for each in given:
        if not form.fullmatch(each):
            table.problem(key, f"{each!r} cannot be used", f'write it like "{example}"')
    return given
