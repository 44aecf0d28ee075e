"""`[api.sessions]` and `[api.desk]`: what is accepted, and the words about what is not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from acd.runtime.config import check_text
from acd.runtime.config.model import ApiConfig, DeskConfig, SessionsConfig

TOKENS = '[[api.tokens]]\nname = "anna"\ntoken = "0123456789abcdef"\nroles = ["agent"]\nagent = "anna"\n[agents.anna]\n'
HOUR_US = 3_600_000_000


def api_of(text: str) -> ApiConfig:
    report = check_text(f"[api]\n{text}\n{TOKENS}")
    assert report.config is not None, report.errors
    assert report.config.api is not None
    return report.config.api


def test_nobody_signs_in_with_a_browser_unless_the_configuration_says_so() -> None:
    assert (api_of("").sessions, api_of("").desk) == (None, None)
    assert api_of("[api.desk]").desk is None
    assert api_of("[api.desk]\nenabled = false").sessions is None


def test_whoever_wants_the_desk_has_sessions() -> None:
    api = api_of("[api.desk]\nenabled = true")
    assert api.desk == replace(DeskConfig(), path=Path("acd-desk.db").absolute(), key=Path("acd-desk.key").absolute())
    assert api.sessions == SessionsConfig(HOUR_US, 12 * HOUR_US, secure=False)


def test_everything_that_can_be_said() -> None:
    api = api_of(
        '[api.sessions]\nlifetime = "30m"\nlongest = "8h"\nsecure = true\n'
        '[api.desk]\nenabled = true\nreasons = ["午休", "coaching"]\n'
        'notes = false\nkeep = "7d"\npath = "/var/desk.db"\nkey = "/keys/desk.key"'
    )
    assert api.sessions == SessionsConfig(HOUR_US // 2, 8 * HOUR_US, secure=True)
    desk = DeskConfig(("午休", "coaching"), path=Path("/var/desk.db"), key=Path("/keys/desk.key"))
    assert api.desk == replace(desk, notes=False, keep_us=168 * HOUR_US)
    # Nothing is kept at all.
    assert api_of('[api.desk]\nenabled = true\nkeep = "0s"').desk is not None


def test_canned_answers_stay_in_their_order() -> None:
    api = api_of(
        "[api.desk]\nenabled = true\n[api.desk.answers]\n"
        'hello = "您好，{customer}！我是{agent}。"\nbye = """Thank you.\nGoodbye!"""\nbraces = "a { b } {"'
    )
    assert api.desk is not None
    assert api.desk.answers == (
        ("hello", "您好，{customer}！我是{agent}。"),
        ("bye", "Thank you.\nGoodbye!"),
        ("braces", "a { b } {"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[api.sessions]\nlifetime = "1s"', 'api.sessions.lifetime: "1s" is out of range; use 1m to 1d'),
        (
            '[api.sessions]\nlifetime = "2h"\nlongest = "1h"',
            "api.sessions.longest: is shorter than one lifetime; make it longer; after it everybody signs in anew",
        ),
        ("[api.sessions]\nlife = 1", 'api.sessions.life: is not a key here; did you mean "lifetime"?'),
        (
            '[api.desk]\nnotes = true\nkeep = "0s"',
            "api.desk.notes: are kept nowhere, because keep is 0; say how long, or notes = false",
        ),
        (
            "[api.desk]\nenabled = true\nreasons = []",
            'api.desk.reasons: names no reason; name one at least, like "break"',
        ),
        (
            '[api.desk]\nreasons = ["lunch", "lunch"]',
            "api.desk.reasons[1]: is there twice; leave one out",
        ),
        (
            '[api.desk]\nreasons = ["long lunch"]',
            'api.desk.reasons[0]: "long lunch" has white space or a control character in it; leave it out',
        ),
        (
            '[api.desk]\nanswers = { hello = " " }',
            "api.desk.answers.hello: is empty; write something",
        ),
        (
            f'[api.desk]\nanswers = {{ hello = "{"x" * 4_001}" }}',
            "api.desk.answers.hello: has 4001 characters of at most 4000; send it in parts",
        ),
        (
            '[api.desk]\nanswers = { hello = "Good day, {name}!" }',
            "api.desk.answers.hello: has {name} in it, which stands for nothing; use {agent} or {customer}",
        ),
        (
            "[api.desk]\nanswers = { hello = 1 }",
            "api.desk.answers.hello: 1 is not a text; write it in quotes",
        ),
        (
            '[api.desk]\nanswers = { "good day" = "x" }',
            'api.desk.answers."good day": "good day" has white space or a control character in it; leave it out',
        ),
        (
            '[api.desk]\nanswers = { hello = "a\\u0007" }',
            "api.desk.answers.hello: has control characters; send printable ones, line breaks as \\n",
        ),
        (
            "[api.desk.answers]\n" + "\n".join(f'a{n} = "x"' for n in range(201)),
            "api.desk.answers: has 201 entries; 200 at most",
        ),
        ('[api.desk]\nanswers = ["x"]', "api.desk.answers: an array is not a table; write { … } or a section"),
        ('[api.desk]\nenabled = "yes"', 'api.desk.enabled: "yes" is not true or false; write true or false'),
    ],
)
def test_what_cannot_be_is_named_with_the_fix(text: str, words: str) -> None:
    report = check_text(f"[api]\n{text}\n{TOKENS}")
    assert [f"{each.key}: {each.reason}; {each.fix}" for each in report.errors] == [words]


def test_a_cookie_of_a_server_with_tls_is_never_sent_in_clear() -> None:
    report = check_text(f'[api]\ncertificate = "c"\nprivate_key = "k"\n[api.sessions]\nsecure = false\n{TOKENS}')
    assert "api.sessions.secure" in {each.key for each in report.errors}


def test_a_desk_that_nobody_could_sign_in_at_is_noticed() -> None:
    report = check_text("[api]\nopen = true\n[api.desk]\nenabled = true\n")
    assert [each.key for each in report.warnings] == ["api.desk"]
