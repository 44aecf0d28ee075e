"""What must not be seen in a log is not, wherever in an event it stands."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from acd.cli.known_secrets import secrets_of
from acd.cli.logs import configure_logging
from acd.cli.redaction import HIDDEN, NUMBER, Redaction
from acd.runtime.config import loads

CANARIES = [
    "+86（１３８）１２３４－５６７８",
    "13812345678",
    "+86 138 1234 5678",
    "+8613812345678",
    "021-6234-5678",
    "(021) 62345678",
    "１３８１２３４５６７８",
    "11010519491231002X",
    "6222 0212 3456 7890 123",
    "0049 30 1234567",
]
HARMLESS = [
    "row 12345678",
    "2026-11-21",
    "2026-11-21 09:37",
    "127.0.0.1:8420",
    "192.168.100.200",
    "1700000000.123",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "0f3a9b8c7d6e5f4a3b2c",
    "I1234567890.2",
    "12.5 ms",
    "queue 123456",
    "1.7.1",
]


@pytest.mark.parametrize("number", CANARIES)
@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "call from {} failed",
        "客户{}来电",
        "tel:{}",
        "number={}.",
        "'{}',",
        "<{}>",
        "PJSIP/{}-x",
        "sip:{}@pbx",
        "a-{}: b…",
    ],
)
def test_numbers_of_people_are_masked(number: str, frame: str) -> None:
    text = frame.format(number)
    masked = Redaction().text(text)
    assert masked == frame.format(NUMBER)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_number_of_a_person_is_left(text: str) -> None:
    assert Redaction().text(text) == text
    assert Redaction().text(f"at {text} there") == f"at {text} there"


def test_secrets_are_hidden_wherever_they_stand() -> None:
    redaction = Redaction(["canary-secret", "canary-secret-longer", "ab"])
    event = redaction(
        None,
        "info",
        {
            "event": "got canary-secret-longer and canary-secret, abc",
            "nested": {"list": ["canary-secret", {"deep": ("x canary-secret y",)}]},
            "canary-secret": b"canary-secret",
            "object": ValueError("canary-secret"),
            "number": 13812345678,
            "at_us": 1_700_000_000_000_000,
            "port": 65535,
            "flag": True,
            "nothing": None,
        },
    )
    assert "canary" not in str(event)
    assert event["event"] == f"got {HIDDEN} and {HIDDEN}, abc"
    assert event["number"] == NUMBER
    assert (event["at_us"], event["port"], event["flag"], event["nothing"]) == (
        1_700_000_000_000_000,
        65535,
        True,
        None,
    )


@pytest.mark.parametrize("key", ["token", "api_token", "Password", "secret_value", "Authorization", "apiKey", "cookie"])
@pytest.mark.parametrize("value", ["x", ["x"], {"x": "x"}, 7])
def test_what_a_key_calls_secret_is_hidden(key: str, value: object) -> None:
    assert Redaction()(None, "info", {key: value}) == {key: HIDDEN}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {HIDDEN}"),
        ("http://acd:pass@127.0.0.1/ari", f"http://acd:{HIDDEN}@127.0.0.1/ari"),
        ("ws://h/ari/events?app=acd&api_key=acd:pass&x=1", f"ws://h/ari/events?app=acd&api_key={HIDDEN}&x=1"),
    ],
)
def test_credentials_in_texts(text: str, expected: str) -> None:
    assert Redaction().text(text) == expected


def test_containers_without_end_are_hidden() -> None:
    endless: list[object] = ["13812345678"]
    endless.append(endless)
    assert "1381" not in str(Redaction()(None, "info", {"event": endless}))


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging("json", "info", ["canary-secret"], stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_every_logger_goes_through_it(stream: io.StringIO) -> None:
    structlog.get_logger("ours").info("call", number="13812345678", secrets=["canary-secret"])
    logging.getLogger("theirs").warning(
        "call of %s with %s", "13812345678", "canary-secret", extra={"more": "13812345678"}
    )
    logging.getLogger("theirs").debug("not shown")
    try:
        raise ValueError("no 13812345678, canary-secret")
    except ValueError:
        logging.getLogger("theirs").exception("failed")
        structlog.get_logger("ours").exception("failed")
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(event["logger"], event["level"]) for event in events] == [
        ("ours", "info"),
        ("theirs", "warning"),
        ("theirs", "error"),
        ("ours", "error"),
    ]
    assert "1381" not in stream.getvalue()
    assert "canary" not in stream.getvalue()
    assert events[1]["event"] == f"call of {NUMBER} with {HIDDEN}"
    assert all(f"ValueError: no {NUMBER}, {HIDDEN}" in event["exception"] for event in events[2:])
    assert all(event["timestamp"].endswith("Z") for event in events)


def test_the_secrets_of_a_configuration_are_known(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from-file\n")
    text = """
        [api]
        [[api.tokens]]
        name = "t"
        token_env = "T"
        roles = ["system"]
        [channels.pbx]
        type = "x"
        url = "http://harmless"
        password = "in-clear"
        password_file = "file"
        token_file = "gone"
        inner = { secret = "within", number = 3 }
    """
    config = loads(text, base=tmp_path, environment={"T": "0123456789abcdef"})
    assert sorted(filter(None, secrets_of(config))) == ["0123456789abcdef", "from-file", "in-clear", "within"]


def test_secrets_in_the_environment_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACD_TEST_PASSWORD", "from-environment")
    config = loads('[channels.pbx]\ntype = "x"\npassword_env = "ACD_TEST_PASSWORD"', base=tmp_path)
    assert list(secrets_of(config)) == ["from-environment"]
