"""What the run beside the naive model shows in passing only: that callbacks starve nobody, and keep their tokens."""

import acd.core.messages as m
from acd.core import invariants, limits
from acd.core.engine import Engine

SECOND = 1_000_000


def engine_with(queue: m.QueueSettings) -> Engine:
    engine = Engine()
    outcome = engine.apply(m.ApplyConfig("config", m.CoreSettings((m.AgentSettings("anna"),), (queue,))), 0)
    assert outcome.refusal is None
    return engine


def offered(outcome: m.Outcome) -> list[m.OfferMade]:
    return [event for event in outcome.events if isinstance(event, m.OfferMade)]


def test_a_live_caller_waits_for_those_who_were_there_and_for_nobody_else() -> None:
    """Nobody ever answers a callback, each comes again at once, and new ones keep coming: all behind the caller."""
    queue = m.QueueSettings("q", callback_attempts=limits.MAX_ATTEMPTS, callback_retry_us=0)
    engine = engine_with(queue)
    there = 5
    for number in range(there):
        engine.apply(
            m.EnqueueInteraction(f"c{number}", f"i{number}", "voice", "q", customer=f"p{number}", kind="callback"), 1
        )
    engine.apply(m.EnqueueInteraction("live", "caller", "voice", "q"), 2)
    offer = offered(engine.apply(m.SignInAgent("in", "anna", ready=True), 3))[0]
    called = 0
    for now_us in range(4, 200):
        if offer.interaction_id == "caller":
            break
        called += 1
        engine.apply(m.AcceptOffer(f"accept-{now_us}", offer.offer_id, "anna"), now_us)
        more = m.EnqueueInteraction(
            f"more-{now_us}", f"m{now_us}", "voice", "q", customer=f"m{now_us}", kind="callback"
        )
        engine.apply(more, now_us)
        failed = engine.apply(m.FailCallback(f"fail-{now_us}", offer.interaction_id), now_us)
        ticked = engine.apply(m.Tick(f"tick-{now_us}"), now_us)
        (offer,) = (*offered(failed), *offered(ticked))
        invariants.check(engine)
    assert offer.interaction_id == "caller"
    assert called == there


def test_a_customer_has_one_callback_in_a_queue_also_after_a_restart() -> None:
    engine = engine_with(m.QueueSettings("q"))
    first = m.EnqueueInteraction("c1", "i1", "voice", "q", customer="chen", kind="callback")
    assert engine.apply(first, 1).refusal is None
    for each in (engine, Engine.from_state(engine.state())):
        again = each.apply(m.EnqueueInteraction("c2", "i2", "voice", "q", customer="chen", kind="callback"), 2).refusal
        assert again is not None
        assert (again.code, again.detail) == (
            "duplicate-callback",
            "the customer has a callback in queue q already: i1",
        )
        assert each.apply(m.EnqueueInteraction("c3", "i3", "voice", "q", kind="callback"), 3).refusal is None
        assert each.apply(m.CancelInteraction("c4", "i1"), 4).refusal is None
        late = m.EnqueueInteraction("c5", "i5", "voice", "q", customer="chen", kind="callback", not_before_us=9)
        assert each.apply(late, 5).refusal is None
        assert each.next_deadline() == 9
        invariants.check(each)


def test_callbacks_have_their_queues_channel_unless_they_name_one() -> None:
    queue = m.QueueSettings("q", max_wait_us=SECOND, when_overdue=m.Action("callback"), callback_channel="pbx")
    engine = engine_with(queue)
    engine.apply(m.EnqueueInteraction("c1", "asked", "voice", "q", customer="a", kind="callback"), 1)
    engine.apply(m.EnqueueInteraction("c2", "named", "voice", "q", customer="b", kind="callback", instance="pbx2"), 2)
    engine.apply(m.EnqueueInteraction("c3", "later", "voice", "q", customer="c", not_before_us=9 * SECOND), 3)
    engine.apply(m.EnqueueInteraction("c4", "live", "voice", "q", customer="d", instance="pbx9"), 4)
    engine.apply(m.Tick("tick"), 4 + SECOND)
    instances = {each.request.interaction_id: each.request.instance for each in engine.state().interactions}
    assert instances == {"asked": "pbx", "named": "pbx2", "later": "", "live~cb": "pbx"}


def test_a_telephone_calls_back_whoever_called_and_nobody_who_wrote() -> None:
    """Agents are offered a chat's callback with no channel, as in a queue that has none; a telephone's id is free."""
    callback = m.Action("callback")
    queue = m.QueueSettings(
        "q", max_wait_us=SECOND, when_overdue=callback, callback_channel="pbx", callback_medium="voice"
    )
    engine = engine_with(queue)
    engine.apply(m.EnqueueInteraction("c1", "chat", "chat", "q", customer="a", instance="webchat"), 1)
    engine.apply(m.EnqueueInteraction("c2", "call", "voice", "q", customer="b", instance="pbx"), 2)
    engine.apply(m.EnqueueInteraction("c3", "asked", "mail", "q", customer="c", kind="callback"), 3)
    engine.apply(m.EnqueueInteraction("c4", "named", "mail", "q", customer="d", kind="callback", instance="pbx"), 4)
    engine.apply(m.Tick("tick"), 4 + SECOND)
    invariants.check(engine)
    instances = {each.request.interaction_id: each.request.instance for each in engine.state().interactions}
    assert instances == {"chat~cb": "", "call~cb": "pbx", "asked": "", "named": "pbx"}


def test_who_is_about_to_be_answered_may_still_want_to_be_called_back() -> None:
    """What rings stops; the agent is free for the callback, which has the place."""
    engine = engine_with(m.QueueSettings("q", callback_channel="pbx"))
    engine.apply(m.SignInAgent("in", "anna", ready=True), 1)
    engine.apply(m.EnqueueInteraction("c1", "i1", "voice", "q", customer="chen", instance="pbx"), 2)
    outcome = engine.apply(m.CallBackInteraction("c2", "i1"), 3)
    invariants.check(engine)
    kinds = [type(each) for each in outcome.effects]
    assert kinds == [m.RevokeOffer, m.ReleaseInteraction, m.OfferInteraction]
    (offer,) = offered(outcome)
    assert (offer.interaction_id, offer.agent_id) == ("i1~cb", "anna")
    engine.apply(m.AcceptOffer("c3", offer.offer_id, "anna"), 4)
    late = engine.apply(m.CallBackInteraction("c4", "i1~cb"), 5).refusal
    assert late is not None
    assert late.code == "interaction-active"


def test_an_id_that_leaves_no_room_for_a_callbacks_gives_none() -> None:
    engine = engine_with(m.QueueSettings("q", when_closed=m.Action("callback")))
    engine.apply(m.CloseQueue("close", "q"), 1)
    longest = limits.MAX_INTERACTION_ID
    for length, reason in (
        (longest, "callback-impossible"),
        (longest - 2, "callback-impossible"),
        (longest - 3, "callback"),
    ):
        name = "x" * length
        events = engine.apply(m.EnqueueInteraction(f"c{length}", name, "voice", "q", customer=f"p{length}"), 2).events
        assert [event.reason for event in events if isinstance(event, m.InteractionOverflowed)] == [reason]
    (callback,) = engine.state().interactions
    assert len(callback.request.interaction_id) == longest
    assert engine.apply(m.CancelInteraction("cancel", callback.request.interaction_id), 3).refusal is None
