"""`[channels.NAME.callbacks]`: what may be dialled, and in which form; what is wrong with a table."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd.cli.init import template
from acd.errors import ConfigError
from acd_asterisk.options import read_options
from acd_asterisk.options.callbacks import CallbackOptions, NumberForm
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.page_text import blocks
from tests.adapters.asterisk.rig import EXAMPLES

ARI: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "secret"}
DIAL = "PJSIP/{number}@trunk"


def read(callbacks: Mapping[str, object]) -> CallbackOptions:
    return read_options("pbx", {**ARI, "callbacks": callbacks}).callbacks


def problems(callbacks: Mapping[str, object], **more: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        read_options("pbx", {**ARI, "callbacks": callbacks, **more})
    return raised.value.problems


@pytest.mark.parametrize(
    ("form", "number", "dialled"),
    [
        ("as-known", "138 0013-8000", "13800138000"),
        ("as-known", "+86 (138) 0013 8000", "+8613800138000"),
        ("as-known", "TEL:+86-138-0013-8000", "+8613800138000"),
        ("national", "tel:+8613800138000", "13800138000"),
        ("as-known", "\uff11\uff13\uff18\uff10\uff10\uff11\uff13\uff18\uff10\uff10\uff10", "13800138000"),
        ("national", "+86 138 0013 8000", "13800138000"),
        ("national", "021-12345678", "02112345678"),
        ("national", "+8602112345678", "02112345678"),
        ("national", "+1 650 253 0000", "0016502530000"),
        ("e164", "13800138000", "+8613800138000"),
        ("e164", "010 12345678", "+861012345678"),
    ],
)
def test_forms_of_numbers(form: NumberForm, number: str, dialled: str) -> None:
    assert CallbackOptions(dial=DIAL, number=form).endpoint(number) == f"PJSIP/{dialled}@trunk"


@pytest.mark.parametrize(
    "number",
    [
        *("", "anonymous", "*72", "123#", "1", "+", "12&34", "1,2", "1@other", "1/2x", "${EXTEN}", "1\r\nAction: x"),
        *("sip:1@x", "1" * 21, "٣٣٣٣a"),
    ],
)
def test_what_is_never_dialled(number: str) -> None:
    for form in ("as-known", "national", "e164"):
        assert CallbackOptions(dial=DIAL, number=form).endpoint(number) == ""


MOBILES = ("13", "14", "15", "16", "17", "18", "19")


@pytest.mark.parametrize("form", ["national", "e164"])
@pytest.mark.parametrize(
    "number",
    [
        *("110", "95588", "193", "17951", "13800"),  # The police, banks, other short numbers, half a number.
        *("16896000", "+8616012345", "+449061234567", "4001234567"),  # They cost money, whoever has them.
        "+447012345678",  # Nobody knows where it leads.
        "17909008613800",  # Without the carrier's code and what follows it is another number.
    ],
)
def test_numbers_that_cost_money_or_are_nobodys(form: NumberForm, number: str) -> None:
    assert CallbackOptions(dial=DIAL, number=form).endpoint(number) == ""
    assert CallbackOptions(dial=DIAL, number=form, only=(*MOBILES, "0", "1", "+")).endpoint(number) == ""


@pytest.mark.parametrize("number", ["+44 20 7946 0958", "0044 20 7946 0958"])
def test_no_country_is_dialled_that_is_not_named(number: str) -> None:
    """A 0 is a beginning of this country's numbers, not of the two of the others'."""
    for named, dialled in (("0", ""), ("1", ""), ("00", "00442079460958"), ("0044", "00442079460958"), ("0049", "")):
        options = CallbackOptions(dial=DIAL, number="national", only=(named,))
        assert options.endpoint(number) == (dialled and f"PJSIP/{dialled}@trunk")
    if number.startswith("0"):
        for named, dialled in (("0", ""), ("00", "00442079460958"), ("0044", "00442079460958")):
            options = CallbackOptions(dial=DIAL, only=(named,))
            assert options.endpoint(number) == (dialled and f"PJSIP/{dialled}@trunk")


def test_a_carrier_s_code_before_another_country_s_number() -> None:
    """17951, then 00: a way abroad which begins like a number of this country."""
    assert CallbackOptions(dial=DIAL, only=("1",)).endpoint("17951004490012345") == ""
    assert CallbackOptions(dial=DIAL, only=("1",)).endpoint("13800138000") == "PJSIP/13800138000@trunk"
    elsewhere = CallbackOptions(dial=DIAL, number="national", region="US", only=("0",))
    assert elsewhere.endpoint("+44 20 7946 0958") == ""


def test_only_some_beginnings() -> None:
    options = read({"dial": DIAL, "number": "national", "only": ["13", "021"]})
    assert options.endpoint("+86 138 0013 8000") == "PJSIP/13800138000@trunk"
    assert options.endpoint("021 12345678") == "PJSIP/02112345678@trunk"
    assert options.endpoint("+44 900 1234567") == ""


def test_what_is_wrong_is_said() -> None:
    assert problems({"ring": "20s"}) == (
        'channels.pbx.callbacks.dial: is missing; write it like "PJSIP/{number}@trunk"',
    )
    for wrong in ("PJSIP/trunk", "PJSIP/{number}&PJSIP/1", "{number}", "PJSIP/{number}@{number}"):
        (said,) = problems({"dial": wrong})
        assert "channels.pbx.callbacks.dial" in said
        assert "write it like" in said
    said = " ".join(
        problems({"dial": DIAL, "region": "XX", "only": ["a"], "key": "12", "caller_id": "me", "ring": "1h"})
    )
    for key in ("region", "only", "key", "caller_id", "ring"):
        assert f"channels.pbx.callbacks.{key}: " in said
    (said,) = problems({"dial": DIAL, "key": "1"})
    assert said.startswith("channels.pbx.callbacks.prompt: is missing")


def test_what_may_be_dialled_had_better_be_said() -> None:
    """Cautions: any number, and beginnings that a number can be given in more ways than one."""

    def said(**more: object) -> list[tuple[str, str, str]]:
        cautions = read_options("pbx", {**ARI, "callbacks": {"dial": DIAL, **more}}).cautions
        return [each for each in cautions if each[0].startswith("callbacks.")]

    ((key, reason, fix),) = said(number="national")
    assert (key, fix) == ("callbacks.only", 'name what you call, as it is dialled: only = ["13", "021"]')
    assert "forged" in reason
    ((key, _, fix),) = said(only=["13"])
    assert (key, fix) == ("callbacks.number", 'use "national"')
    assert said(only=["+8613"])[0][2] == 'use "e164"'
    assert said(only=["13", "+44"])[0][2] == 'use "national" or "e164", and write only in that form'
    assert said(number="e164", only=["+86"]) == []
    assert said(number="e164")[0][2] == 'name what you call, as it is dialled: only = ["+8613", "+8621"]'
    assert not [each for each in read_options("pbx", ARI).cautions if each[0].startswith("callbacks.")]


@pytest.mark.parametrize(
    ("form", "region", "beginning", "reason", "fix"),
    [
        ("e164", "CN", "13", 'with number = "e164" all begin with +', 'write "+8613"'),
        ("e164", "CN", "021", 'with number = "e164" all begin with +', 'write "+8621"'),
        ("e164", "CN", "0044", 'with number = "e164" all begin with +', 'write "+44"'),
        ("e164", "US", "01144", 'with number = "e164" all begin with +', 'write "+44"'),
        ("e164", "CN", "+999", "no country's code begins like that", "leave it out"),
        ("national", "CN", "+86", "none begins with +", 'it without the country\'s code, or number = "e164"'),
        ("national", "CN", "+44", "none begins with +", 'write "0044", or number = "e164"'),
        ("national", "CN", "008613", "86 is the country's own code", "as one dials at home"),
        ("national", "CN", "00999", "no country's code begins like that", "leave it out"),
    ],
)
def test_beginnings_of_no_number_that_is_dialled(
    form: NumberForm, region: str, beginning: str, reason: str, fix: str
) -> None:
    """A form of numbers and a beginning that contradict each other: such an `only` lets nothing through."""
    (said,) = problems({"dial": DIAL, "number": form, "region": region, "only": [beginning]})
    assert said.startswith(f'channels.pbx.callbacks.only: "{beginning}" begins no number that is dialled: ')
    assert reason in said
    assert said.endswith(fix)
    options = CallbackOptions(dial=DIAL, number=form, region=region, only=(beginning,))
    for number in ("13800138000", "+8613800138000", "021 12345678", "+44 20 7946 0958", "+1 650 253 0000"):
        assert options.endpoint(number) == ""


@pytest.mark.parametrize(
    ("form", "region", "only"),
    [
        ("as-known", "CN", ["13", "021", "+86", "0086", "00999"]),
        ("national", "CN", ["13", "021", "0", "1", "00", "0044", "4008"]),
        ("e164", "CN", ["+8", "+86", "+8613", "+44", "+1650"]),
        ("national", "US", ["1", "011", "01144"]),
        ("national", "RU", ["8", "810", "81044"]),
    ],
)
def test_beginnings_that_a_number_may_have(form: NumberForm, region: str, only: list[str]) -> None:
    assert list(read({"dial": DIAL, "number": form, "region": region, "only": only}).only) == only


def test_every_wrong_beginning_is_said_and_only_once() -> None:
    first, second, third = problems({"dial": DIAL, "number": "e164", "only": ["13", "+86", "a", "021"]})
    assert "'a' begins no number; write digits" in first
    assert ('"13"' in second, '"021"' in third) == (True, True)


def test_keys_that_promise_a_call() -> None:
    """Told to `acd check`, which knows whether the queue has a channel that makes it."""
    queues: dict[str, object] = {"queues": {"sales": {"keys": {"1": "callback"}}}}
    assert read_options("pbx", {**ARI, **queues}).promising_callbacks == ("sales",)
    asking = open_channel("pbx", {**ARI, **queues, "callbacks": {"dial": DIAL}})
    assert (asking.calls_back, asking.never_calls_back, asking.promises_callbacks) == (True, "", ("sales",))
    others: dict[str, object] = {"queues": {"sales": {"keys": {"1": "leave"}}}}
    assert not open_channel("pbx", {**ARI, **others}).promises_callbacks


def test_not_without_ari() -> None:
    ami = {"user": "acd", "password": "secret"}
    with pytest.raises(ConfigError) as raised:
        read_options("pbx", {"control": "ami", "ami": ami, "callbacks": {"dial": DIAL}})
    (said,) = raised.value.problems
    assert said.startswith("channels.pbx.callbacks: needs ARI")


def test_the_page_can_be_used_as_it_is(tmp_path: Path) -> None:
    """After `acd init`, with its PBX: some lines for the queue that is there, and the rest at the end."""
    for_the_queue, at_the_end = blocks(EXAMPLES / "CALLBACKS.md")[:2]
    began, pbx, rest = template().partition("# [channels.pbx]\n")
    access, rest = rest.split("\n\n", 1)
    used = f"{began}{pbx[2:]}{access.replace('# ', '')}\n\n{rest}\n{at_the_end}"
    (tmp_path / "acd.toml").write_text(used.replace("[queues.sales]\n", f"[queues.sales]\n{for_the_queue}", 1))
    for name in ("ari.password", "acd-admin.token"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text("a-password-of-thirty-two-characters")
    result = CliRunner().invoke(acd, ["check", "--json", str(tmp_path / "acd.toml")])
    said = [each for each in json.loads(result.output)["problems"] if each["severity"] != "note"]
    assert not [each for each in said if each["severity"] == "error" or "callback" in each["key"] + each["fix"]]
    given = tomllib.loads((tmp_path / "acd.toml").read_text())["channels"]["pbx"]
    del given["type"]
    assert open_channel("pbx", given).calls_back
    assert read_options("pbx", given).callbacks.endpoint("+8613800138000") == "PJSIP/13800138000@trunk"
    assert not open_channel("pbx", ARI).calls_back


def test_the_page_has_every_option() -> None:
    (said,) = problems({"dial": DIAL, "nosuch": 1})
    known = set(said.partition("known are ")[2].split(", "))
    page = (EXAMPLES / "CALLBACKS.md").read_text().partition("\n## All options of")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == sorted(known)
