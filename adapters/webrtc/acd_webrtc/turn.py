"""A coturn for browsers: short-lived credentials, the list of servers for a page, and coturn's configuration.

Owns the credentials of coturn's "TURN REST API" (draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`): the
name is the moment of expiry and an id, the password an HMAC-SHA1 of the name. Nothing is stored, and coturn needs no
database: whoever knows the secret can make and check them. Reads no clock and no file.

Must not know calls, signalling, or who a user is: the id is an opaque one, and coturn logs it.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypedDict

import msgspec

from acd.errors import ConfigError

MIN_LIFETIME_SECONDS: Final = 60
MAX_LIFETIME_SECONDS: Final = 86_400
MIN_SECRET_LETTERS: Final = 32
MAX_SECRET_LETTERS: Final = 256
MAX_PEER_RANGES: Final = 64
MAX_PORT: Final = 65_535
MICROSECONDS: Final = 1_000_000

PRIVATE_RANGES: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "240.0.0.0/4"),
    *("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10"),
)
"""Where coturn sends nothing for anybody: it stands inside a network that strangers must not reach through it."""

_IPV4: Final = 4
_USER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SECRET: Final = re.compile(rf"[A-Za-z0-9_+/=.-]{{{MIN_SECRET_LETTERS},{MAX_SECRET_LETTERS}}}")
_FILE: Final = re.compile(r"/[^\s\x00-\x20\x7f-\x9f#]{1,1000}")


class TurnServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One coturn, as pages reach it and as it is configured. Made by `read_turn`, which checks what is in it."""

    host: str
    """What pages reach it by: a host's name or an address."""
    realm: str
    secret: str
    """Shared with coturn; never shown, not even by `repr`."""
    former_secrets: tuple[str, ...] = ()
    """Those that coturn still takes while they are being replaced; none is used for new credentials."""
    port: int = 3_478
    """STUN and TURN over UDP and TCP."""
    tls_port: int = 0
    """TURN over TLS, for networks that let nothing else out; 0: none."""
    certificate_file: str = ""
    """With `tls_port`: PEM, as coturn sees it; likewise `private_key_file`."""
    private_key_file: str = ""
    lifetime_seconds: int = 3_600
    """How long credentials let a page begin; what has begun goes on."""
    listen: tuple[str, ...] = ()
    """Addresses of coturn's machine to listen at, and, those of IPv4, to relay from. Its configuration needs them."""
    relay_over_ipv6: bool = False
    """Relay from those of IPv6, too: with coturn 4.9 or later alone (`_relays`)."""
    external_address: str = ""
    """Behind NAT: the public address; `listen` then has exactly one, the private one."""
    relay_to_itself: bool = False
    """Whether two pages that are both relayed here reach each other; all UDP ports of its machine then are."""
    first_relay_port: int = 49_152
    last_relay_port: int = 65_535
    allocations_per_user: int = 12
    """A page takes one for each way and network; those of a network that it lost go minutes later."""
    allocations: int = 1_000
    bytes_per_second: int = 125_000
    """Of one allocation, each way; what is more is dropped. Voice takes a tenth of it."""
    total_bytes_per_second: int = 125_000_000
    """Of all: each allocation takes its `bytes_per_second` of it, the last one what is left; more are refused."""
    denied_peers: tuple[str, ...] = PRIVATE_RANGES
    """Networks in CIDR notation that nobody may send to through it."""
    allowed_peers: tuple[str, ...] = ()
    """Exceptions from `denied_peers`."""

    def __repr__(self) -> str:
        """Without the secrets: configurations get into logs."""
        return f"TurnServer(host={self.host!r}, realm={self.realm!r}, port={self.port})"


class Credentials(msgspec.Struct, frozen=True):
    """What one page may use one coturn by; `password` is as secret as it is short-lived."""

    username: str
    password: str
    expires_seconds: int
    """Since 1970."""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Credentials(username={self.username!r})"


class IceServer(TypedDict, total=False):
    """One entry of `iceServers`, as RTCPeerConnection's configuration has it (W3C WebRTC, RTCIceServer)."""

    urls: list[str]
    username: str
    credential: str


def read_turn(options: Mapping[str, object], *, key: str = "turn") -> TurnServer:
    """The server that `options` describe: the fields of `TurnServer`, as a TOML table has them.

    Raises:
        ConfigError: with every problem found, each naming `key` and the option; no secret is repeated in one.
    """
    unknown = [f"{key}.{each}: there is no such option; remove it" for each in options if each not in _FIELDS]
    try:
        server = msgspec.convert({each: options[each] for each in options if each in _FIELDS}, TurnServer)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        named = f"{key}.{place.rstrip('`')}" if place else key
        raise ConfigError((*unknown, f"{named}: {reason}")) from error
    if problems := (*unknown, *(f"{key}.{each}" for each in _problems(server))):
        raise ConfigError(problems)
    return server


