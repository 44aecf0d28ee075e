"""What `acd check` says of menus: every problem by its key, with a reason and a fix."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli.check import command
from acd.errors import ConfigError
from acd_asterisk.options import read_options
from tests.adapters.asterisk.menus.plans import PLAIN, SHOP, menus

ONE = """
menu = "main"
[menus.main]
prompt = "acd/welcome"
keys.1 = { queue = "sales" }
default = { queue = "sales" }
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {**PLAIN, **tomllib.loads(text)})
    return list(caught.value.problems)


def test_defaults() -> None:
    menu = menus(ONE)["main"]
    assert (menu.first_us, menu.between_us, menu.retries) == (5_000_000, 3_000_000, 2)
    assert menu.prompt == (("", ("sound:acd/welcome",)),)
    assert not menu.entry


def test_without_menus() -> None:
    assert read_options("pbx1", PLAIN).menus == ()


def test_all_of_them() -> None:
    orders = menus(SHOP)["orders"].collect
    assert orders is not None
    assert (orders.attribute, orders.least, orders.most, orders.terminator) == ("order_number", 4, 8, "#")
    assert not orders.secret


COLLECT = """
menu = "main"
[menus.main]
prompt = "acd/enter"
collect = "order"
then = { queue = "sales" }
default = { queue = "sales" }
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('menu = "main"', 'menu = "mian"', "channels.pbx1.menu: 'mian' is not declared; did you mean main?"),
        ('menu = "main"', 'menu = "main"\nqueue = "sales"', "channels.pbx1.menu: stands beside queue"),
        ('prompt = "acd/welcome"', "", "channels.pbx1.menus.main.prompt: is missing"),
        ('"acd/welcome"', '"a,b"', "channels.pbx1.menus.main.prompt: 'a,b' cannot be played"),
        ('"acd/welcome"', '"../../etc/passwd"', "channels.pbx1.menus.main.prompt: '../../etc/passwd' cannot be played"),
        ('"acd/welcome"', "3", "channels.pbx1.menus.main.prompt: is neither a sound nor a list"),
        ('"acd/welcome"', '{ zh = "a" }', "channels.pbx1.menus.main.prompt: has no default"),
        ('"acd/welcome"', '{ "中文" = "a", default = "b" }', "channels.pbx1.menus.main.prompt.中文: is no language"),
        ('"acd/welcome"', '{ zh = 1, default = "b" }', "channels.pbx1.menus.main.prompt.zh: is neither a sound"),
        ('"acd/welcome"', str(["a"] * 17), "channels.pbx1.menus.main.prompt: has 17 sounds"),
        ('keys.1 = { queue = "sales" }', "", "channels.pbx1.menus.main: has neither keys nor collect"),
        ('keys.1 = { queue = "sales" }', "keys = 3", "channels.pbx1.menus.main.keys: is not a table"),
        ("keys.1", "keys.A", "channels.pbx1.menus.main.keys.A: is no key of a telephone"),
        ('keys.1 = { queue = "sales" }', "keys.1 = { }", "channels.pbx1.menus.main.keys.1: leads nowhere"),
        (
            'keys.1 = { queue = "sales" }',
            'keys.1 = { queue = "sales", hangup = true }',
            "channels.pbx1.menus.main.keys.1: leads to queue and hangup; give it exactly one of queue, menu, dialplan",
        ),
        ('keys.1 = { queue = "sales" }', 'keys.1 = "sales"', "channels.pbx1.menus.main.keys.1: is not a table"),
        ('1 = { queue = "sales" }', '1 = { queue = "a b" }', "channels.pbx1.menus.main.keys.1.queue: 'a b' is no"),
        ('1 = { queue = "sales" }', '1 = { menu = "x" }', "channels.pbx1.menus.main.keys.1.menu: 'x' is not declared"),
        ('1 = { queue = "sales" }', "1 = { hangup = false }", "channels.pbx1.menus.main.keys.1.hangup: is false"),
        (
            '1 = { queue = "sales" }',
            '1 = { dialplan = "1,2" }',
            "channels.pbx1.menus.main.keys.1.dialplan: '1,2' cannot be used",
        ),
        (
            '1 = { queue = "sales" }',
            '1 = { queue = "sales", requirement = "skills.x >" }',
            "channels.pbx1.menus.main.keys.1.requirement: ",
        ),
        (
            '1 = { queue = "sales" }',
            '1 = { queue = "sales", priority = 5000 }',
            "channels.pbx1.menus.main.keys.1.priority: 5000 is not a number",
        ),
        (
            '1 = { queue = "sales" }',
            '1 = { queue = "sales", attributes = { Tier = "x" } }',
            "channels.pbx1.menus.main.keys.1.attributes.Tier: is no attribute's name",
        ),
        (
            '1 = { queue = "sales" }',
            '1 = { queue = "sales", attributes = { tier = "x\\n" } }',
            "channels.pbx1.menus.main.keys.1.attributes.tier: is too long or has control characters",
        ),
        (
            '1 = { queue = "sales" }',
            '1 = { queue = "sales", langauge = "zh" }',
            "channels.pbx1.menus.main.keys.1.langauge: is no option of what a key leads to; did you mean language?",
        ),
        ('default = { queue = "sales" }', "", "channels.pbx1.menus.main.default: is missing"),
        ('default = { queue = "sales" }', "default = { repeat = true }", "channels.pbx1.menus.main.default: is repeat"),
        (
            'default = { queue = "sales" }',
            'default = { menu = "main" }',
            "channels.pbx1.menus.main.default: goes round for ever without a key: main → main",
        ),
        ('menu = "main"\n', "", "channels.pbx1.menus.main: is reached by nobody; lead a key there, set menu"),
        ("default =", "retries = 99\ndefault =", "channels.pbx1.menus.main.retries: 99 is not a number from 0 to 10"),
        ("default =", 'first_digit = "2h"\ndefault =', "channels.pbx1.menus.main.first_digit: 7200 seconds"),
        ("default =", "min_digits = 3\ndefault =", "channels.pbx1.menus.main.min_digits: is for a number"),
        (
            "default =",
            "tiemout = 3\ndefault =",
            "channels.pbx1.menus.main.tiemout: is no option of a menu; did you mean",
        ),
        ("[menus.main]", "menus = 3\n[menu_]", "channels.pbx1.menus: is not a table"),
    ],
)
def test_problem_of_a_menu(old: str, new: str, says: str) -> None:
    assert old in ONE
    found = problems(ONE.replace(old, new))
    assert any(each.startswith(says) for each in found), found


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ('keys.1 = { queue = "x" }', "channels.pbx1.menus.main.keys: stand beside collect"),
        ("min_digits = 9\nmax_digits = 4", "channels.pbx1.menus.main.min_digits: 9 is more than max_digits, 4"),
        ("max_digits = 33", "channels.pbx1.menus.main.max_digits: 33 is not a number from 1 to 32"),
        ('terminator = "5"', "channels.pbx1.menus.main.terminator: '5' cannot end a number"),
        ('pattern = "(a+)+$"', "channels.pbx1.menus.main.pattern: '(a+)+$' is no form of a number"),
        ("pattern = 5", "channels.pbx1.menus.main.pattern: is not a text, nor a list"),
        ('pattern = "XXX"\nmin_digits = 4', "channels.pbx1.menus.main.pattern: 'XXX' is never met"),
        ('secret = true\nconfirm = ["a", "{digits}"]', "channels.pbx1.menus.main.confirm: says a secret aloud"),
        ('confirm = "{number}"', "channels.pbx1.menus.main.confirm: '{number}' cannot be played"),
    ],
)
def test_problem_of_a_number(changes: str, says: str) -> None:
    (found,) = problems(f"{COLLECT}\n{changes}")
    assert found.startswith(says), found


def test_long_numbers_had_better_be_secret() -> None:
    long = f"{COLLECT}\nmin_digits = 16"
    (caution,) = read_options("pbx1", {**PLAIN, **tomllib.loads(long)}).cautions
    assert caution[0] == "menus.main.collect"
    assert read_options("pbx1", {**PLAIN, **tomllib.loads(f"{long}\nsecret = true")}).cautions == ()
    (caution,) = read_options("pbx1", {**PLAIN, **tomllib.loads(COLLECT)}).cautions
    assert "max_digits" in caution[2]
    assert read_options("pbx1", {**PLAIN, **tomllib.loads(f"{COLLECT}\nmax_digits = 14")}).cautions == ()


def test_number_without_a_way_on() -> None:
    (found,) = problems(COLLECT.replace('then = { queue = "sales" }', ""))
    assert found.startswith("channels.pbx1.menus.main.then: is missing")
    (found,) = problems(COLLECT.replace('"order"', '"Order Nr"'))
    assert found.startswith("channels.pbx1.menus.main.collect: 'Order Nr' cannot be used")


def test_longer_loop_is_said_once() -> None:
    text = """
