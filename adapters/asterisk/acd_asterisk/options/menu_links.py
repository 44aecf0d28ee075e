"""How menus hang together: where callers enter, what leads where, and that nobody goes round for ever.

Owns those checks. Must not know how one menu is read (`menus`).
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from acd_asterisk.menus.plan import Menu

Report = Callable[[str, str, str], None]
"""Notes a problem: key, reason, fix."""


def check_links(menus: Iterable[Menu], entry: str, problem: Report, of_menu: Mapping[str, Report]) -> None:
    """Report every link that leads nowhere, every menu that nobody reaches, and every way round without a key.

    `entry` is the option `menu`; `problem` notes what is wrong with the channel, `of_menu` with each menu.
    """
    by_name = {menu.name: menu for menu in menus}
    if entry and entry not in by_name:
        problem("menu", f"{entry!r} is not declared", _instead(entry, by_name))
    for menu in by_name.values():
        for option, action in menu.actions():
            if action.menu and action.menu not in by_name:
                of_menu[menu.name](f"{option}.menu", f"{action.menu!r} is not declared", _instead(action.menu, by_name))
    reached = _reached(by_name, [entry, *(menu.name for menu in by_name.values() if menu.entry)])
    for name in by_name:
        if name not in reached:
            fix = f'lead a key there, set menu = "{name}", or set its entry = true for Stasis(APP,menu:{name})'
            of_menu[name]("", "is reached by nobody", fix)
    for loop in _loops(by_name):
        way = " → ".join((*loop, loop[0]))
        of_menu[loop[0]]("default", f"goes round for ever without a key: {way}", "let one of them end somewhere else")


def _reached(menus: Mapping[str, Menu], entries: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    open_ends = [name for name in entries if name in menus]
    while open_ends:
        name = open_ends.pop()
        if name not in reached:
            reached.add(name)
            open_ends.extend(action.menu for _, action in menus[name].actions() if action.menu in menus)
    return reached


def _loops(menus: Mapping[str, Menu]) -> list[list[str]]:
    """Each once: every menu has one default, so that there is one way to follow from each."""
    loops: list[list[str]] = []
    seen: set[str] = set()
    for start in menus:
        way: list[str] = []
        name = start
        while name in menus and name not in seen and name not in way:
            way.append(name)
            name = menus[name].default.menu
        if name in way:
            loops.append(way[way.index(name) :])
        seen.update(way)
    return loops


def _instead(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"declared are {', '.join(names)}" if names else "there are no menus"
