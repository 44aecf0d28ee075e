"""Credentials and configuration of coturn, by their text and against a real one."""

import base64
import hashlib
import hmac
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.errors import ConfigError
from acd_webrtc.turn import (
    MICROSECONDS,
    PRIVATE_RANGES,
    Credentials,
    TurnServer,
    coturn_configuration,
    credentials,
    ice_servers,
    read_turn,
)
from tests.adapters.webrtc.coturn import SECRET, Coturn, coturn
from tests.adapters.webrtc.turn_client import COOKIE, IPV4, IPV6, XOR_RELAYED, TurnClient

NOW_US = 1_800_000_000 * MICROSECONDS
USUAL = {"host": "turn.example.org", "realm": "example.org", "secret": SECRET, "listen": ["198.51.100.7"]}


def now_us() -> int:
    return time.time_ns() // 1_000


# What is made


def test_credentials_are_those_of_the_turn_rest_api() -> None:
    made = credentials(read_turn({**USUAL, "lifetime_seconds": 600}), "visit-7", now_us=NOW_US)
    assert made.username == "1800000600:visit-7"
    digest = hmac.new(SECRET.encode(), b"1800000600:visit-7", hashlib.sha1).digest()
    assert base64.b64decode(made.password) == digest
    assert made.expires_seconds == 1_800_000_600


@pytest.mark.parametrize("user", ["", "a:b", "+49 30 1234", "x" * 65, "ann\n", "客服", "a b", "${x}"])
def test_a_user_is_an_opaque_id(user: str) -> None:
    with pytest.raises(ValueError, match=r"^user: has to be 1 to 64"):
        credentials(read_turn(USUAL), user, now_us=NOW_US)


def test_a_page_gets_stun_and_turn_by_every_way_there_is() -> None:
    stun, turn = ice_servers(read_turn(USUAL), "v", now_us=NOW_US)
    assert stun == {"urls": ["stun:turn.example.org:3478"]}
    assert turn["urls"] == [
        "turn:turn.example.org:3478?transport=udp",
        "turn:turn.example.org:3478?transport=tcp",
    ]
    made = credentials(read_turn(USUAL), "v", now_us=NOW_US)
    assert (turn["username"], turn["credential"]) == (made.username, made.password)


def test_tls_and_an_ipv6_address_are_written_as_browsers_read_them() -> None:
    files = {"certificate_file": "/etc/turn/cert.pem", "private_key_file": "/etc/turn/key.pem"}
    server = read_turn({**USUAL, **files, "host": "2001:db8::7", "tls_port": 5_349})
    assert ice_servers(server, "v", now_us=NOW_US)[1]["urls"][-1] == "turns:[2001:db8::7]:5349?transport=tcp"
    lines = coturn_configuration(server).splitlines()
    assert {"tls-listening-port=5349", "cert=/etc/turn/cert.pem", "pkey=/etc/turn/key.pem", "no-tlsv1"} <= set(lines)
    assert "no-tls" not in lines


