"""Calls between browsers that are recorded on the server: what is in the files, and what becomes of them.

The voices are tones, so that a file tells who said what, and when: what is hummed in a pause is of another height.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages.call.centre import Centre, begun, token_of
from tests.pages.call.recordings import (
    AGENT_HZ,
    CUSTOMER_HZ,
    PATIENCE_SECONDS,
    POLL_SECONDS,
    RECORDING,
    SECRET_HZ,
    Sound,
    hums,
    media_process,
    noted,
    tapes,
)
from tests.pages.call.sides import Agent, Customer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

Somebody = Callable[[], "BrowserContext"]
Meeting = Callable[[Centre], tuple[Customer, Agent, str]]

COPIES = "() => call.copy.pc?.connectionState === 'connected'"


@pytest.fixture(scope="module")
def legs(tmp_path_factory: pytest.TempPathFactory, shop_address: str) -> Iterator[Centre]:
    with begun(tmp_path_factory.mktemp("legs"), shop_address, RECORDING.format(mode="both-legs", hang="30s")) as found:
        yield found


@pytest.fixture
def meeting(somebody: Somebody, legs: Centre) -> Iterator[Meeting]:
    """A customer and an agent who hum, hear each other and are copied."""
    used: list[Centre] = []

    def meet(centre: Centre) -> tuple[Customer, Agent, str]:
        if centre is legs:
            used.append(centre)
        customer = Customer(hums(somebody(), CUSTOMER_HZ), centre).open()
        anna = Agent(hums(somebody(), AGENT_HZ), centre).open("anna").is_ready()
        customer.calls()
        interaction = anna.answers()
        customer.hears(again=False)
        anna.hears(again=False)
        return customer, anna, interaction

    yield meet
    for centre in used:
        for each in centre.ask("GET", "/v1/interactions")["interactions"]:
            centre.ask("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})
        centre.ask("POST", "/v1/agents/anna/sign-out")


def are_copied(*sides: Customer | Agent) -> None:
    for side in sides:
        side.until("() => call.recording === 'recording'")
        side.until(COPIES)


def taped(side: Customer | Agent) -> str:
    """Where its copy goes."""
    return str(side.do("() => call.copy.tape"))


def is_copied_anew(before: str, *sides: Customer | Agent) -> None:
    """By another connection, to another recording."""
    for side in sides:
        side.until("(tape) => call.copy.tape && call.copy.tape !== tape", before)
    are_copied(*sides)


def wait(side: Customer | Agent, seconds: float) -> None:
    """Until that much has been said since now, by the page's own clock of what it sends."""
    script = """async () => { for (const each of (await call.copy.pc.getStats()).values())
                  if (each.type === "outbound-rtp") return each.packetsSent; return 0; }"""
    before = side.do(script)
    side.until(f"async (least) => (await ({script})()) >= least", before + 50 * seconds)


def becomes(centre: Centre, **health: object) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not health.items() <= (found := centre.health()).items():
        assert time.monotonic() < deadline, found
        time.sleep(POLL_SECONDS)


def hang_up(customer: Customer, anna: Agent) -> None:
    customer.do("() => call.hangUp()")
    customer.is_in("over")
    anna.is_in("over")


def test_each_side_is_in_its_file_and_a_pause_is_in_none(legs: Centre, meeting: Meeting) -> None:
    customer, anna, interaction = meeting(legs)
    are_copied(customer, anna)
    wait(customer, 2)
    path = f"/v1/interactions/{interaction}/recording"
    assert legs.ask("GET", path)["state"] == "recording"
    paused = anna.do("(path) => ask('POST', `${path}/pause`, {})", path)
    assert (paused["status"], paused["body"]["state"]) == (200, "paused")
    for side in (customer, anna):
        side.do("(hertz) => says(hertz)", SECRET_HZ)
        side.until("() => call.recording === 'paused'")
    wait(customer, 2)
    customer.do("(hertz) => says(hertz)", CUSTOMER_HZ)
    anna.do("(hertz) => says(hertz)", AGENT_HZ)
    assert anna.do("(path) => ask('POST', `${path}/resume`, {})", path)["body"]["state"] == "recording"
    are_copied(customer, anna)
    wait(customer, 2)
    hang_up(customer, anna)
    found = noted(legs, interaction, "recording.1.caller.seconds", "recording.1.agent.seconds")
    assert set(found) == {f"recording.1.{side}{more}" for side in ("caller", "agent") for more in ("", ".seconds")}
    for leg, own, other in (("caller", CUSTOMER_HZ, AGENT_HZ), ("agent", AGENT_HZ, CUSTOMER_HZ)):
        name = found[f"recording.1.{leg}"]
        assert name.endswith(f"-{interaction}.1-{leg}.wav")
        sound = Sound(tapes(legs)[name])
        assert sound.heard(own) > 2
        assert sound.heard(other) == sound.heard(SECRET_HZ) == 0
        assert sound.seconds == pytest.approx(float(found[f"recording.1.{leg}.seconds"]), abs=0.11)
    assert customer.noted == anna.noted == []


def test_what_is_muted_or_held_is_in_no_file(legs: Centre, meeting: Meeting) -> None:
    customer, anna, interaction = meeting(legs)
    are_copied(customer, anna)
    wait(customer, 1)
    customer.do("(hertz) => { call.mute(true); says(hertz); }", SECRET_HZ)
    wait(customer, 1)
    anna.do("(hertz) => { call.hold(true); says(hertz); }", SECRET_HZ)
    wait(anna, 1)
    hang_up(customer, anna)
    found = noted(legs, interaction, "recording.1.caller.seconds")
    for side, own in (("caller", CUSTOMER_HZ), ("agent", AGENT_HZ)):
        sound = Sound(tapes(legs)[found[f"recording.1.{side}"]])
        assert sound.heard(own) > 0.5
        assert sound.heard(SECRET_HZ) == 0


