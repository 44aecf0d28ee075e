"""A supervisor, a customer and an agent who have nothing but a real coturn between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.adapters.webrtc.coturn import SECRET, Coturn, coturn
from tests.pages.call.board_ear import BOSS, MORE, EarScreen
from tests.pages.call.centre import Centre, begun
from tests.pages.call.test_supervised import boss, hears_boss
from tests.served import write_secret

if TYPE_CHECKING:
    from tests.pages.call.test_supervised import Talking

__all__ = ["boss"]

PATHS = """async () => {
  const found = [];
  for (const pc of window.connections) {
    if (pc.connectionState === "closed") continue;
    const report = [...(await pc.getStats()).values()];
    const transport = report.find((each) => each.type === "transport" && each.selectedCandidatePairId);
    const pair = report.find((each) => each.id === transport?.selectedCandidatePairId);
    found.push(report.find((each) => each.id === pair?.localCandidateId)?.candidateType);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn(tmp_path_factory.mktemp("coturn"), allowed_peers=["127.0.0.0/8"]) as found:
        yield found


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, shop_address: str, relay: Coturn) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("relayed")
    for name, text in (("turn.secret", SECRET), ("boss.token", BOSS), ("deaf.token", f"{BOSS}-deaf")):
        write_secret(folder, name, text)
    turn = f'host = "127.0.0.1", port = {relay.server.port}, realm = "example.org", secret_file = "turn.secret"'
    with begun(folder, shop_address, f"relay_only = true\nturn = {{ {turn} }}\n{MORE}") as found:
        yield found


def test_all_legs_go_through_the_relay(talking: Talking, boss: EarScreen) -> None:
    customer, anna, _ = talking
    boss.does("Join in")
    for side in (customer, anna):
        hears_boss(side)
    boss.hears_both()
    assert boss.page.evaluate(PATHS) == ["relay", "relay"]
