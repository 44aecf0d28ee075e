"""Where a key stands: in the file, in the environment, or with the API."""

from pathlib import Path

import pytest

from acd.runtime.config.environment import Override
from acd.runtime.config.places import Places
from acd.runtime.config.problems import OWNED, Key

TEXT = """\
[channels.pbx]
url = "http://127.0.0.1:8088/ari"
user = "acd"

[journal]
fsync = true

[agents.anna]
addresses = { voice = "PJSIP/anna" }
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("channels", "pbx", "url"), 2),
        (("channels", "pbx", "app"), 1),
        (("journal", "path"), 5),
        (("agents", "anna", "addresses", "voice"), 9),
        (("personal", "path"), 0),
        ((), 0),
    ],
)
def test_the_line_of_a_key_or_of_what_is_around_it(tmp_path: Path, key: Key, line: int) -> None:
    file = tmp_path / "acd.toml"
    file.write_text("\ufeff" + TEXT, encoding="utf-8")
    assert Places(file, ()).of(key) == (str(file), line)


def test_what_is_not_in_the_file(tmp_path: Path) -> None:
    """An agent whom the API made has no line there, and what a variable says is not what the file says."""
    file = tmp_path / "acd.toml"
    file.write_text(TEXT)
    places = Places(file, (Override("ACD_CHANNELS_PBX_URL", ("channels", "pbx", "url")),))
    assert places.of(("agents", "ben", "addresses", "voice")) == (OWNED, 0)
    assert places.of(("channels", "pbx", "url")) == ("ACD_CHANNELS_PBX_URL", 0)
    assert places.of(("channels", "pbx", "user")) == (str(file), 3)
