"""Where commands find the engine that they ask: what the options say, else its configuration."""

from pathlib import Path

import click
import pytest

from acd.cli.far_end import FarEnd, far_end
from acd.errors import ConfigError
from tests.served import TOKEN
from tests.serving import ANNAS_TOKEN, TEXT, write_tokens

CERTIFICATE = 'certificate = "tls.pem"\nprivate_key = "tls.key"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_tokens(tmp_path)
    (tmp_path / "acd.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "acd.toml"


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("port = 8420", "http://127.0.0.1:8420"),
        ('host = "0.0.0.0"\nport = 8420', "http://127.0.0.1:8420"),
        ('host = "::"\nport = 8420', "http://[::1]:8420"),
        ('host = "::1"\nport = 8421', "http://[::1]:8421"),
        (f"port = 8443\n{CERTIFICATE}", "https://127.0.0.1:8443"),
        ('socket = "api.sock"', "unix:{folder}/api.sock"),
        ('socket = "api.sock"\nport = 8420', "unix:{folder}/api.sock"),
    ],
)
def test_the_configuration_says_where_and_with_which_token(file: Path, said: str, url: str) -> None:
    for name in ("tls.pem", "tls.key"):
        (file.parent / name).write_text("as good as any: nobody listens here")
    file.write_text(TEXT.replace("port = 0", said), encoding="utf-8")
    assert far_end("", None, file) == FarEnd(url.format(folder=file.parent), TOKEN)


def test_options_go_before_the_configuration(file: Path) -> None:
    anna = file.parent / "token-of-anna"
    assert far_end("http://[::1]:1", anna, file) == FarEnd("http://[::1]:1", ANNAS_TOKEN)
    assert far_end("http://[::1]:1", None, file) == FarEnd("http://[::1]:1", TOKEN)
    nowhere = file.parent / "gone.toml"
    assert far_end("http://[::1]:1", anna, nowhere) == FarEnd("http://[::1]:1", ANNAS_TOKEN)
    assert far_end("http://[::1]:1", None, nowhere) == FarEnd("http://[::1]:1", "")


def test_what_cannot_be_known_is_asked_for(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"api\.port: is 0.*--url"):
        far_end("", None, file)
    file.write_text("[agents.anna]", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has no \[api\].*--url"):
        far_end("", None, file)
    with pytest.raises(ConfigError, match="there is no such file"):
        far_end("", None, file.parent / "gone.toml")
    with pytest.raises(click.ClickException, match="--token-file"):
        far_end("", file.parent / "gone", file)
