"""A customer's page and the desk that find no direct way to each other: all of it goes through a real coturn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.adapters.webrtc.coturn import SECRET, coturn
from tests.pages.call.centre import Centre, begun
from tests.pages.call.desk_screen import CONNECTED_CALL, CallScreen
from tests.pages.call.sides import Customer
from tests.served import write_secret

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

HERE = "127.0.0.0/8"


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, shop_address: str) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("relayed")
    write_secret(folder, "turn.secret", f"{SECRET}\n")
    with coturn(tmp_path_factory.mktemp("coturn"), allowed_peers=[HERE]) as relay:
        turn = f'host = "127.0.0.1", port = {relay.server.port}, realm = "example.org", secret_file = "turn.secret"'
        with begun(folder, shop_address, f"relay_only = true\nturn = {{ {turn} }}") as found:
            yield found


def test_the_two_hear_each_other_through_the_relay(somebody: Somebody, customer: Customer, centre: Centre) -> None:
    desk = CallScreen(somebody(), centre).open().begin("anna")
    customer.calls()
    desk.talks()
    customer.hears(again=False)
    assert customer.hears()["path"] == desk.hears()["path"] == "relay"
    # After an ICE restart, and after a reload, too.
    before = desk.heard()["ufrag"]
    customer.do("() => call.restart()")
    desk.page.wait_for_function(
        "(before) => !connections.at(-1).currentLocalDescription.sdp.includes(before)", arg=before
    )
    assert customer.hears()["path"] == desk.hears()["path"] == "relay"
    desk.page.reload()
    desk.call_is(CONNECTED_CALL)
    assert customer.hears()["path"] == desk.hears()["path"] == "relay"
    desk.call_button("Hang up").click()
    customer.is_in("over")
    desk.check()
