"""Listening: addresses, and errors that name the key."""

import asyncio
import os
import socket
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from acd.api import probe, serve
from acd.api.shapes import masked_name, masked_number
from acd.errors import ConfigError
from acd.runtime.clock import moment
from tests.api.harness import CONFIG, TOKENS, MemoryRouter


async def test_it_listens_until_it_is_closed(router: MemoryRouter) -> None:
    async with await serve(router, CONFIG) as server:
        (address,) = server.addresses
        assert address.startswith("http://127.0.0.1:")
        headers = {"Authorization": f"Bearer {TOKENS['system']}"}
        async with ClientSession() as http, http.get(f"{address}/v1/agents", headers=headers) as response:
            assert response.status == 200
    await server.close()
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_port_in_use_is_named_with_the_fix(router: MemoryRouter) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            await serve(router, msgspec.structs.replace(CONFIG, port=port))
        with pytest.raises(ConfigError) as tried:
            probe(msgspec.structs.replace(CONFIG, port=port))
    assert caught.value.problems == (
        f"api.port: 127.0.0.1:{port} is in use by another program; stop that program or choose another port",
    )
    assert tried.value.problems == caught.value.problems
    probe(msgspec.structs.replace(CONFIG, port=port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_a_host_that_is_not_ours_is_named(router: MemoryRouter, host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await serve(router, msgspec.structs.replace(CONFIG, host=host))
    assert caught.value.problems[0].startswith(f"api.host: {host} is not an address of this machine")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acd")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


def test_no_file_of_a_pair_is_waited_for(tmp_path: Path) -> None:
    """Neither for a passphrase, which OpenSSL asks the terminal for, nor for the other end of a pipe."""
    certificate, key = self_signed(tmp_path)
    config = msgspec.structs.replace(CONFIG, certificate=certificate, private_key=key)
    plain = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(ConfigError, match=r"api\.private_key: .*key\.pem is encrypted; take the passphrase off it"):
        probe(config)
    key.unlink()
    os.mkfifo(key)
    with pytest.raises(ConfigError, match=r"api\.private_key: .*key\.pem is no file; name a PEM file"):
        probe(config)


async def test_it_speaks_tls(router: MemoryRouter, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate))
    config = msgspec.structs.replace(CONFIG, certificate=certificate, private_key=key)
    async with await serve(router, config) as server, ClientSession() as http:
        (address,) = server.addresses
        assert address.startswith("https://127.0.0.1:")
        async with http.get(f"{address}/livez", ssl=trust) as response:
            assert response.status == 200


async def served_certificate(address: str) -> bytes:
    """What a new connection is shown, in DER."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, int(port), ssl=blind)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


async def test_a_renewed_certificate_is_shown_to_new_connections(router: MemoryRouter, tmp_path: Path) -> None:
    """And a pair that is none leaves the old one in force, whole."""
    certificate, key = self_signed(tmp_path)
    config = msgspec.structs.replace(CONFIG, certificate=certificate, private_key=key)
    async with await serve(router, config) as server:
        (address,) = server.addresses
        before = await served_certificate(address)
        trust = ssl.create_default_context(cafile=str(certificate))
        async with ClientSession() as http, http.get(f"{address}/livez", ssl=trust):
            old_key = key.read_bytes()
            self_signed(tmp_path)
            new = certificate.read_bytes()
            for half in (old_key, b"nonsense"):
                key_now = key.read_bytes()
                key.write_bytes(half)
                with pytest.raises(ConfigError, match=r"api\.certificate: .* are not a readable pair"):
                    await server.read_certificate_anew()
                assert await served_certificate(address) == before
                key.write_bytes(key_now)
            await server.read_certificate_anew()
            assert await served_certificate(address) == ssl.PEM_cert_to_DER_cert(new.decode()) != before
            async with http.get(f"{address}/livez", ssl=trust) as response:
                assert response.status == 200, "connections that are open stay"


def spoken(address: str, certificate: Path, version: ssl.TLSVersion) -> str | None:
    """The version that is agreed upon with a client that has this one only, and no scruples."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    old = ssl.create_default_context(cafile=str(certificate))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tried here
        old.minimum_version = old.maximum_version = version
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        old.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.version()


async def test_old_versions_of_tls_are_refused(router: MemoryRouter, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    async with await serve(router, msgspec.structs.replace(CONFIG, certificate=certificate, private_key=key)) as server:
        (address,) = server.addresses
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(spoken, address, certificate, ssl.TLSVersion.TLSv1_1)
        assert await asyncio.to_thread(spoken, address, certificate, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"


async def test_unreadable_tls_files_are_named(router: MemoryRouter, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for path in (broken, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError) as caught:
            await serve(router, msgspec.structs.replace(CONFIG, certificate=path, private_key=path))
        assert caught.value.problems[0].startswith("api.certificate: ")


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("13812341234", "138****1234"),
        ("+8613812341234", "+86138****1234"),
        ("62345678", "****5678"),
        ("95588", "****88"),
        ("110", "****"),
        ("", ""),
    ],
)
def test_numbers_are_masked(number: str, masked: str) -> None:
    assert masked_number(number) == masked


def test_names_are_masked() -> None:
    assert [masked_name(name) for name in ("王小明", "Al", "")] == ["王**", "A**", ""]


def test_moments_are_utc() -> None:
    assert moment(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"
