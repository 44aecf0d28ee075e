"""Menus for tests, as acd.toml has them."""

import tomllib
from collections.abc import Mapping

from acd_asterisk.menus.plan import Menu
from acd_asterisk.options import read_options

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "x"}

SHOP = """
menu = "main"

[menus.main]
prompt = { zh = ["acd/huanying", "acd/caidan"], default = "acd/welcome" }
invalid = "acd/invalid"
timeout = "acd/nothing"
keys.1 = { queue = "sales", attributes = { topic = "购买" }, priority = 2 }
keys.2 = { menu = "support", requirement = "skills.support >= 1" }
keys.3 = { menu = "orders" }
keys.4 = { menu = "card" }
keys.8 = { repeat = true, language = "zh" }
keys.9 = { hangup = true }
keys.100 = { dialplan = "100@extensions" }
keys."*" = { back = true }
default = { queue = "sales" }

[menus.support]
prompt = "acd/support"
keys.1 = { queue = "support", requirement = 'skills["英语"] >= 5', agent = "anna" }
keys.2 = { queue = "support" }
keys."*" = { back = true }
retries = 0
default = { menu = "orders" }

[menus.orders]
prompt = "acd/enter-order"
invalid = "acd/invalid"
collect = "order_number"
min_digits = 4
max_digits = 8
pattern = ["1XXXXX", "9."]
confirm = ["acd/you-entered", "{digits}", "acd/press-1"]
then = { queue = "orders", attributes = { has_order = "yes" } }
default = { queue = "sales" }

[menus.card]
prompt = "acd/enter-card"
collect = "card"
secret = true
min_digits = 16
max_digits = 16
then = { queue = "sales" }
default = { hangup = true }
"""


def menus(text: str = SHOP) -> Mapping[str, Menu]:
    """By name."""
    return {menu.name: menu for menu in read_options("pbx1", {**PLAIN, **tomllib.loads(text)}).menus}
