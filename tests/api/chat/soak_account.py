"""What was said in a soak of web chat, what each screen has shown, and what must hold of both.

Owns the reckoning and what is kept for it, so that it can be done again. Must not know how a soak is run. A screen is
one page's picture of one conversation, from its opening to its reload; of an agent's it ends when the conversation is
somebody else's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from tests.adapters.asterisk.soak_account import memory_slope

KEPT = "chat-soak.json"
MOST_GROWTH = 1.0
"""Per cent in ten minutes."""

CUSTOMER = ""
"""Whose screen it is, if it is no agent's."""

Fate = Literal["pending", "kept", "refused", "forgotten"]


class Shown(NamedTuple):
    """One entry, as either side sees it. `side`: customer, agent or system."""

    seq: int
    kind: str
    side: str
    text: str


class Said(msgspec.Struct):
    """A message. `fate`: `kept` if the server has said so; `forgotten` if its page has, before it was known."""

    who: str
    text: str
    fate: Fate = "pending"


class Screen(msgspec.Struct):
    """What one page has shown of one conversation, in the order in which it was shown. `who`: an agent, or nobody."""

    who: str
    shown: list[Shown] = []


@dataclass
class Account:
    """Of a whole soak. `said`, `screens`: by conversation. `memory`: seconds, and bytes of the engine's process."""

    said: dict[str, list[Said]] = field(default_factory=dict)
    screens: dict[str, list[Screen]] = field(default_factory=dict)
    memory: list[tuple[float, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """What has happened how often: cuts by kind, kills, transfers, reloads."""

    def say(self, conversation: str, who: str, text: str) -> Said:
        """It is being sent for the first time."""
        said = Said(who, text)
        self.said.setdefault(conversation, []).append(said)
        return said

    def screen(self, conversation: str, who: str) -> Screen:
        """A page begins to show a conversation."""
        screen = Screen(who)
        self.screens.setdefault(conversation, []).append(screen)
        return screen


def shown(entry: Mapping[str, Any]) -> Shown:
    """An entry of either protocol."""
    return Shown(int(entry["seq"]), str(entry["kind"]), str(entry["side"]), str(entry["text"]))


def keep(account: Account, folder: Path) -> None:
    """Put everything aside."""
    (folder / KEPT).write_bytes(msgspec.json.encode(account))


def kept(folder: Path) -> Account:
    """What `keep` has put aside."""
    return msgspec.json.decode((folder / KEPT).read_bytes(), type=Account, dec_hook=_made)


def _made(kind: type, found: Any) -> Any:  # noqa: ANN401 - counts
    return kind(found)


def judge(account: Account) -> None:
    """Say what came out, then check that it is right; raises `AssertionError` with what does not hold."""
    slope = memory_slope(account.memory)
    report(account, slope)
    for conversation in sorted(account.screens):
        check(account, conversation)
    assert slope is None or slope < MOST_GROWTH, f"the engine's memory grows by {slope:.2f} % in ten minutes"


def check(account: Account, conversation: str) -> None:
    """Each side has shown the same, to the end, and in it every message once, in the order in which it was said."""
    screens = account.screens[conversation]
    full = max((each.shown for each in screens), key=len)
    told = f"\n{conversation}: {full}\n{account.said.get(conversation)}\n"
    assert [each.seq for each in full] == list(range(1, len(full) + 1)), f"a gap, or a second one{told}"
    assert full, f"nothing was shown{told}"
    assert full[-1].kind == "ended", f"it does not end{told}"
    assert [each.kind for each in full].count("ended") == 1, f"it ends twice{told}"
    for screen in screens:
        assert screen.shown == full[: len(screen.shown)], f"{screen.who or 'the customer'} saw {screen.shown}{told}"
    last = [screen for screen in screens if screen.who == CUSTOMER][-1]
    assert last.shown == full, f"the customer has not seen all of it{told}"
    kinds = [each.kind for each in full]
    if kinds.count("joined") > kinds.count("left"):
        agents = [screen for screen in screens if screen.who != CUSTOMER]
        assert any(screen.shown == full for screen in agents), f"no agent has seen all of it{told}"
    _check_said(account.said.get(conversation, []), full, told)


def _check_said(said: Sequence[Said], full: Sequence[Shown], told: str) -> None:
    """What was kept is there, what was refused is not, what was forgotten may be; all of it once, and in order."""
    texts = [each.text for each in full if each.kind == "message"]
    assert len(set(texts)) == len(texts), f"shown more than once{told}"
    assert not [each for each in said if each.fate == "pending"], f"it is not known what became of it{told}"
    by_text = {each.text: each for each in said}
    strange = [text for text in texts if text not in by_text or by_text[text].fate == "refused"]
    assert not strange, f"nobody said {strange}{told}"
    for who in {each.who for each in said}:
        own = [each.text for each in said if each.who == who and each.fate == "kept"]
        found = [text for text in texts if by_text[text].who == who and by_text[text].fate == "kept"]
        assert found == own, f"{who or 'the customer'} said {own}, and {found} was shown{told}"


def report(account: Account, slope: float | None) -> None:
    """Figures."""
    everything = [each for said in account.said.values() for each in said]
    fates = Counter(each.fate for each in everything)
    fullest = (max((each.shown for each in screens), key=len) for screens in account.screens.values())
    ends = Counter(shown[-1].text for shown in fullest if shown)
    growth = "not watched for long enough" if slope is None else f"{slope:+.2f} % in ten minutes"
    first, last = (account.memory[place][1] / 1e6 if account.memory else 0 for place in (0, -1))
    print(  # noqa: T201 - the purpose
        f"{len(account.screens)} conversations, {len(everything)} messages: {dict(fates)}\n"
        f"ends: {dict(ends.most_common(8))}\nwhat happened: {dict(sorted(account.counts.items()))}\n"
        f"memory: {first:.1f} MB, then {last:.1f} MB: {growth}",
        flush=True,
    )
