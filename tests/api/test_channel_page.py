"""CHANNELS.md lists the messages that there are, and what it says of the protocol is what the code says."""

import json
import re
from pathlib import Path

import jsonschema

from acd.api.channels import CONNECTS_PER_SECOND, PROTOCOLS, SEND_SECONDS
from acd.api.external import session
from acd.api.external.catalogue import MESSAGES
from acd.api.external.desk import MAX_COMMANDS, REMEMBERED
from acd.runtime.config import loads
from acd.runtime.instance import MAX_CONCURRENT
from acd.testing.sections import updated
from tests.api import channel_page
from tests.served import write_secret

PAGE = (Path(__file__).parents[2] / channel_page.DOCUMENT).read_text(encoding="utf-8")
SCHEMAS = {each.name: each.schema for each in MESSAGES}


def test_it_is_up_to_date() -> None:
    assert channel_page.BEGIN in PAGE
    assert updated(PAGE, channel_page.section()) == PAGE, f"stale; run: {channel_page.COMMAND}"


def test_it_names_what_the_protocol_knows() -> None:
    codes = (session.MALFORMED, session.UNANSWERED, session.SUPERSEDED, 1001, 1009, 1011, 1012, 1013, 4401)
    for code in codes:
        assert f"| {code} |" in PAGE
    for name in PROTOCOLS:
        assert f"`{name}`" in PAGE
    for words in (
        f"A ping comes every {session.HEARTBEAT_SECONDS:g} seconds",
        f"within {session.HEARTBEAT_SECONDS / 2:g} is cut off",
        f"{MAX_COMMANDS} commands without an outcome",
        f"{MAX_CONCURRENT} interactions whose orders",
        f"{session.PAGE} interactions in one `reconcile`",
        f"{session.MAX_MESSAGE // 1024} KiB a message",
        f"more than {session.MAX_WAITING:,} messages wait",
        f"more than {CONNECTS_PER_SECOND:g} connects a second",
        f"among the last {REMEMBERED:,} of this channel",
        f"among the first {REMEMBERED:,} that you say",
    ):
        assert words in PAGE, words
    assert (session.HELLO_SECONDS, SEND_SECONDS) == (5.0, 10.0)
    assert "within five seconds" in PAGE
    assert "for ten seconds" in PAGE


def test_the_messages_in_its_text_are_messages() -> None:
    text = PAGE.partition(channel_page.BEGIN)[0]
    shown = [json.loads(found) for found in re.findall(r'`(\{"type".*?\})`', text) if "…" not in found]
    assert {each["type"] for each in shown} == {"hello", "done"}
    for message in shown:
        jsonschema.validate(message, SCHEMAS[message["type"]])


def test_its_configuration_is_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    write_secret(tmp_path, "web-chat.token", "web-token-0123456789")
    config = loads(f"[api]\n{block}", base=tmp_path)
    assert config.api is not None
    assert [(token.roles, token.channel) for token in config.api.tokens] == [(("channel",), "web")]
    assert config.channels[0].type == "external"
    assert config.addresses() == {("anna", "chat"): "desk-4"}
    assert not config.warnings
