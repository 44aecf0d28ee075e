"""Every table of the adapter, and what bounds it: whatever a class keeps in a dict, list, set, deque or queue.

Owns finding them in the adapter's text, and the word for each. Must not know what is in them. One that is new is found
by `test_tables`, which asks for a line here; whether the line is true is seen on a real PBX by `test_what_grows`.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import acd_asterisk
from acd_asterisk.ami.states import MAX_DEVICES
from acd_asterisk.ami_only.telling import MAX_BRIDGES, MAX_LEGS
from acd_asterisk.ami_only.verbs import MAX_DIALLED
from acd_asterisk.confirming import MAX_CONFIRMED
from acd_asterisk.given_up import MAX_GIVEN_UP
from acd_asterisk.lanes import MAX_LANES
from acd_asterisk.names import MAX_RENEWED
from acd_asterisk.offered import SPARE
from acd_asterisk.prompts import MAX_SILENT
from acd_asterisk.transfers import LINES_KEPT

Bound = int | Literal["calls", "settings", "staff", "its owner"]
"""What bounds a table: at most so many entries; or it is

- `calls`: empty when there are no calls;
- `settings`: as long as the configuration, or as what the program is made of;
- `staff`: at most one entry for each agent when there are no calls;
- `its owner`: of an object that goes with its call, or with a request.
"""

TABLES: Final[Mapping[str, Bound]] = {
    "AmiEvents._ready": "calls",
    "Announcer._tasks": "calls",
    "AriClient._going": "calls",
    "AriClient._headers": "settings",
    "AriClient._sessions": "settings",
    "Call.legs": "its owner",
    "Call.way_out": "its owner",
    "Confirming._asked": "calls",
    "Confirming._confirmed": MAX_CONFIRMED,
    "Desk._tasks": "settings",
    "Desk.attended": "calls",
    "Desk.by_channel": "calls",
    "Desk.calls": "calls",
    "Desk.guests": "calls",
    "Desk.lingering": "calls",
    "Desk.performing": "calls",
    "Devices._agents": "staff",
    "Devices._by_agent": "staff",
    "Differences._counts": "settings",
    "EventSocket._events": "calls",
    "FeatureCodes._serving": "calls",
    "GivenUp._when": MAX_GIVEN_UP,
    "Lamps._changed": "settings",
    "Lamps._shown": "settings",
    "Lamps._wanted": "settings",
    "Lane._steps": "its owner",
    "Lanes._further": MAX_LANES,
    "Known._ends": "calls",
    "Known._tapes": "calls",
    "Leg.away": "its owner",
    "Manager._events": "calls",
    "Menus._menus": "settings",
    "Menus._stays": "calls",
    "Music._places": "settings",
    "Names._renewed": MAX_RENEWED,
    "Notes._waiting": "calls",
    "Numbers._under_way": "calls",
    "Offered._of": SPARE,
    "Part.tapes": "its owner",
    "PauseCode._typed": "calls",
    "Prompts._alone": "calls",
    "Prompts._closing": "calls",
    "Prompts._ears": "calls",
    "Prompts._playing": "calls",
    "Prompts._silent": MAX_SILENT,
    "Recorder._parts": "calls",
    "Recorder._unstopped": "calls",
    "RingFirst._asked": "calls",
    "SocketRequests._waiting": "calls",
    "States._contacts": MAX_DEVICES,
    "States._devices": MAX_DEVICES,
    "States._listeners": "settings",
    "States._registrations": MAX_DEVICES,
    "States._trunks": MAX_DEVICES,
    "Supervision._watches": "calls",
    "Telling._bridges": MAX_BRIDGES,
    "Telling._legs": MAX_LEGS,
    "Verbs._dialled": MAX_DIALLED,
    "Transfers._taken_out": LINES_KEPT,
    "Turns._patient_waiting": "calls",
    "Turns._pressing_waiting": "calls",
    "Vetoes._agents": "settings",
    "Vetoes._device_of": "settings",
    "Vetoes._looking": "calls",
    "Vetoes._ours": "staff",
    "Vetoes._settling": "calls",
    "Visit._numbers": "its owner",
    "Visit._taken": "its owner",
    "Visit._trail": "its owner",
    "Visit.secrets": "its owner",
    "Voice._turns": "calls",
    "_Stay.keys": "its owner",
}

INHERITED: Final[Mapping[str, Bound]] = {
    "Manager.callbacks": "settings",
    "Manager.config": "settings",
    "Manager.patterns": "settings",
}
"""Of libraries' classes that ours are made of: in no text of the adapter, but found in its objects."""

APART: Final = frozenset({"doctor", "importing", "lab", "options"})
"""Packages of which nothing lives as long as the engine: commands of the shell, the lab, the reading of options."""

_KINDS: Final = frozenset({"Counter", "Queue", "OrderedDict", "defaultdict", "deque", "dict", "list", "set"})
_LITERALS: Final = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)


def tables() -> set[str]:
    """`Class.attribute` of every table in the adapter's text, those of immutable classes left out."""
    return {name for text in _texts() for name in tables_of(text)}


def owners() -> set[str]:
    """The names of the adapter's classes, without immutable ones."""
    return {owner.name for text in _texts() for owner in _classes(text)}


def tables_of(text: str) -> Iterator[str]:
    """Those of one module's classes."""
    for owner in _classes(text):
        for node in ast.walk(owner):
            for target in _made(node):
                if isinstance(target, ast.Attribute) and _is_self(target.value):
                    yield f"{owner.name}.{target.attr}"
                elif isinstance(target, ast.Name) and node in owner.body:
                    yield f"{owner.name}.{target.id}"


def _texts() -> Iterator[str]:
    folder = Path(acd_asterisk.__file__).parent
    files = (each for each in folder.rglob("*.py") if not APART & set(each.relative_to(folder).parts))
    return (file.read_text() for file in files)


def _classes(text: str) -> Iterator[ast.ClassDef]:
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef))
    return (owner for owner in found if not _is_frozen(owner))


def _made(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement makes a table of."""
    if isinstance(node, ast.AnnAssign):
        if _is_type(node.annotation) or (node.value is not None and _is_table(node.value)):
            yield node.target
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if not isinstance(target, ast.Tuple):
                targets, values = [target], [node.value]
            elif isinstance(node.value, ast.Tuple):
                targets, values = target.elts, node.value.elts
            else:
                continue
            yield from (each for each, value in zip(targets, values, strict=True) if _is_table(value))


def _is_type(node: ast.expr) -> bool:
    """Whether an annotation is a table's."""
    match node:
        case ast.Constant(value=str() as text):
            return _is_type(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, right=right):
            return _is_type(left) or _is_type(right)
        case ast.Subscript(value=inner):
            return _is_type(inner)
    return _is_named(node)


def _is_table(node: ast.expr) -> bool:
    """Whether a value is one."""
    match node:
        case ast.BinOp(left=left, right=right):
            return _is_table(left) or _is_table(right)
        case ast.Call(func=ast.Subscript(value=made) | made):
            return _is_named(made)
    return isinstance(node, _LITERALS)


def _is_named(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _KINDS
    return False


def _is_frozen(owner: ast.ClassDef) -> bool:
    calls = [each for each in owner.decorator_list if isinstance(each, ast.Call)]
    keywords = [*owner.keywords, *(keyword for call in calls for keyword in call.keywords)]
    return any(each.arg == "frozen" for each in keywords) or any(
        isinstance(base, ast.Name) and base.id == "NamedTuple" for base in owner.bases
    )


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