_FIELDS: Final = frozenset(TurnServer.__struct_fields__)


def credentials(server: TurnServer, user: str, *, now_us: int) -> Credentials:
    """Credentials for `user` (letters, digits, `-`, `_`; at most 64) from `now_us` (since 1970) on.

    Raises:
        ValueError: `user` has other characters: coturn would read them as part of the protocol, or log a person's name.
    """
    if not _USER.fullmatch(user):
        raise ValueError("user: has to be 1 to 64 letters, digits, - or _; give an opaque id, no name and no number")
    expires = now_us // MICROSECONDS + server.lifetime_seconds
    username = f"{expires}:{user}"
    return Credentials(username, _password(server.secret, username), expires)


def ice_servers(server: TurnServer, user: str, *, now_us: int) -> list[IceServer]:
    """The value of `iceServers` for the page of `user`: STUN, then TURN over UDP, TCP and, if there is, TLS.

    Raises:
        ValueError: as `credentials`.
    """
    made = credentials(server, user, now_us=now_us)
    host = f"[{server.host}]" if ":" in server.host else server.host
    urls = [f"turn:{host}:{server.port}?transport={each}" for each in ("udp", "tcp")]
    if server.tls_port:
        urls.append(f"turns:{host}:{server.tls_port}?transport=tcp")
    return [
        {"urls": [f"stun:{host}:{server.port}"]},
        {"urls": urls, "username": made.username, "credential": made.password},
    ]


def coturn_configuration(server: TurnServer) -> str:
    """The text of `turnserver.conf` for this server: it contains the secret, so let nobody else read the file.

    Credentials of `credentials` alone let anybody in; nobody reaches private networks through it, nor its command
    line, and TCP to peers is off. Lines are `name` or `name=value`; more may be appended.

    Raises:
        ConfigError: `listen` is empty: coturn would relay from every address, to ones that its ranges do not know.
    """
    if not server.listen:
        raise ConfigError(("turn.listen: is empty; give the addresses of coturn's machine, as 192.0.2.7",))
    lines = [
        f"realm={server.realm}",
        f"server-name={server.host}",
        *("use-auth-secret", f"static-auth-secret={server.secret}"),
        *(f"static-auth-secret={each}" for each in server.former_secrets),
        *("fingerprint", "stale-nonce=600", "no-cli", "no-tcp-relay", "no-multicast-peers", "no-rfc5780"),
        *("no-software-attribute", "log-file=stdout", "simple-log"),
        f"listening-port={server.port}",
        *(f"listening-ip={each}" for each in server.listen),
        *(f"relay-ip={each}" for each in _relays(server)),
        f"min-port={server.first_relay_port}",
        f"max-port={server.last_relay_port}",
        f"user-quota={server.allocations_per_user}",
        f"total-quota={server.allocations}",
        f"max-bps={server.bytes_per_second}",
        f"bps-capacity={server.total_bytes_per_second}",
        *_tls(server),
    ]
    lines += _itself(server)
    lines += [f"denied-peer-ip={_range(each)}" for each in server.denied_peers]
    lines += [f"allowed-peer-ip={_range(each)}" for each in server.allowed_peers]
    return "\n".join(lines) + "\n"


def _password(secret: str, username: str) -> str:
    # SHA-1 is what coturn checks; an HMAC by it is not touched by its collisions.
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()


def _tls(server: TurnServer) -> list[str]:
    if not server.tls_port:
        return ["no-tls", "no-dtls"]
    return [
        f"tls-listening-port={server.tls_port}",
        f"cert={server.certificate_file}",
        f"pkey={server.private_key_file}",
        *("no-dtls", "no-tlsv1", "no-tlsv1_1"),
    ]


def _itself(server: TurnServer) -> list[str]:
    """What is sent to a page that is relayed here, too, goes to coturn's own address, and it tells no ports apart."""
    public = server.external_address
    if server.relay_to_itself:
        return [
            *(f"external-ip={public}/{each}" for each in server.listen if public),
            *(f"allowed-peer-ip={each}" for each in server.listen),
        ]
    # With the private address behind it, coturn would take that for allowed, whatever is denied.
    own = (*server.listen, public) if public else server.listen
    return [*([f"external-ip={public}"] if public else ()), *(f"denied-peer-ip={each}" for each in own)]


