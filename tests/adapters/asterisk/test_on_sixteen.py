"""The main tests of the adapter once more, on Asterisk 16, which many a FreePBX and Issabel still runs.

What 16 lacks of what this adapter uses: transfers by telephones cannot be left to the engine (`by_phone = "engine"`,
which 20.13 begins with), Asterisk carries them out; tests that ask for more are left to 22. It is slower in one thing,
which cannot be mended from here: a channel in Stasis looks for what ARI wants of it when a packet of audio comes, or
after 200 ms (later releases are told at once). A telephone sends audio every 20 ms; those of the lab send none, so that
to be joined takes up to 200 ms here. Tests whose agents talk for less than that are left to 22. Its lab keeps no record
of channels (`Pbx.record`).
"""

import pytest

from acd_asterisk.lab import LabUnavailable, Pbx, Provisioned, provision
from tests.adapters.asterisk.doctor.test_examination import (
    test_a_healthy_pbx,
    test_a_trunk_with_another_codec,
    test_beside_a_running_engine,
    test_missing_modules,
    test_recordings,
    test_wrong_credentials,
)
from tests.adapters.asterisk.menus.test_keys import test_by_rfc_4733
from tests.adapters.asterisk.menus.test_service import test_two_menus_and_a_language
from tests.adapters.asterisk.recording.test_recorder import (
    test_an_agent_pauses_by_a_code,
    test_both_are_in_one_file_that_the_interaction_knows,
    test_each_side_has_its_own_file,
    test_what_is_said_during_a_pause_is_nowhere,
)
from tests.adapters.asterisk.test_answering import test_the_dialplan_begins_early_media
from tests.adapters.asterisk.test_briefing import test_agent_hears_the_queue
from tests.adapters.asterisk.test_broadcast import test_two_answer_at_once_and_one_talks
from tests.adapters.asterisk.test_callbacks import test_first_the_agent_then_the_customer
from tests.adapters.asterisk.test_callbacks_customer_first import (
    test_a_customer_who_does_not_want_to_wait,
    test_first_the_customer_then_the_agent,
    test_it_rings_longer_than_anybody_waits,
    test_nobody_is_called_before_an_agent_is_there,
    test_nobody_wants_it_any_more,
)
from tests.adapters.asterisk.test_callbacks_customer_first_failures import test_who_has_answered_waits_on
from tests.adapters.asterisk.test_callbacks_either_first import (
    test_nobody_answers as test_the_customer_is_not_reached,
)
from tests.adapters.asterisk.test_callbacks_either_first import (
    test_the_customer_refuses_meanwhile,
    test_while_it_rings,
)
from tests.adapters.asterisk.test_callbacks_transferred import (
    test_who_comes_back_is_a_caller,
    test_who_has_gone_on_is_left_alone,
    test_who_is_parked_is_left_alone,
)
from tests.adapters.asterisk.test_codes import test_shared_telephone
from tests.adapters.asterisk.test_confirming import test_a_voicemail_never_gets_the_call, test_the_key_accepts
from tests.adapters.asterisk.test_connection import (
    test_a_dead_line_is_noticed,
    test_asterisk_is_killed,
    test_what_happened_while_the_line_was_cut,
)
from tests.adapters.asterisk.test_consult import test_transfer_after_asking
from tests.adapters.asterisk.test_contract import test_contract, test_contract_of_consults
from tests.adapters.asterisk.test_dispositions import test_the_key_is_the_code
from tests.adapters.asterisk.test_endings import (
    test_agent_cannot_be_had,
    test_caller_goes_on_when_the_dialplan_says_so,
    test_cancelled_caller_goes_on_in_the_dialplan,
    test_nobody_answers,
)
from tests.adapters.asterisk.test_engine_away import (
    test_callers_whom_nobody_noticed,
    test_dead_mans_switch,
    test_engine_dies_with_calls_in_every_state,
    test_fallback_without_a_controller,
    test_what_happened_while_the_engine_was_away,
)
from tests.adapters.asterisk.test_holding import test_hold_and_resume_at_the_desk
from tests.adapters.asterisk.test_lamps import test_a_telephone_is_told
from tests.adapters.asterisk.test_one_call import test_one_call
from tests.adapters.asterisk.test_parking import (
    test_an_engine_that_dies_meanwhile,
    test_attended,
    test_out_of_a_conference,
    test_who_is_fetched_by_nobody_comes_back,
    test_who_is_fetched_talks_with_whoever_does_that,
)
from tests.adapters.asterisk.test_passing_headers import test_headers_in_and_out
from tests.adapters.asterisk.test_passing_variables import test_after_the_agent
from tests.adapters.asterisk.test_patrol import test_what_got_lost_is_found_while_a_call_goes_on
from tests.adapters.asterisk.test_queue_log import test_both_tell_the_same_of_members
from tests.adapters.asterisk.test_ringing import test_headers_and_names
from tests.adapters.asterisk.test_safety import (
    test_deadlines_and_the_breaker,
    test_what_a_dead_engine_has_left_is_collected,
)
from tests.adapters.asterisk.test_supervision import test_listen_whisper_barge_and_leave
from tests.adapters.asterisk.test_survey import test_the_answers_are_noted_and_the_caller_is_let_go
from tests.adapters.asterisk.test_transfers import test_attended_by_asterisk, test_blind_by_asterisk
from tests.adapters.asterisk.test_variables import test_variables_arrive
from tests.adapters.asterisk.test_vetoes import (
    test_a_personal_call_makes_an_agent_busy_until_it_ends,
    test_a_telephone_that_is_not_registered_is_offered_nothing,
    test_looking_heals_what_no_event_tells,
)
from tests.adapters.asterisk.test_waiting import test_greeting_then_positions_and_announcements
from tests.missing import missing_tool