def test_no_secret_is_in_what_gets_into_logs() -> None:
    server = read_turn({**USUAL, "former_secrets": ["e1" * 32]})
    made = credentials(server, "v", now_us=NOW_US)
    shown = f"{server!r} {server} {made!r} {made}"
    assert all(each not in shown for each in (SECRET, "e1" * 32, made.password))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"secret": "short"}, r"turn\.secret: has to be 32 to 256"),
        ({"secret": "a" * 32 + "\nno-auth"}, r"turn\.secret: has to be"),
        ({"former_secrets": ["x"]}, r"turn\.former_secrets: has to be"),
        ({"realm": "a\nno-auth"}, r"turn\.realm: may have letters"),
        ({"host": "h\nno-auth"}, r"turn\.host: is neither"),
        ({"host": "h:3478"}, r"turn\.host: is neither"),
        ({"port": 0}, r"turn\.port: is 0; give a number from 1 to 65535"),
        ({"port": "3478"}, r"turn\.port: Expected `int`"),
        ({"lifetime_seconds": 59}, r"turn\.lifetime_seconds: is 59"),
        ({"first_relay_port": 5_000, "last_relay_port": 4_000}, r"turn\.first_relay_port: is above"),
        ({"listen": ["eth0"]}, r"turn\.listen: 'eth0' is no address"),
        ({"listen": ["fe80::1%a\nno-auth"]}, r"turn\.listen: .* is no address"),
        ({"listen": ["0.0.0.0"]}, r"turn\.listen: .* is no address of a machine"),  # noqa: S104 - refused
        ({"listen": ["198.51.100.7", "::"]}, r"turn\.listen: '::' is no address of a machine"),
        ({"listen": ["::ffff:198.51.100.7"]}, r"turn\.listen: .* is no address of a machine"),
        ({"listen": ["2001:db8::7"]}, r"turn\.listen: has no IPv4 address to relay from"),
        ({"bytes_per_second": 9_999}, r"turn\.bytes_per_second: is 9999"),
        ({"total_bytes_per_second": 100_000}, r"turn\.total_bytes_per_second: is less than bytes_per_second"),
        ({"external_address": "192.0.2.1", "listen": []}, r"turn\.listen: external_address stands for exactly one"),
        ({"denied_peers": ["10.0.0.1/8"]}, r"turn\.denied_peers: '10\.0\.0\.1/8' is no network"),
        ({"allowed_peers": ["fe80::1%a\nb"]}, r"turn\.allowed_peers: .* is no network"),
        ({"denied_peers": ["::ffff:0:0/96"]}, r"turn\.denied_peers: .* and IPv4 not within IPv6"),
        ({"tls_port": 5_349}, r"turn\.certificate_file: tls_port needs it"),
        ({"colour": 1}, r"turn\.colour: there is no such option"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_turn({**USUAL, **options})


def test_without_its_own_addresses_coturn_is_not_configured() -> None:
    server = read_turn({**USUAL, "listen": []})
    assert ice_servers(server, "v", now_us=NOW_US)  # pages need to know none of them
    with pytest.raises(ConfigError, match=r"turn\.listen: is empty"):
        coturn_configuration(server)


def test_it_listens_at_ipv6_and_relays_from_there_only_where_that_was_asked_for() -> None:
    both = {**USUAL, "listen": ["198.51.100.7", "2001:db8::7"]}
    lines = coturn_configuration(read_turn(both)).splitlines()
    assert [each for each in lines if each.startswith("listening-ip=")] == [
        "listening-ip=198.51.100.7",
        "listening-ip=2001:db8::7",
    ]
    assert [each for each in lines if each.startswith("relay-ip=")] == ["relay-ip=198.51.100.7"]
    asked = coturn_configuration(read_turn({**both, "relay_over_ipv6": True})).splitlines()
    assert "relay-ip=2001:db8::7" in asked


def test_every_problem_is_found_at_once_and_no_secret_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        read_turn({**USUAL, "secret": "hush", "port": 0, "colour": 1})
    assert [each.partition(":")[0] for each in caught.value.problems] == ["turn.colour", "turn.secret", "turn.port"]
    assert "hush" not in str(caught.value)


GOOD: dict[str, Any] = {
    **USUAL,
    "former_secrets": ["e1" * 32],
    "external_address": "192.0.2.7",
    "tls_port": 5_349,
    "certificate_file": "/etc/turn/cert.pem",
    "private_key_file": "/etc/turn/key.pem",
    "denied_peers": ["10.0.0.0/8"],
    "allowed_peers": ["10.1.0.0/16"],
}
TEXTS = (*("host", "realm", "secret", "external_address", "certificate_file", "private_key_file"),)
LISTS = ("former_secrets", "listen", "denied_peers", "allowed_peers")
BREAKS = ("\n", "\r", "\r\n", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "#", " ", "\n\n", "\n#")


@pytest.mark.parametrize("name", [*TEXTS, *LISTS])
def test_nothing_gets_into_the_configuration_as_a_line_of_its_own(name: str) -> None:
    """What is good otherwise, with one value that goes on in another line, wherever in it that begins."""
    plain = coturn_configuration(read_turn(GOOD)).splitlines()
    good = GOOD[name] if name in TEXTS else GOOD[name][0]
    taken = 0
    for hostile in (
        f"{good[:place]}{line_break}no-auth{line_break}{good[place:]}"
        for place in (0, 1, len(good) // 2, len(good))
        for line_break in BREAKS
    ):
        with pytest.raises(ConfigError, match=rf"turn\.{name}: "):
            read_turn({**GOOD, name: hostile if name in TEXTS else [hostile]})
        taken += 1
    assert taken == 4 * len(BREAKS)
    assert len(plain) == len(coturn_configuration(read_turn(GOOD)).split("\n")) - 1


@given(st.sampled_from(TEXTS), st.text(st.characters(codec="utf-8"), max_size=80))
def test_whatever_is_taken_is_one_line(name: str, text: str) -> None:
    plain = [line.partition("=")[0] for line in coturn_configuration(read_turn(GOOD)).splitlines()]
    try:
        server = read_turn({**GOOD, name: text})
    except ConfigError as error:
        assert all(each.startswith(f"turn.{name}: ") for each in error.problems)  # noqa: PT017 - every one of them
        return
    lines = [line.partition("=")[0] for line in coturn_configuration(server).split("\n")[:-1]]
    assert len(lines) <= len(plain)
    assert set(lines) <= set(plain)


# Against a real coturn


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    options = {
        "former_secrets": ["e1" * 32],
        "denied_peers": [*PRIVATE_RANGES, "::/64"],
        "allowed_peers": ["127.0.0.1/32"],
        "allocations_per_user": 4,
    }
    with coturn(tmp_path_factory.mktemp("coturn"), **options) as found:
        yield found


def client(running: Coturn, made: Credentials) -> TurnClient:
    return TurnClient(running.server.port, made.username, made.password)


def with_options(server: TurnServer, **options: object) -> TurnServer:
    return read_turn({**USUAL, "port": server.port, **options})


def test_coturn_lets_in_whom_we_gave_credentials(running: Coturn) -> None:
    with client(running, credentials(running.server, "let-in", now_us=now_us())) as page:
        answer = page.allocate()
        assert answer.code == 0
        _, _, port, address = struct.unpack("!BBHI", answer.attributes[XOR_RELAYED])
        assert socket.inet_ntoa(struct.pack("!I", address ^ COOKIE)) == "127.0.0.1"
        assert 61_000 <= port ^ (COOKIE >> 16) <= 61_999


def test_coturn_refuses_credentials_that_have_expired(running: Coturn) -> None:
    made = credentials(running.server, "late", now_us=now_us() - (running.server.lifetime_seconds + 1) * MICROSECONDS)
    with client(running, made) as page:
        assert page.allocate().code == 401


def test_coturn_refuses_what_was_forged(running: Coturn) -> None:
    made = credentials(running.server, "thief", now_us=now_us())
    later = Credentials(f"{made.expires_seconds + 3_600}:thief", made.password, made.expires_seconds + 3_600)
    other = Credentials(f"{made.expires_seconds}:owner", made.password, made.expires_seconds)
    foreign = credentials(with_options(running.server, secret="00" * 32), "thief", now_us=now_us())
    for forged in (later, other, foreign, Credentials("thief", made.password, 0)):
        with client(running, forged) as page:
            assert page.allocate().code == 401


def test_coturn_takes_a_secret_that_is_being_replaced(running: Coturn) -> None:
    made = credentials(with_options(running.server, secret="e1" * 32), "former", now_us=now_us())
    with client(running, made) as page:
        assert page.allocate().code == 0


def test_coturn_reaches_no_private_network_for_anybody(running: Coturn) -> None:
    with client(running, credentials(running.server, "curious", now_us=now_us())) as page:
        assert page.allocate().code == 0
        for peer in ("10.1.2.3", "192.168.1.1", "169.254.169.254", "127.0.0.2", "172.16.0.1", "100.64.0.1"):
            assert page.permit(peer).code == 403, peer
        assert page.permit("192.88.99.1").code == 403
        assert page.permit("127.0.0.1").code == 0
        assert page.permit("198.51.100.9").code == 0


INWARDS = (
    *("::ffff:10.1.2.3", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:192.168.1.1"),
    *("::1", "::", "::10.1.2.3", "2002:a01:203::1", "64:ff9b::a01:203", "64:ff9b:1::a01:203"),
    *("fc00::1", "fe80::1", "fec0::1"),
)
"""Ways in by IPv6, the first four of them by IPv4 within it."""


def test_coturn_reaches_no_private_network_by_ipv6(tmp_path: Path) -> None:
    """Where it listens at IPv6, too: nobody is relayed from there, and from IPv4 nothing goes there."""
    with coturn(tmp_path, listen=["127.0.0.1", "::1"]) as both:
        made = credentials(both.server, "curious", now_us=now_us())
        with client(both, made) as page:
            assert page.allocate(IPV6).code == 440
        with client(both, made) as page:
            assert page.allocate(IPV4).code == 0
            assert {each: page.permit(each).code for each in INWARDS} == dict.fromkeys(INWARDS, 443)


def test_relaying_over_ipv6_coturn_knows_its_ranges_but_ipv4_within_it(tmp_path: Path) -> None:
    """Before 4.9 it does not recognise the first four: which is why that has to be asked for."""
    with (
        coturn(tmp_path, listen=["127.0.0.1", "::1"], relay_over_ipv6=True) as both,
        client(both, credentials(both.server, "curious", now_us=now_us())) as page,
    ):
        assert page.allocate(IPV6).code == 0
        assert {each: page.permit(each).code for each in INWARDS[4:]} == dict.fromkeys(INWARDS[4:], 403)
        assert page.permit("2606:4700::1").code == 0


def test_coturn_promises_no_more_than_it_may_carry(tmp_path: Path) -> None:
    with (
        ExitStack() as stack,
        coturn(tmp_path, bytes_per_second=100_000, total_bytes_per_second=200_000) as narrow,
    ):
        made = credentials(narrow.server, "busy", now_us=now_us())
        pages = [stack.enter_context(client(narrow, made)) for _ in range(3)]
        assert [page.allocate().code for page in pages] == [0, 0, 486]


def test_coturn_gives_one_user_no_more_than_their_quota(running: Coturn) -> None:
    made = credentials(running.server, "greedy", now_us=now_us())
    with ExitStack() as stack:
        pages = [stack.enter_context(client(running, made)) for _ in range(5)]
        assert [page.allocate().code for page in pages] == [0, 0, 0, 0, 486]


def test_coturns_own_client_sends_through_it(running: Coturn) -> None:
    """Not our reading of the RFC: two allocations that send to each other."""
    made = credentials(running.server, "uclient", now_us=now_us())
    done = uclient(running, made)
    assert done.returncode == 0, done.stdout
    assert "tot_send_msgs=2, tot_recv_msgs=2" in done.stdout
    refused = uclient(running, Credentials(made.username, "forged", made.expires_seconds))
    assert refused.returncode != 0
    assert "Cannot complete Allocation" in refused.stdout


def uclient(running: Coturn, made: Credentials) -> subprocess.CompletedProcess[str]:
    """Client to client, one message each, no RTCP."""
    asked = ["-u", made.username, "-w", made.password, "-y", "-n", "1", "-c", "-p", str(running.server.port)]
    return subprocess.run(
        [str(running.program.folder / "turnutils_uclient"), *asked, "127.0.0.1"],
        env=running.program.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def test_coturn_understands_every_line(running: Coturn, tmp_path: Path) -> None:
    assert "Bad configuration format" not in running.log.read_text()
    files = {"certificate_file": "/cert.pem", "private_key_file": "/key.pem"}
    with coturn(tmp_path, external_address="192.0.2.7", tls_port=5_349, **files) as other:
        said = other.log.read_text()
    assert "Bad configuration format" not in said
    assert "cannot find certificate file" in said  # that it would have read it


@pytest.mark.parametrize("to_itself", [False, True])
def test_behind_nat_pages_are_told_the_public_address(tmp_path: Path, *, to_itself: bool) -> None:
    with (
        coturn(tmp_path, external_address="192.0.2.7", relay_to_itself=to_itself) as natted,
        client(natted, credentials(natted.server, "n", now_us=now_us())) as page,
    ):
        address = struct.unpack("!BBHI", page.allocate().attributes[XOR_RELAYED])[3]
        assert socket.inet_ntoa(struct.pack("!I", address ^ COOKIE)) == "192.0.2.7"
        # Its own machine, by either name: whoever is relayed here, too, and all that listens there.
        own = 0 if to_itself else 403
        assert [page.permit(each).code for each in ("192.0.2.7", "127.0.0.1")] == [own, own]
        assert page.permit("127.0.0.3").code == 403


def test_a_public_address_of_its_own_is_reached_only_where_that_was_asked_for(tmp_path: Path) -> None:
    """No range has it: what else listens there is reached as from the machine itself."""
    with (
        coturn(tmp_path, denied_peers=["10.0.0.0/8"]) as public,
        client(public, credentials(public.server, "n", now_us=now_us())) as page,
    ):
        assert page.allocate().code == 0
        assert [page.permit(each).code for each in ("127.0.0.1", "127.0.0.3")] == [403, 0]