def test_a_page_that_is_loaded_anew_and_another_microphone_are_copied(legs: Centre, meeting: Meeting) -> None:
    customer, anna, interaction = meeting(legs)
    are_copied(customer, anna)
    customer.open()
    assert customer.do("() => call.resume()") is True
    are_copied(customer)
    wait(customer, 1)
    customer.do(f"async () => {{ window.voice = {SECRET_HZ}; await call.useMicrophone('another'); }}")
    wait(customer, 2)
    hang_up(customer, anna)
    found = noted(legs, interaction, "recording.1.caller.seconds")
    sound = Sound(tapes(legs)[found["recording.1.caller"]])
    assert sound.heard(CUSTOMER_HZ) > 0.5
    assert sound.heard(SECRET_HZ) > 0.5


def test_the_media_process_is_killed_and_the_call_goes_on(legs: Centre, meeting: Meeting) -> None:
    customer, anna, interaction = meeting(legs)
    are_copied(customer, anna)
    wait(customer, 2)
    connection = "() => (window.kept ??= call.connection.pc) === call.connection.pc"
    assert customer.do(connection)
    before = taped(customer)
    os.kill(media_process(legs), signal.SIGKILL)
    customer.hears()
    anna.hears()
    is_copied_anew(before, customer, anna)
    assert customer.do(connection), "the two hear each other by the same connection all the time"
    wait(customer, 2)
    hang_up(customer, anna)
    ends = [f"recording.1.{each}.seconds" for each in ("caller", "agent", "2.caller", "2.agent")]
    found = noted(legs, interaction, *ends)
    assert found["recording.1.caller.state"] == found["recording.1.agent.state"] == "cut"
    assert not any(name.startswith("recording.1.2") and name.endswith(".state") for name in found)
    for name, own in (("1.caller", CUSTOMER_HZ), ("1.agent", AGENT_HZ), ("1.2.caller", CUSTOMER_HZ)):
        assert Sound(tapes(legs)[found[f"recording.{name}"]]).heard(own) > 0.5, name
    assert legs.health()["recorder_restarts"] >= 1


def test_the_engine_is_killed_and_what_was_said_has_its_name(legs: Centre, meeting: Meeting) -> None:
    customer, anna, interaction = meeting(legs)
    are_copied(customer, anna)
    wait(customer, 2)
    before = taped(customer)
    legs.begin_anew()
    customer.hears()
    assert anna.do("(token) => signIn(token)", token_of("anna")) == 201
    is_copied_anew(before, customer, anna)
    wait(customer, 1)
    hang_up(customer, anna)
    found = noted(legs, interaction, "recording.1.2.caller.seconds", "recording.1.2.agent.seconds")
    for name in ("1.caller", "1.2.caller"):
        assert Sound(tapes(legs)[found[f"recording.{name}"]]).heard(CUSTOMER_HZ) > 0.5, name
    assert not list((legs.folder / "tapes").glob("*.part"))


def test_both_are_in_one_file(tmp_path: Path, shop_address: str, meeting: Meeting) -> None:
    with begun(tmp_path, shop_address, RECORDING.format(mode="mixed", hang="6s")) as centre:
        customer, anna, interaction = meeting(centre)
        are_copied(customer, anna)
        wait(customer, 2)
        # It hangs; it is ended, and another one goes on.
        before = taped(customer)
        os.kill(media_process(centre), signal.SIGSTOP)
        is_copied_anew(before, customer, anna)
        customer.hears()
        wait(anna, 2)
        hang_up(customer, anna)
        found = noted(centre, interaction, "recording.1.seconds", "recording.1.2.seconds")
        for name in ("recording.1", "recording.1.2"):
            sound = Sound(tapes(centre)[found[name]])
            assert min(sound.heard(CUSTOMER_HZ), sound.heard(AGENT_HZ)) > 0.5, name


def test_a_folder_that_cannot_be_written_stops_no_call(tmp_path: Path, shop_address: str, meeting: Meeting) -> None:
    (tmp_path / "tapes").write_text("a file where the folder should be")
    with begun(tmp_path, shop_address, RECORDING.format(mode="mixed", hang="30s")) as centre:
        customer, anna, interaction = meeting(centre)
        becomes(centre, recordings_failed=1)
        customer.hears()
        assert customer.do("() => call.recording") == "off"
        answer = centre.ask("GET", f"/v1/interactions/{interaction}/recording")
        assert answer == {"state": "off", "recordings": {}}
        hang_up(customer, anna)


def test_a_disk_that_takes_no_more_stops_no_call(tmp_path: Path, shop_address: str, meeting: Meeting) -> None:
    with begun(tmp_path, shop_address, RECORDING.format(mode="mixed", hang="30s")) as centre:
        customer, anna, interaction = meeting(centre)
        are_copied(customer, anna)
        resource.prlimit(media_process(centre), resource.RLIMIT_FSIZE, (100_000, 100_000))
        customer.until("() => call.recording === 'off'")
        anna.until("() => call.recording === 'off'")
        customer.hears()
        found = noted(centre, interaction, "recording.1.seconds")
        assert found["recording.1.state"] == "failed"
        assert Sound(tapes(centre)[found["recording.1"]]).heard(CUSTOMER_HZ) > 0.2
        becomes(centre, recordings_failed=1, recordings=0)
        hang_up(customer, anna)