__all__ = [
    "test_a_customer_who_does_not_want_to_wait",
    "test_a_dead_line_is_noticed",
    "test_a_healthy_pbx",
    "test_a_personal_call_makes_an_agent_busy_until_it_ends",
    "test_a_telephone_is_told",
    "test_a_telephone_that_is_not_registered_is_offered_nothing",
    "test_a_trunk_with_another_codec",
    "test_a_voicemail_never_gets_the_call",
    "test_after_the_agent",
    "test_agent_cannot_be_had",
    "test_agent_hears_the_queue",
    "test_an_agent_pauses_by_a_code",
    "test_an_engine_that_dies_meanwhile",
    "test_asterisk_is_killed",
    "test_attended",
    "test_attended_by_asterisk",
    "test_beside_a_running_engine",
    "test_blind_by_asterisk",
    "test_both_are_in_one_file_that_the_interaction_knows",
    "test_both_tell_the_same_of_members",
    "test_by_rfc_4733",
    "test_caller_goes_on_when_the_dialplan_says_so",
    "test_callers_whom_nobody_noticed",
    "test_cancelled_caller_goes_on_in_the_dialplan",
    "test_contract",
    "test_contract_of_consults",
    "test_dead_mans_switch",
    "test_deadlines_and_the_breaker",
    "test_each_side_has_its_own_file",
    "test_engine_dies_with_calls_in_every_state",
    "test_fallback_without_a_controller",
    "test_first_the_agent_then_the_customer",
    "test_first_the_customer_then_the_agent",
    "test_greeting_then_positions_and_announcements",
    "test_headers_and_names",
    "test_headers_in_and_out",
    "test_hold_and_resume_at_the_desk",
    "test_it_rings_longer_than_anybody_waits",
    "test_listen_whisper_barge_and_leave",
    "test_looking_heals_what_no_event_tells",
    "test_missing_modules",
    "test_nobody_answers",
    "test_nobody_is_called_before_an_agent_is_there",
    "test_nobody_wants_it_any_more",
    "test_one_call",
    "test_out_of_a_conference",
    "test_recordings",
    "test_shared_telephone",
    "test_the_answers_are_noted_and_the_caller_is_let_go",
    "test_the_customer_is_not_reached",
    "test_the_customer_refuses_meanwhile",
    "test_the_dialplan_begins_early_media",
    "test_the_key_accepts",
    "test_the_key_is_the_code",
    "test_transfer_after_asking",
    "test_two_answer_at_once_and_one_talks",
    "test_two_menus_and_a_language",
    "test_variables_arrive",
    "test_what_a_dead_engine_has_left_is_collected",
    "test_what_got_lost_is_found_while_a_call_goes_on",
    "test_what_happened_while_the_engine_was_away",
    "test_what_happened_while_the_line_was_cut",
    "test_what_is_said_during_a_pause_is_nowhere",
    "test_while_it_rings",
    "test_who_comes_back_is_a_caller",
    "test_who_has_answered_waits_on",
    "test_who_has_gone_on_is_left_alone",
    "test_who_is_fetched_by_nobody_comes_back",
    "test_who_is_fetched_talks_with_whoever_does_that",
    "test_who_is_parked_is_left_alone",
    "test_wrong_credentials",
]


@pytest.fixture(scope="module")
def provisioned() -> Provisioned:
    """Asterisk 16 instead of 22, for every test named here."""
    try:
        return provision(version="16")
    except LabUnavailable as reason:
        missing_tool(f"an Asterisk 16 for the tests: {reason}")


async def test_this_is_sixteen(provisioned: Provisioned) -> None:
    """It boots with the lab's configuration, and says what it is."""
    async with Pbx(provisioned) as pbx:
        assert "Asterisk 16." in await pbx.cli("core show version")
