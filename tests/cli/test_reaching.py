"""What is asked where a configuration says where an engine listens."""

from pathlib import Path

import pytest

from acd.cli.reaching import api_url, metrics_url
from acd.errors import ConfigError
from acd.runtime.config import MetricsConfig, loads

FILE = Path("acd.toml")


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("port = 8421", "http://127.0.0.1:8421"),
        ('host = "0.0.0.0"', "http://127.0.0.1:8420"),
        ('host = "::"', "http://[::1]:8420"),
        ('host = "acd.example.com"', "http://acd.example.com:8420"),
        ('socket = "api.sock"', "unix:{}/api.sock"),
    ],
)
def test_the_api(api: str, url: str, tmp_path: Path) -> None:
    config = loads(
        f'[api]\n{api}\n[[api.tokens]]\nname = "t"\ntoken = "{"x" * 20}"\nroles = ["system"]\n', base=tmp_path
    )
    assert config.api is not None
    assert api_url(config.api, FILE) == url.format(tmp_path)


def test_figures() -> None:
    assert metrics_url(MetricsConfig("::", 9420), FILE) == "http://[::1]:9420"
    with pytest.raises(ConfigError, match=r"acd\.toml: metrics\.port: is 0.*--url"):
        metrics_url(MetricsConfig("127.0.0.1", 0), FILE)
