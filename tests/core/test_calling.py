"""What the run beside the naive model shows in passing only: who is called when, and what is said of it."""

import acd.core.messages as m
from acd.core import invariants, limits
from acd.core.explain import WitnessEngine

SECOND = 1_000_000


def engine_with(**settings: int) -> WitnessEngine:
    queue = m.QueueSettings("q", callback_first="customer", callback_channel="pbx", **settings)  # type: ignore[arg-type]
    engine = WitnessEngine()
    config = m.CoreSettings((m.AgentSettings("anna"), m.AgentSettings("ben")), (queue,))
    assert engine.apply(m.ApplyConfig("config", config), 0).refusal is None
    return engine


def wants(engine: WitnessEngine, name: str, now_us: int) -> m.Outcome:
    return engine.apply(
        m.EnqueueInteraction(f"ask-{name}", name, "voice", "q", customer=f"of-{name}", kind="callback"), now_us
    )


def called(outcome: m.Outcome) -> list[str]:
    return [event.interaction_id for event in outcome.events if isinstance(event, m.CustomerCalled)]


def test_so_many_are_called_at_once_and_the_next_when_one_has_answered() -> None:
    engine = engine_with(callback_ahead=2)
    for number in range(4):
        assert called(wants(engine, f"i{number}", number)) == []
    assert called(engine.apply(m.SignInAgent("in", "anna", ready=True), 10)) == ["i0", "i1"]
    invariants.check(engine)
    restored = WitnessEngine.from_state(engine.state())
    for each in (engine, restored):
        reached = each.apply(m.NoteReached("there", "i1", 1), 11)
        offered = [event.interaction_id for event in reached.events if isinstance(event, m.OfferMade)]
        # Anna has somebody, so that there is nobody for whom i2 could be called.
        assert (called(reached), offered) == ([], ["i1"])
        assert called(each.apply(m.SignInAgent("too", "ben", ready=True), 12)) == ["i2"]
        invariants.check(each)


def test_no_agent_is_kept_for_a_customer_who_is_called() -> None:
    engine = engine_with()
    wants(engine, "i0", 1)
    engine.apply(m.SignInAgent("in", "anna", ready=True), 2)
    live = engine.apply(m.EnqueueInteraction("call", "caller", "voice", "q"), 3)
    assert [event.agent_id for event in live.events if isinstance(event, m.OfferMade)] == ["anna"]


def test_what_is_said_of_those_who_are_called_and_of_those_who_wait_for_that() -> None:
    engine = engine_with(callback_reach_us=60 * SECOND)
    wants(engine, "i0", 1)
    wants(engine, "i1", 2)
    engine.apply(m.SignInAgent("in", "anna", ready=True), 3)
    first, second = engine.waiting("i0"), engine.waiting("i1")
    assert first is not None
    assert (first.state, first.position, first.due_us) == ("reaching", 0, 3 + 60 * SECOND)
    assert second is not None
    (anna,) = (each for each in second.candidates if each.id == "anna")
    assert [(each.clause, each.detail) for each in anna.obstacles] == [
        ("turn", "its customer comes first: 1 of the queue are being called, and no more at once")
    ]


def test_a_queue_that_begins_to_call_customers_first_calls_nobody_who_talks() -> None:
    """Offered when the configuration changes, then accepted, then lost by the agent: nobody is called again."""
    engine = WitnessEngine()
    agents = (m.AgentSettings("anna"),)
    engine.apply(m.ApplyConfig("before", m.CoreSettings(agents, (m.QueueSettings("q", callback_channel="pbx"),))), 0)
    engine.apply(m.SignInAgent("in", "anna", ready=True), 1)
    wants(engine, "i0", 2)
    queue = m.QueueSettings("q", callback_channel="pbx", callback_first="customer", retry_after_us=0)
    engine.apply(m.ApplyConfig("after", m.CoreSettings(agents, (queue,))), 3)
    engine.apply(m.AcceptOffer("accept", "i0.1", "anna"), 4)
    invariants.check(engine)
    lost = engine.apply(m.RequeueInteraction("lost", "i0"), 5)
    assert called(lost) == []
    again = engine.apply(m.Tick("tick"), 6)
    assert [event.agent_id for event in again.events if isinstance(event, m.OfferMade)] == ["anna"]
    invariants.check(engine)


def test_nobody_can_be_called_for_so_long_that_it_counts() -> None:
    """Tried less and less often, and after so many times an attempt like any other: nothing goes on for ever."""
    engine = engine_with(callback_attempts=2, callback_retry_us=60 * SECOND)
    wants(engine, "i0", 0)
    now_us, pauses = 1, []
    engine.apply(m.SignInAgent("in", "anna", ready=True), now_us)
    for number in range(limits.MAX_UNCALLED):
        failed = engine.apply(m.FailCallback(f"fail-{number}", "i0", "unreachable", 1, called=False), now_us)
        (put_off,) = failed.events
        assert isinstance(put_off, m.InteractionScheduled)
        assert (put_off.attempts, put_off.uncalled) == (0, number + 1)
        pauses.append((put_off.not_before_us - now_us) // SECOND)
        now_us = put_off.not_before_us
        engine = WitnessEngine.from_state(engine.state())
        assert called(engine.apply(m.Tick(f"tick-{number}"), now_us)) == ["i0"]
        invariants.check(engine)
    assert pauses == [10, 20, 40, 80, 160, 320, *(600 for _ in range(limits.MAX_UNCALLED - 6))]
    (counts,) = engine.apply(m.FailCallback("fail", "i0", "unreachable", 1, called=False), now_us).events
    assert counts == m.InteractionScheduled("i0", now_us + 60 * SECOND, 1)
    waiting = engine.waiting("i0")
    assert waiting is not None
    assert waiting.uncalled == 0


def test_a_callback_that_no_channel_calls_is_the_agents_to_call() -> None:
    """As for a chat in a queue whose channel calls telephones."""
    engine = engine_with()
    engine.apply(m.ApplyConfig("chats", settings_for_voice()), 1)
    engine.apply(m.EnqueueInteraction("ask", "c0", "chat", "q", customer="chen", kind="callback"), 2)
    outcome = engine.apply(m.SignInAgent("in", "anna", ready=True), 3)
    assert called(outcome) == []
    assert [event.interaction_id for event in outcome.events if isinstance(event, m.OfferMade)] == ["c0"]


def settings_for_voice() -> m.CoreSettings:
    queue = m.QueueSettings("q", callback_first="customer", callback_channel="pbx", callback_medium="voice")
    return m.CoreSettings((m.AgentSettings("anna"),), (queue,))
