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
from tests.adapters.webrtc.turn_client import COOKIE, XOR_RELAYED, TurnClient

NOW_US = 1_800_000_000 * MICROSECONDS
USUAL = {"host": "turn.example.org", "realm": "example.org", "secret": SECRET}


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
        ({"external_address": "192.0.2.1"}, r"turn\.listen: external_address stands for exactly one"),
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


def test_every_problem_is_found_at_once_and_no_secret_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        read_turn({**USUAL, "secret": "hush", "port": 0, "colour": 1})
    assert [each.partition(":")[0] for each in caught.value.problems] == ["turn.colour", "turn.secret", "turn.port"]
    assert "hush" not in str(caught.value)


TEXT = st.text(max_size=300)


@given(TEXT, TEXT, TEXT, st.lists(TEXT, max_size=2), st.lists(TEXT, max_size=2))
def test_nothing_gets_into_the_configuration_as_a_line_of_its_own(
    host: str, realm: str, file: str, listen: list[str], denied: list[str]
) -> None:
    plain = coturn_configuration(read_turn(USUAL)).splitlines()
    names = {line.partition("=")[0] for line in plain} | {"listening-ip", "relay-ip", "tls-listening-port"}
    names |= {"cert", "pkey", "no-dtls", "no-tlsv1", "no-tlsv1_1"}
    options = {"host": host, "realm": realm, "listen": listen, "denied_peers": denied}
    for given_options in ({**USUAL, "host": host}, {**USUAL, "realm": realm}, {**USUAL, **options}):
        try:
            server = read_turn(
                {**given_options, "tls_port": 5_349, "certificate_file": file, "private_key_file": "/key.pem"}
            )
        except ConfigError:
            continue
        assert {line.partition("=")[0] for line in coturn_configuration(server).splitlines()} <= names


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
        assert page.permit("127.0.0.1").code == 0
        assert page.permit("198.51.100.9").code == 0


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


def test_behind_nat_pages_are_told_the_public_address(tmp_path: Path) -> None:
    with (
        coturn(tmp_path, external_address="192.0.2.7") as natted,
        client(natted, credentials(natted.server, "n", now_us=now_us())) as page,
    ):
        address = struct.unpack("!BBHI", page.allocate().attributes[XOR_RELAYED])[3]
        assert socket.inet_ntoa(struct.pack("!I", address ^ COOKIE)) == "192.0.2.7"
        assert page.permit("192.0.2.7").code == 0  # whoever is relayed here, too
        assert page.permit("127.0.0.3").code == 403
