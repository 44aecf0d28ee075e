"""`[channels.NAME.browser_phones]`: what can be written there, and what is said of what cannot."""

from pathlib import Path
from typing import Any

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import Options, read_options

PBX: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "secret"}
LEAST: dict[str, object] = {"url": "wss://pbx.example.com:8089/ws", "addresses": ["PJSIP/web-*"]}


def read(**browser: object) -> Options:
    return read_options("pbx", {**PBX, "browser_phones": {**LEAST, **browser}})


def problems(**browser: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**browser)
    return [each.removeprefix("channels.pbx.browser_phones.") for each in caught.value.problems]


def test_without_the_table_there_are_none() -> None:
    assert read_options("pbx", PBX).browser_phones is None


def test_the_least_that_is_needed() -> None:
    options = read().browser_phones
    assert options is not None
    assert (options.host, options.codecs, options.realm) == ("pbx.example.com", ("alaw", "ulaw"), "asterisk")
    assert options.key_file == Path("browser-phones.key")
    assert options.endpoint("PJSIP/web-anna") == "web-anna"
    for other in ("PJSIP/anna", "PJSIP/web-anna@trunk", "SIP/web-anna", "PJSIP/web-", "Local/web-anna@x/n", ""):
        assert options.endpoint(other) == ("web-" if other == "PJSIP/web-" else "")


@pytest.mark.parametrize(
    ("given", "becomes", "host"),
    [
        ("wss://pbx.example.com", "wss://pbx.example.com/ws", "pbx.example.com"),
        ("wss://PBX.example.com:8089/asterisk/ws", "wss://pbx.example.com:8089/asterisk/ws", "pbx.example.com"),
        ("wss://[2001:db8::1]:8089/ws", "wss://[2001:db8::1]:8089/ws", "[2001:db8::1]"),
        ("ws://127.0.0.1:8088/ws", "ws://127.0.0.1:8088/ws", "127.0.0.1"),
    ],
)
def test_urls(given: str, becomes: str, host: str) -> None:
    options = read(url=given).browser_phones
    assert options is not None
    assert (options.url, options.host) == (becomes, host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://pbx.example.com/ws",
        "wss://",
        "wss://pbx.example.com:0/ws",
        "wss://pbx.example.com:99999/ws",
        "wss://user:canary@pbx.example.com/ws",
        "wss://pbx.example.com/ws?token=canary",
        "wss://pbx.example.com/ws;script-src",
        "wss://pbx.example.com/ws *",
        "wss://*/ws",
        "wss://pbx.example.com'/ws",
        "ws://pbx.example.com/ws",
    ],
)
def test_nothing_else_gets_into_the_pages_policy(url: str) -> None:
    (found,) = problems(url=url)
    assert found.startswith("url: ")
    assert "canary" not in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("addresses", []),
        ("addresses", ["SIP/web-*"]),
        ("addresses", ["PJSIP/a b"]),
        ("realm", "a\nb"),
        ("context", "a;b"),
        ("codecs", ["alaw,ulaw\nallow=all"]),
        ("ice", ["http://example.com"]),
        ("ice", ["stun:a.example.com,x"]),
        ("ice", ["turn:turn.example.com"]),  # without its secret
        ("key_file", ""),
        ("keyfile", "x"),
    ],
)
def test_what_cannot_be_used_is_named(key: str, value: object) -> None:
    (found,) = problems(**{key: value})
    assert found.startswith({"ice": "turn_secret_file"}.get(key, key) if value == ["turn:turn.example.com"] else key)


def test_an_agent_s_own_password() -> None:
    given: dict[str, Any] = {**PBX, "agents": {"anna": {"phone_password_file": "anna.sip"}}}
    assert read_options("pbx", given).phones.agents["anna"].phone_password_file == Path("anna.sip")


def test_in_clear_is_for_trying() -> None:
    assert [key for key, *_ in read(url="ws://127.0.0.1:8088/ws").cautions] == ["browser_phones.url"]
    assert read().cautions == ()
