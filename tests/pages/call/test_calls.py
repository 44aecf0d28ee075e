"""Calls between two browsers: sound both ways, and what people do to them."""

from __future__ import annotations

import re

from tests.pages.call.centre import Centre
from tests.pages.call.sides import Agent, Customer

Talking = tuple[Customer, Agent, str]

JOIN = """async (interaction) => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => violations.push(event.blockedURI));
  const { AgentCall } = await import("/pages/call/agent.js");
  window.events = [];
  window.call = new AgentCall({ agent: "anna", interaction, audio: document.createElement("audio") });
  await window.call.join();
}"""


def test_the_two_hear_each_other_and_the_customer_hangs_up(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    assert customer.hears()["totalAudioEnergy"] > 0
    assert anna.hears()["totalAudioEnergy"] > 0
    assert customer.is_told("state", state="talking")["agent"] == "Anna W."
    assert [each["interaction_id"] for each in anna.calls_in_hand()] == [interaction]
    customer.do("() => call.hangUp()")
    customer.is_in("over")
    anna.is_in("over")
    assert customer.is_told("state", state="over")["reason"] == "left"
    assert centre.ask("GET", f"/v1/interactions/{interaction}")["state"] == "completed"
    assert customer.noted == anna.noted == []


def test_the_agent_hangs_up(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    anna.do("() => call.hangUp()")
    customer.is_in("over")
    anna.is_in("over")
    assert centre.ask("GET", f"/v1/interactions/{interaction}")["state"] == "completed"
    assert customer.do("() => call.own.audio") is None, "the microphone is let go"


def test_who_waits_may_leave_and_call_again(customer: Customer, centre: Centre) -> None:
    customer.calls(queue="sales", name="Chen", attributes={"topic": "invoice"})
    place = customer.is_told("place", position=1)
    assert place["position"] == 1
    customer.do("() => call.hangUp()")
    customer.is_in("over")
    assert centre.ask("GET", "/v1/interactions")["interactions"] == []
    assert customer.do("() => begin({queue: 'support'})") == "unknown-queue", "not listed in the channel's queues"
    assert customer.calls()
    customer.do("() => call.hangUp()")
    customer.is_in("over")


def test_mute_and_hold(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    anna.do("() => call.mute(true)")
    assert customer.is_told("muted", kind="audio", muted=True)
    customer.do("() => call.mute(true)")
    assert anna.is_told("muted", kind="audio", muted=True)
    customer.do("() => call.mute(false)")
    assert anna.is_told("muted", kind="audio", muted=False)
    anna.do("() => call.hold(true)")
    assert customer.is_told("held", held=True)
    assert customer.do("() => [call.audio.muted, call.own.audio.enabled]") == [True, False]
    work = f"/v1/agents/anna/work/{interaction}"
    anna.until("async (path) => (await ask('GET', '/v1/agents/anna')).body.work?.[0]?.state === 'held'")
    # And as the desk says it, over the API.
    centre.ask("POST", f"{work}/resume")
    assert customer.is_told("held", held=False)
    assert anna.is_told("held", held=False)
    centre.ask("POST", f"{work}/hold")
    anna.until("() => call.held")
    customer.until("() => call.held")
    anna.do("() => call.hold(false)")
    customer.until("() => !call.held")
    anna.hears()


def test_a_screen_is_shown_beside_the_camera_and_taken_back(talking: Talking) -> None:
    """Each side shows its own; the other is told which is which, and the sound goes on."""
    customer, anna, _ = talking
    live = "(kind) => events.findLast(([name, said]) => name === 'video' && said.kind === kind)?.[1].track?.readyState"
    moving = """async () => [...(await call.connection.pc.getStats()).values()].filter((each) =>
                  each.type === "inbound-rtp" && each.kind === "video" && each.framesReceived > 0).length"""
    gone = "() => events.findLast(([name, said]) => name === 'video' && said.kind === 'screen')[1].track === null"
    for shows, sees in ((customer, anna), (anna, customer)):
        shows.do("() => call.sendScreen()")
        sees.until(f"(kind) => ({live})(kind) === 'live'", "screen")
        sees.until(f"async () => (await ({moving})()) === 1")
        shows.do("() => call.sendCamera()")
        sees.until(f"(kind) => ({live})(kind) === 'live'", "video")
        sees.until(f"async () => (await ({moving})()) === 2")
        shows.do("() => call.stopSending('screen')")
        sees.until(gone)
        assert sees.do(f"(kind) => ({live})(kind)", "video") == "live"
        shows.do("() => call.stopSending('video')")
        # Who ends it in the browser's own bar ends it here, too.
        shows.do("() => call.sendScreen()")
        sees.until(f"(kind) => ({live})(kind) === 'live'", "screen")
        shows.do("() => call.own.screen.dispatchEvent(new Event('ended'))")
        sees.until(gone)
        sees.hears()
        shows.hears()
    assert customer.noted == anna.noted == []


def test_a_camera_comes_and_goes(talking: Talking) -> None:
    customer, anna, _ = talking
    customer.do("() => call.sendCamera()")
    shows = "(kind) => events.findLast(([name, said]) => name === 'video' && said.kind === kind)?.[1].track?.readyState"
    anna.until(f"(kind) => ({shows})(kind) === 'live'", "video")
    frames = """async () => [...(await call.connection.pc.getStats()).values()].filter((each) =>
                  each.type === "inbound-rtp" && each.kind === "video" && each.framesReceived > 0).length"""
    anna.until(frames)
    anna.do("() => call.sendCamera()")
    customer.until(frames)
    customer.do("() => call.stopSending('video')")
    anna.until("() => events.findLast(([name]) => name === 'video')[1].track === null")
    customer.hears()
    anna.hears()
    assert customer.noted == anna.noted == []


def test_a_camera_that_goes_before_its_first_picture_is_never_shown(talking: Talking) -> None:
    """Of such a track no browser says that it has gone."""
    _, anna, _ = talking
    videos = "() => events.filter(([name]) => name === 'video').map(([, said]) => Boolean(said.track))"
    before = anna.do(videos)
    anna.do("""() => { window.track = Object.assign(new EventTarget(), { muted: true, readyState: "live" });
                       call.play("video", track); }""")
    assert anna.do(videos) == before
    anna.do("() => { track.muted = false; track.dispatchEvent(new Event('unmute')); }")
    assert anna.do(videos) == [*before, True]


def test_a_page_under_the_desk_s_policy_takes_part(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    anna.page.goto(f"{centre.address}/desk")
    anna.do(JOIN, interaction)
    anna.hears(again=False)
    customer.hears()
    assert anna.do("() => violations") == []


def test_how_well_they_hear_each_other_is_told(talking: Talking, centre: Centre) -> None:
    customer, anna, interaction = talking
    anna.until("""async () => { const [{ heard }] = (await ask("GET", "/v1/agents/anna/calls")).body.calls;
                    return heard.length === 2 && heard.every((each) => each.score > 1); }""")
    anna.do("() => call.hangUp()")
    customer.is_in("over")
    path = f"/v1/interactions/{interaction}"
    # The engine is told a moment after the end.
    anna.until("async (path) => (await ask('GET', path)).body.attributes['call.score.customer']", path)
    found = centre.ask("GET", path)["attributes"]
    assert {f"call.{figure}.{side}" for figure in ("score", "loss", "jitter") for side in ("customer", "agent")} <= {
        *found
    }
    assert 1 <= float(found["call.score.agent"]) <= 4.5
    metrics = centre.metrics()
    count = r'acd_browser_call_score_count\{channel_instance="talk",domain="[^"]*",side="(\w+)"\} (\S+)'
    assert {side for side, number in re.findall(count, metrics) if float(number) > 0} == {"customer", "agent"}
    assert re.search(r'acd_browser_talks_total\{.*reason="hung-up_agent"\}', metrics)
