"""`[channels.NAME.transfers]`, and the numbers of queues."""

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import Options, read_options
from acd_asterisk.ringing import hands_on, transfer_variables

BASE: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "x"}


def read(**more: object) -> Options:
    return read_options("pbx1", {**BASE, **more})


def test_defaults() -> None:
    options = read()
    assert (options.transfers.by_phone, options.transfers.context) == ("asterisk", "")
    assert not options.cautions


def test_what_can_be_chosen() -> None:
    options = read(transfers={"by_phone": "engine", "context": "acd-out"}, queues={"sales": {"number": "*600"}})
    assert (options.transfers.by_phone, options.transfers.context) == ("engine", "acd-out")
    ((key, reason, _),) = options.cautions
    assert key == "transfers.by_phone"
    assert "Refer-Sub: false" in reason
    assert options.queues["sales"].number == "*600"


@pytest.mark.parametrize(("number", "keys"), [("national", []), ("as-known", ["transfers.outside.number"])])
def test_numbers_that_nobody_checks_are_cautioned_against(number: str, keys: list[str]) -> None:
    """Of one as it was written it is not known whether it is dear: 0900 begins like 0."""
    options = read(transfers={"outside": {"only": ["0"], "context": "acd-numbers", "number": number}})
    assert options.transfers.outside is not None
    assert bool(options.transfers.outside.allowed("0900 123456")) is bool(keys)
    assert [key for key, *_ in options.cautions] == keys


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"transfers": {"by_phone": "core"}}, "channels.pbx1.transfers.by_phone"),
        ({"transfers": {"context": "a,b"}}, "channels.pbx1.transfers.context: 'a,b' cannot be used"),
        ({"transfers": {"contxt": "a"}}, "contxt"),
        ({"transfers": {"outside": {"context": "a"}}}, "channels.pbx1.transfers.outside.only: is missing"),
        ({"transfers": {"outside": {"only": ["13"]}}}, "channels.pbx1.transfers.outside.context: is missing"),
        ({"transfers": {"outside": {"only": ["+86"], "context": "a"}}}, "begins no number that is dialled"),
        ({"transfers": {"outside": {"only": ["1;"], "context": "a"}}}, "begins no number"),
        ({"queues": {"sales": {"number": "6 00"}}}, "channels.pbx1.queues.sales.number: '6 00' cannot be used"),
        (
            {"queues": {"sales": {"number": "600"}, "support": {"number": "600"}}},
            "channels.pbx1.queues.support.number: '600' is the queue sales's, too; give each its own",
        ),
    ],
)
def test_problems(given: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**given)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("version", "can"),
    [
        ("22.10.1~dfsg+~cs6.15.60671435-1", True),
        ("22.3.0", True),
        ("22.2.0", False),
        ("21.8.0", True),
        ("20.12.0", False),
        ("20.13.0", True),
        ("23.0.0", True),
        ("18.26.4", False),
        ("16.28.0~dfsg-0+deb11u4", False),
        ("GIT-master-0123abc", False),
        ("", False),
    ],
)
def test_which_asterisk_leaves_transfers_to_us(version: str, *, can: bool) -> None:
    assert hands_on(version) is can
    ours = read(transfers={"by_phone": "engine"})
    assert bool(transfer_variables(ours, "PJSIP/anna", version)) is can
    assert transfer_variables(ours, "Local/anna@agents", version) == {}
    assert transfer_variables(read(), "PJSIP/anna", version) == {}