def _relays(server: TurnServer) -> list[str]:
    """From where it relays. From IPv6 before coturn 4.9 no range holds: ::ffff:10.0.0.1 reaches 10.0.0.1."""
    return [each for each in server.listen if server.relay_over_ipv6 or ipaddress.ip_address(each).version == _IPV4]


def _range(network: str) -> str:
    found = ipaddress.ip_network(network)
    # For coturn a range from :: has no lower end, and IPv4 is in it. It reaches :: itself for nobody.
    first = ipaddress.IPv6Address(1) if found[0] == ipaddress.IPv6Address(0) else found[0]
    return f"{first}-{found[-1]}"


def _problems(server: TurnServer) -> Iterator[str]:
    """What is wrong with it, each beginning with the option's name. Whatever is written into lines is checked here."""
    if not (_NAME.fullmatch(server.host) or _is_address(server.host)):
        yield "host: is neither a host's name nor an address; give what pages reach coturn by, without a port"
    if not _NAME.fullmatch(server.realm):
        yield "realm: may have letters, digits, dots and hyphens only; a domain of yours is usual"
    for name, each in (("secret", server.secret), *(("former_secrets", each) for each in server.former_secrets)):
        if not _SECRET.fullmatch(each):
            yield (
                f"{name}: has to be {MIN_SECRET_LETTERS} to {MAX_SECRET_LETTERS} letters, digits or _ + / = . -; "
                "make one with `openssl rand -hex 32`"
            )
    yield from _problems_of_numbers(server)
    yield from _problems_of_addresses(server)
    if server.tls_port:
        for name in ("certificate_file", "private_key_file"):
            if not _FILE.fullmatch(getattr(server, name)):
                yield f"{name}: tls_port needs it; give an absolute path without spaces"


def _problems_of_numbers(server: TurnServer) -> Iterator[str]:
    bounds: dict[str, tuple[int, int]] = {
        "port": (1, MAX_PORT),
        "tls_port": (0, MAX_PORT),
        "lifetime_seconds": (MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS),
        "first_relay_port": (1_024, MAX_PORT),
        "last_relay_port": (1_024, MAX_PORT),
        "allocations_per_user": (1, 1_000),
        "allocations": (1, 100_000),
        "bytes_per_second": (10_000, 4_000_000_000),
        "total_bytes_per_second": (10_000, 4_000_000_000),
    }
    for name, (least, most) in bounds.items():
        value: Any = getattr(server, name)
        if not least <= value <= most:
            yield f"{name}: is {value}; give a number from {least} to {most}"
    if server.first_relay_port > server.last_relay_port:
        yield "first_relay_port: is above last_relay_port; give the lower one first"
    if server.bytes_per_second > server.total_bytes_per_second:
        yield "total_bytes_per_second: is less than bytes_per_second; one allocation needs as much"
    if server.tls_port and server.tls_port == server.port:
        yield "tls_port: is the same as port; 5349 is usual, or 443 where only that gets out"


def _problems_of_addresses(server: TurnServer) -> Iterator[str]:
    for each in server.listen:
        if not _is_own(each):
            yield f"listen: {each!r} is no address of a machine; give those of coturn's, as 192.0.2.7"
    if all(map(_is_own, server.listen)) and server.listen and not _relays(server):
        yield "listen: has no IPv4 address to relay from; add one, or, with coturn 4.9 or later, relay_over_ipv6 = true"
    if server.external_address and not _is_address(server.external_address):
        yield "external_address: is no address; give the public one, or leave it out"
    if server.external_address and len(server.listen) != 1:
        yield "listen: external_address stands for exactly one; give the private address that it leads to"
    for name in ("denied_peers", "allowed_peers"):
        networks: tuple[str, ...] = getattr(server, name)
        if len(networks) > MAX_PEER_RANGES:
            yield f"{name}: has {len(networks)} networks; give {MAX_PEER_RANGES} at most"
        for each in networks:
            if not _is_network(each):
                yield f"{name}: {each!r} is no network; give it as 10.0.0.0/8, and IPv4 not within IPv6"


def _is_address(text: str) -> bool:
    try:
        return "%" not in str(ipaddress.ip_address(text))
    except ValueError:
        return False


def _is_own(text: str) -> bool:
    """An address that one machine has: not all of them (0.0.0.0, ::), and not IPv4 within IPv6."""
    return _is_address(text) and not (
        (found := ipaddress.ip_address(text)).is_unspecified
        or (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped)
    )


def _is_network(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return False
    # coturn takes ::ffff:0:0/96 for all of IPv4, and whom it denies that, it lets reach nobody.
    mapped = any(isinstance(each, ipaddress.IPv6Address) and each.ipv4_mapped for each in (network[0], network[-1]))
    return "%" not in str(network) and not mapped