menu = "a"
[menus.a]
prompt = "x"
keys.1 = { hangup = true }
default = { menu = "b" }
[menus.b]
prompt = "x"
keys.1 = { hangup = true }
default = { menu = "c" }
[menus.c]
prompt = "x"
keys.1 = { menu = "a" }
default = { menu = "b" }
"""
    (found,) = problems(text)
    assert found.startswith("channels.pbx1.menus.b.default: goes round for ever without a key: b → c → b")


def test_menus_for_the_dialplan() -> None:
    text = SHOP.replace('menu = "main"', "", 1)
    found = problems(text)
    assert sorted(each.split(":")[0] for each in found) == [
        f"channels.pbx1.menus.{name}" for name in ("card", "main", "orders", "support")
    ]
    assert menus(text.replace("[menus.main]", "[menus.main]\nentry = true"))["main"].entry


def test_acd_check_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    lines = [
        "[channels.pbx1]",
        'type = "asterisk"',
        'url = "http://127.0.0.1:8088/ari"',
        'user = "acd"',
        'password_env = "X"',
        'menu = "main"',
        "[channels.pbx1.menus.main]",
        'prompt = "acd/welcome"',
        'keys.1 = { menu = "nowhere" }',
        'default = { queue = "sales" }',
        "[queues.sales]",
    ]
    file.write_text("\n".join(lines))
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 1
    assert "acd.toml:9: channels.pbx1.menus.main.keys.1.menu: 'nowhere' is not declared" in result.output, result.output


def test_acd_check_knows_the_queues(tmp_path: Path) -> None:
    """Wherever an option names one; and a file that is wrong elsewhere is not said to lack queues."""
    file = tmp_path / "acd.toml"
    lines = [
        "[channels.pbx1]",
        'type = "asterisk"',
        'url = "http://127.0.0.1:8088/ari"',
        'user = "acd"',
        'password_env = "X"',
        'menu = "main"',
        "[channels.pbx1.menus.main]",
        'prompt = "acd/welcome"',
        'keys.1 = { queue = "slaes" }',
        'default = { queue = "客服" }',
        "[channels.pbx1.queues.purchase]",
        'answer = "when-agent-answers"',
        "[queues.sales]",
    ]
    file.write_text("\n".join(lines))
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 1
    for said in (
        "acd.toml:9: channels.pbx1.menus.main.keys.1.queue: there is no queue 'slaes'; did you mean sales?",
        "acd.toml:10: channels.pbx1.menus.main.default.queue: there is no queue '客服'; declare it: [queues.客服]",
        "acd.toml:11: channels.pbx1.queues.purchase: there is no queue 'purchase'",
    ):
        assert said in result.output, result.output
    file.write_text("\n".join([*lines, "[queues.sales]x"]))
    assert "there is no queue" not in CliRunner().invoke(command, [str(file)]).output


def test_menus_need_ari() -> None:
    without = {"control": "ami", "ami": {"user": "acd", "password": "x"}, "answer": "when-agent-answers"}
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {**without, **tomllib.loads(ONE)})
    assert [each.split(";")[0] for each in caught.value.problems] == [
        'channels.pbx1.menus: needs ARI, which control = "ami" does without',
        'channels.pbx1.answer: needs ARI, which control = "ami" does without',
    ]
