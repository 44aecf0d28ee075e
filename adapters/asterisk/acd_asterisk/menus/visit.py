"""One caller in the menus, as a state machine: keys, time-outs and ends of prompts in, what to say or do out.

Owns what a press leads to, and what is remembered of it. Must not know the PBX, clocks, or the engine: time is
somebody else's, who tells when it has run out.

The phases, and what takes the caller from one to another:

| phase | a key | time is up | the prompt has ended |
|---|---|---|---|
| speaking | hush; as entering (nothing without `barge_in`) | (nothing runs) | listening |
| listening | as entering | asked again, or the default | - |
| entering | complete: on; else entering | complete: on; else asked again, or the default | - |
| left | - | - | - |
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from acd_asterisk import media
from acd_asterisk.menus.plan import DIGITS, Action, Collect, Menu, Spoken, fits, sounds

MAX_ASKED: Final = 100
"""How often a caller is asked anything in one visit; who goes on pressing keys beyond that is let go."""

MAX_TRAIL: Final = 16
"""Menus back to which a caller can go."""

KEYS: Final = "0123456789*#"

YES: Final = "1"
"""Confirms what was entered; every other key means to enter it again."""

DEFAULT: Final = "default"
"""Noted instead of a key where nothing right was pressed."""

_ENTERED: Final = "entered"

Phase = Literal["speaking", "listening", "entering", "left"]


class Turn(Struct, frozen=True):
    """What to do now, in this order. An empty one changes nothing; after any other no timer runs but its own.

    `hush`: end what is being said. `say`: sounds, one after another; `said` tells of their end. `wait_us`: begin a
    timer; `time_out` tells of its end. `leave`: the menus are over, and this is where to.
    """

    hush: bool = False
    say: tuple[str, ...] = ()
    wait_us: int = 0
    leave: Action | None = None


class Visit:
    """One caller. `language` may be empty: then prompts are those for all languages."""

    def __init__(self, menus: Mapping[str, Menu], entry: str, language: str = "") -> None:
        """`entry` is one of `menus`. Nothing has been said yet: see `begin`."""
        self._menus = menus
        self._menu = menus[entry]
        self._trail: list[tuple[str, str]] = []
        self._phase: Phase = "speaking"
        self._buffer = ""
        self._confirming = False
        self._wrong = 0
        self._asked = 0
        self._taken: dict[str, tuple[str, Action]] = {}
        """By menu: the key, and what it led to, as long as the caller has not gone back behind it."""
        self._numbers: dict[str, str] = {}
        self.language = language
        self.chosen = ""
        """The language that the caller has chosen, if any."""
        self.secrets: dict[str, str] = {}
        """Numbers that are kept with the person only."""

    @property
    def menu(self) -> str:
        """The name of the menu at hand."""
        return self._menu.name

    @property
    def phase(self) -> Phase:
        """Where the caller stands in it."""
        return self._phase

    @property
    def attributes(self) -> dict[str, str]:
        """What travels with the interaction: `menu.NAME` is what was pressed there."""
        noted: dict[str, str] = {}
        for name, (key, action) in self._taken.items():
            if key != _ENTERED:
                noted[f"menu.{name}"] = key
            noted.update(action.attributes)
        return {**noted, **self._numbers}

    @property
    def requirement(self) -> str:
        """What the keys pressed ask of an agent; empty when nothing."""
        given = [action.requirement for _, action in self._taken.values() if action.requirement]
        return joined(*given)

    @property
    def priority(self) -> int | None:
        """The last one that a key stood for; None when none did."""
        given = [action.priority for _, action in self._taken.values() if action.priority is not None]
        return given[-1] if given else None

    @property
    def agent(self) -> str:
        """Likewise; empty when none did."""
        return next((action.agent for _, action in reversed(self._taken.values()) if action.agent), "")

    def begin(self) -> Turn:
        """Ask, in the menu at hand."""
        return self._ask(self._menu.prompt, hush=False)

    def press(self, key: str) -> Turn:
        """The caller has pressed a key; what is none is nothing."""
        if self._phase == "left" or len(key) != 1 or key not in KEYS:
            return Turn()
        hush = self._phase == "speaking"
        if hush and not self._menu.barge_in:
            return Turn()
        self._phase = "entering"
        collect = self._menu.collect
        if self._confirming and collect is not None:
            if key == YES:
                return self._collected(collect, hush=hush)
            return self._ask(self._menu.prompt, hush=hush)
        if collect is not None:
            return self._enter_digit(collect, key, hush=hush)
        return self._enter_choice(key, hush=hush)

    def time_out(self) -> Turn:
        """Nothing was pressed for as long as `wait_us` said."""
        collect = self._menu.collect
        match self._phase:
            case "listening":
                return self._refuse(self._menu.timeout, hush=False)
            case "entering" if collect is not None:
                return self._entered(collect, hush=False)
            case "entering":
                action = dict(self._menu.keys).get(self._buffer)
                if action is None:
                    return self._refuse(self._menu.invalid, hush=False)
                return self._take(self._buffer, action, hush=False)
            case _:
                return Turn()

    def said(self) -> Turn:
        """All that was to be said has been said."""
        if self._phase != "speaking":
            return Turn()
        self._phase = "listening"
        return Turn(wait_us=self._menu.first_us)

    # ---- where somebody is, in words that outlive this process

    def trail(self) -> str:
        """The menus and keys on the way here, names and keys of the configuration only: `main:2,orders`.

        A menu in which something was entered ends it: that is not written down.
        """
        steps: list[str] = []
        for name, key in self._trail:
            if key == _ENTERED:
                return ",".join((*steps, name))
            steps.append(f"{name}:{key}")
        return ",".join((*steps, self._menu.name))

    def follow(self, trail: str) -> None:
        """Go the way that `trail` says, from the entry on, as far as the configuration still has it."""
        for step in trail.split(",")[:MAX_TRAIL]:
            name, _, key = step.partition(":")
            action = self._menu.default if key == DEFAULT else dict(self._menu.keys).get(key)
            if name != self._menu.name or action is None or not action.menu:
                return
            self._note(key, action)
            self._move(key, self._menus[action.menu])

    # ---- what a press leads to

    def _enter_choice(self, key: str, *, hush: bool) -> Turn:
        self._buffer += key
        keys = dict(self._menu.keys)
        action = keys.get(self._buffer)
        may_go_on = any(each != self._buffer and each.startswith(self._buffer) for each in keys)
        if may_go_on:
            return Turn(hush=hush, wait_us=self._menu.between_us)
        if action is None:
            return self._refuse(self._menu.invalid, hush=hush)
        return self._take(self._buffer, action, hush=hush)

    def _enter_digit(self, collect: Collect, key: str, *, hush: bool) -> Turn:
        if key == collect.terminator:
            return self._entered(collect, hush=hush)
        if not key.isdigit():
            return self._refuse(self._menu.invalid, hush=hush)
        self._buffer += key
        if len(self._buffer) == collect.most:
            return self._entered(collect, hush=hush)
        return Turn(hush=hush, wait_us=self._menu.between_us)

    def _entered(self, collect: Collect, *, hush: bool) -> Turn:
        """A number is complete, right or wrong."""
        if self._confirming:
            return self._refuse(self._menu.timeout, hush=hush)
        digits = self._buffer
        has_form = not collect.patterns or any(fits(pattern, digits) for pattern in collect.patterns)
        if len(digits) < collect.least or not has_form:
            return self._refuse(self._menu.invalid, hush=hush)
        if collect.confirm:
            return self._ask(collect.confirm, hush=hush, confirming=digits)
        return self._collected(collect, hush=hush)

    def _collected(self, collect: Collect, *, hush: bool) -> Turn:
        (self.secrets if collect.secret else self._numbers)[collect.attribute] = self._buffer
        return self._take(_ENTERED, collect.then, hush=hush)

    def _refuse(self, why: Spoken, *, hush: bool) -> Turn:
        """Ask again, or go the way of those who never get it right."""
        self._wrong += 1
        if self._wrong > self._menu.retries:
            return self._take(DEFAULT, self._menu.default, hush=hush)
        return self._ask(why, self._menu.prompt, hush=hush)

    def _take(self, key: str, action: Action, *, hush: bool) -> Turn:
        self._note(key, action)
        if action.menu:
            self._move(key, self._menus[action.menu])
        elif action.ending == "back":
            self._go_back()
        elif action.ending != "repeat":
            self._phase = "left"
            return Turn(hush=hush, leave=action)
        return self._ask(self._menu.prompt, hush=hush)

    def _note(self, key: str, action: Action) -> None:
        self._taken.pop(self._menu.name, None)
        self._taken[self._menu.name] = (key, action)
        self.chosen = action.language or self.chosen
        self.language = action.language or self.language

    def _go_back(self) -> None:
        """To where the caller came from, as if nothing had been pressed there; at the entry there is nowhere to go."""
        self._taken.pop(self._menu.name, None)
        if self._trail:
            self._menu = self._menus[self._trail.pop()[0]]
            self._taken.pop(self._menu.name, None)
            self._wrong = 0

    def _move(self, key: str, menu: Menu) -> None:
        self._trail = [*self._trail, (self._menu.name, key)][-MAX_TRAIL:]
        self._menu = menu
        self._wrong = 0

    def _ask(self, *spoken: Spoken, hush: bool, confirming: str = "") -> Turn:
        self._asked += 1
        if self._asked > MAX_ASKED:
            self._phase = "left"
            return Turn(hush=hush, leave=Action(ending="hangup"))
        self._buffer = confirming
        self._confirming = bool(confirming)
        say = tuple(sound for each in spoken for sound in sounds(each, self.language))
        say = tuple(media.digits(confirming) if sound == DIGITS else sound for sound in say)
        self._phase = "speaking" if say else "listening"
        return Turn(hush=hush, say=say, wait_us=0 if say else self._menu.first_us)


def joined(*requirements: str) -> str:
    """All of these requirements at once; empty ones ask for nothing."""
    given = list(dict.fromkeys(each for each in requirements if each))
    return given[0] if len(given) == 1 else " && ".join(f"({each})" for each in given)
