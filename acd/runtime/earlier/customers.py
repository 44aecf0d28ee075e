"""Which references name one customer, so that what there was with them may be shown to whoever serves them next.

Owns the rule. Must not know where a reference comes from, nor who reads. The engine takes every reference that an
application gives, and many give one to everybody whom they do not know: `unknown`, `guest`, `0`. Whoever came by such a
one would have the conversations of strangers read out to them.

References of our own are random, and name one customer. Another one has to look like an id: with a digit other than 0
in it, and more than one letter or digit. What looks like one and is everybody's all the same (`web-1`) is found out by
how often it comes (`MAX_A_DAY`).
"""

import re
from typing import Final

MAX_A_DAY: Final = 50
"""Interactions of one reference in 24 hours; of more, they are not one customer's."""

DAY_US: Final = 24 * 3_600 * 1_000_000

_OURS: Final = re.compile(r"c[uv]_[a-z2-7]{26}")
"""Of the personal store, and of a page's visitor."""

_NO_SIGN: Final = re.compile(r"[\W_]")


def names_one(reference: str) -> bool:
    """Whether it looks like one customer's."""
    if _OURS.fullmatch(reference):
        return True
    signs = _NO_SIGN.sub("", reference)
    return len(set(signs)) > 1 and any(each.isdecimal() and int(each) for each in signs)
