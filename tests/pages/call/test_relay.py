"""Calls between browsers that find no direct way: all of it goes through a real coturn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.webrtc.coturn import SECRET, Coturn, coturn
from tests.pages.call.centre import Centre, begun
from tests.pages.call.sides import Agent, Customer
from tests.served import write_secret

HERE = "127.0.0.0/8"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn(tmp_path_factory.mktemp("coturn"), allowed_peers=[HERE]) as found:
        yield found


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, shop_address: str, relay: Coturn) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("relayed")
    write_secret(folder, "turn.secret", f"{SECRET}\n")
    turn = f'host = "127.0.0.1", port = {relay.server.port}, realm = "example.org", secret_file = "turn.secret"'
    with begun(folder, shop_address, f"relay_only = true\nturn = {{ {turn} }}") as found:
        yield found


def test_sound_goes_through_the_relay_and_does_so_after_an_ice_restart(talking: tuple[Customer, Agent, str]) -> None:
    customer, anna, _ = talking
    assert customer.hears()["path"] == anna.hears()["path"] == "relay"
    ufrag = "() => /a=ice-ufrag:(.*)/.exec(call.connection.pc.currentLocalDescription.sdp)[1]"
    before = customer.do(ufrag)
    customer.do("() => call.restart()")
    customer.until(f"(before) => ({ufrag})() !== before", before)
    assert customer.hears()["path"] == anna.hears()["path"] == "relay"
    assert customer.noted == anna.noted == []
