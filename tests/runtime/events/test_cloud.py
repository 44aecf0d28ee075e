"""Events as CloudEvents: encoded once for all who read them as they happen, and the same again for who reads later."""

import msgspec

from acd.core.messages import AgentRemoved
from acd.runtime.events import Told
from acd.runtime.events.cloud import ENCODED, Envelopes


def test_what_is_encoded_is_shared_and_then_let_go() -> None:
    envelopes = Envelopes("default")
    told = [Told(seq, 0, seq, AgentRemoved(f"a{seq}")) for seq in range(ENCODED + 1)]
    first, *others = told
    encoded = envelopes.encoded(first, "json")
    assert envelopes.encoded(first, "json") is encoded
    for each in others:
        envelopes.encoded(each, "json")
    assert not first.json, "nobody would ever let it go"
    assert all(each.json for each in others)
    assert envelopes.encoded(first, "json") == encoded, "whoever comes late reads the same"


def test_each_form_is_let_go_by_itself() -> None:
    envelopes = Envelopes("default")
    told = [Told(seq, 0, seq, AgentRemoved(f"a{seq}")) for seq in range(ENCODED + 1)]
    for each in told:
        assert msgspec.msgpack.decode(envelopes.encoded(each, "msgpack"))["type"] == "acd.agent-removed"
    for each in told[:ENCODED]:
        assert msgspec.json.decode(envelopes.encoded(each, "json"))["type"] == "acd.agent-removed"
    assert not told[0].packed, "nobody would ever let it go"
    assert all(each.packed for each in told[1:])
    assert all(each.json for each in told[:ENCODED])
