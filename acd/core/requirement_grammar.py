"""How a requirement is read: the grammar, and what to tell whoever mistyped it.

Owns the syntax (a small subset of CEL, https://cel.dev) and its error messages. Must not know
agents or classes. LALR: neither reading nor building recurses, whatever the text.
"""

import difflib
import re
import sys
from typing import Final, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from acd.core import limits
from acd.core.expression import (
    KEYWORDS,
    SWAPPED,
    Compare,
    Constant,
    Member,
    Node,
    Not,
    OneOf,
    all_of,
    either_of,
    spell,
    spell_skill,
)
from acd.errors import RequirementError

MAX_DEPTH: Final = 50
"""Parentheses that may be open at once."""

GRAMMAR: Final = r"""
start: either
either: all (_OR all)*
all: unary (_AND unary)*
?unary: primary
      | skill comparator INT     -> compare
      | INT comparator skill     -> compare_swapped
      | skill IN "[" INT ("," INT)* "]" -> one_of
      | STRING IN LABELS         -> label
      | STRING IN QUEUES         -> queue
?primary: NOT primary            -> negation
      | "(" either ")"           -> group
      | TRUE                     -> true
      | FALSE                    -> false
      | HAS "(" skill ")"        -> has
skill: SKILLS "." NAME           -> dotted
     | SKILLS "[" STRING "]"     -> indexed
!comparator: ">=" | "<=" | "==" | "!=" | ">" | "<"

_OR: "||"
_AND: "&&"
NOT: "!"
TRUE: "true"
FALSE: "false"
IN: "in"
HAS: "has"
SKILLS: "skills"
LABELS: "labels"
QUEUES: "queues"
NAME: /[A-Za-z_][A-Za-z0-9_]*/
INT: /-?[0-9]+/
STRING: /"([^"\\\n\r]|\\.)*"|'([^'\\\n\r]|\\.)*'/
%ignore /[ \t\n\r]+/
"""

_ESCAPES: Final = {"\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)

_WORDS: Final = {
    "and": "write && for 'and'",
    "or": "write || for 'or'",
    "not": "write ! for 'not'",
    "is": "write == for 'is'",
    "true": "write true in lower case",
    "false": "write false in lower case",
}

_CHARACTERS: Final = {
    "=": "write == to compare",
    "&": "write && for 'and'",
    "|": "write || for 'or'",
    "+": "there is no arithmetic: compare each skill by itself",
    "*": "there is no arithmetic: compare each skill by itself",
    "/": "there is no arithmetic: compare each skill by itself",
    "-": 'a name with other characters goes into brackets: skills["spanish-latam"]',
    "?": "there is no conditional: use && and ||",
    "{": "there are no maps: compare skills.NAME with a number",
    "≥": "write >=",
    "≤": "write <=",
    "≠": "write !=",
    "“": 'a typographic quote; write "',
    "”": 'a typographic quote; write "',
    "„": 'a typographic quote; write "',
    "‘": "a typographic quote; write '",
    "’": "a typographic quote; write '",
    "「": 'a CJK quote; write "',
    "」": 'a CJK quote; write "',
    "。": "a CJK full stop; write .",
    "、": "a CJK comma; write ,",
    "【": "a CJK bracket; write [",
    "】": "a CJK bracket; write ]",
    "\u3000": "a full-width space; write an ordinary one",
    "\u00a0": "a non-breaking space; write an ordinary one",
}

_EXAMPLE: Final = 'for example: skills.english >= 5 && "vip" in labels'


def read(text: str) -> Node:
    """The tree of a requirement's text. Raises `RequirementError`, also beyond a limit."""
    _check_size(text)
    try:
        node = cast("Node", _PARSER.parse(text))
    except UnexpectedCharacters as error:
        raise _explain_character(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        raise _explain_token(text, error) from None
    except _Misread as error:
        raise _error(error.problem, text, error.column) from None
    if node.size > limits.MAX_REQUIREMENT_NODES:
        problem = f"too complex: {node.size} operators and operands, at most {limits.MAX_REQUIREMENT_NODES}"
        raise _error(problem, text, 0)
    return node


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Grammar rules → nodes, called by the parser as each rule is complete."""

    def start(self, node: Node) -> Node:
        return node

    group = start

    def either(self, *nodes: Node) -> Node:
        return either_of(nodes)

    def all(self, *nodes: Node) -> Node:
        return all_of(nodes)

    def negation(self, _symbol: Token, node: Node) -> Node:
        return Not(node)

    def true(self, _word: Token) -> Node:
        return Constant(value=True)

    def false(self, _word: Token) -> Node:
        return Constant(value=False)

    def comparator(self, symbol: Token) -> str:
        return str(symbol)

    def compare(self, skill: str, symbol: str, number: Token) -> Node:
        return Compare(skill, symbol, _proficiency(number))

    def compare_swapped(self, number: Token, symbol: str, skill: str) -> Node:
        return Compare(skill, SWAPPED[symbol], _proficiency(number))

    def one_of(self, skill: str, _in: Token, *numbers: Token) -> Node:
        return OneOf(skill, frozenset(map(_proficiency, numbers)))

    def label(self, name: Token, _in: Token, _labels: Token) -> Node:
        return Member(_unquote(name), "label")

    def queue(self, name: Token, _in: Token, _queues: Token) -> Node:
        return Member(_unquote(name), "queue")

    def has(self, _has: Token, skill: str) -> Node:
        return Compare(skill, ">=", 1)

    def dotted(self, _skills: Token, name: Token) -> str:
        _check_name(name, str(name))
        return str(name)

    def indexed(self, _skills: Token, name: Token) -> str:
        return _unquote(name)


_PARSER: Final = Lark(GRAMMAR, parser="lalr", lexer="basic", transformer=_Builder())


class _Misread(Exception):
    """A rule is complete but makes no sense."""

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.column = column


def _error(problem: str, text: str, column: int) -> RequirementError:
    """The error, with white space shown as spaces so that the caret stands where it should."""
    return RequirementError(problem, re.sub(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", " ", text), column)


def _check_size(text: str) -> None:
    if len(text) > limits.MAX_REQUIREMENT:
        problem = f"too long: {len(text)} characters, at most {limits.MAX_REQUIREMENT}"
        raise _error(problem, text[: limits.MAX_REQUIREMENT], limits.MAX_REQUIREMENT)
    depth = 0
    for found in re.finditer(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]""", text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            raise _error(f"nested too deeply: more than {MAX_DEPTH} open parentheses", text, found.start())


def _proficiency(number: Token) -> int:
    value = int(number) if len(number) < 6 else -1  # noqa: PLR2004
    if not 0 <= value <= limits.MAX_PROFICIENCY:
        most = limits.MAX_PROFICIENCY
        raise _Misread(f"{number} is no proficiency: they run from 1 to {most}, and 0 stands for not held", _at(number))
    return value


def _unquote(literal: Token) -> str:
    def replace(found: re.Match[str]) -> str:
        escape = found[1]
        if escape[0] in "uU" and len(escape) > 1:
            code = int(escape[1:], 16)
            if code > sys.maxunicode or "\ud800" <= chr(code) <= "\udfff":
                raise _Misread(f"\\{escape} is no character", _at(literal) + 1 + found.start())
            return chr(code)
        if escape not in _ESCAPES:
            raise _Misread(
                f"unknown escape \\{escape}: there are \\\" \\' \\\\ \\n \\r \\t and \\uXXXX",
                _at(literal) + 1 + found.start(),
            )
        return _ESCAPES[escape]

    name = _ESCAPE.sub(replace, literal[1:-1])
    _check_name(literal, name)
    return name


def _check_name(token: Token, name: str) -> None:
    if not name:
        raise _Misread("the name is empty", _at(token))
    if len(name) > limits.MAX_ID:
        raise _Misread(f"the name is too long: {len(name)} characters, at most {limits.MAX_ID}", _at(token))


def _at(token: Token) -> int:
    column = token.start_pos
    assert column is not None
    return column


def _explain_character(text: str, column: int) -> RequirementError:
    """No token begins here."""
    character = text[column]
    before = text[:column].rstrip()
    hint = _CHARACTERS.get(character)
    if character == "=" and before.endswith((">", "<", "!")):
        hint = f"write {before[-1]}= without a space"
    elif text.startswith(("=>", "=<"), column):
        hint = f"write {text[column + 1]}="
    ascii_twin = chr(ord(character) - 0xFEE0) if "\uff01" <= character <= "\uff5e" else ""
    if character in "\"'":
        return _error(f"the quote {character} is never closed", text, column)
    if ascii_twin and not ascii_twin.isalpha():
        hint = f"a full-width character; write {ascii_twin}"
    elif hint is None and before.endswith("skills."):
        word = re.match(r"[^\s<>=!&|()\[\]\"']+", text[column:])
        assert word is not None
        hint = f"such a name goes into brackets: {spell_skill(word[0])}"
    elif hint is None and character.isalpha():
        word = re.match(r"\w+", text[column:])
        assert word is not None
        hint = f"a label or queue goes into quotes: {spell(word[0])} in labels"
    return _error(f"unexpected {spell(character)}" + (f": {hint}" if hint else f"; {_EXAMPLE}"), text, column)


def _explain_token(text: str, error: UnexpectedToken) -> RequirementError:
    """A token stands where the grammar does not allow it."""
    token = error.token
    at_end = token.type == "$END"
    column = len(text.rstrip()) if at_end else _at(token)
    before = text[:column].rstrip()
    problem = (
        _explain_bare_skill(before, token)
        or (_explain_end(before, set(error.expected)) if at_end else None)
        or _explain_word(before, text[column:], token)
        or _explain_place(before, set(error.expected), token)
    )
    return _error(problem, text, column)


_BARE_SKILL: Final = re.compile(r"skills\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(\"[^\"]*\"|'[^']*')\s*\])\Z")
_CHAIN: Final = re.compile(r"(?:>=|<=|==|!=|<|>)\s*(?:-?\d+|skills\s*(?:\.\s*\w+|\[[^\]]*\]))\Z")
_COMPARATORS: Final = frozenset({">=", "<=", "==", "!=", "<", ">"})


def _explain_bare_skill(before: str, token: Token) -> str | None:
    """`skills.english && …`: a skill where a truth value is wanted."""
    if token in _COMPARATORS and _CHAIN.search(before):
        return "comparisons cannot be chained: write 1 < skills.x && skills.x < 5"
    found = _BARE_SKILL.search(before)
    if found is None or token.type not in {"$END", "_OR", "_AND", "RPAR"} or _CHAIN.search(before):
        return None
    return f"a skill is a number: compare it: {found[0]} >= 1"


def _explain_end(before: str, expects: set[str]) -> str:
    if not before:
        return f"the requirement is empty; {_EXAMPLE}"
    if before.endswith("skills"):
        return "the skill's name is missing: skills.english >= 1"
    if before.endswith("skills."):
        return "the skill's name is missing after the dot"
    if before.endswith(tuple(_COMPARATORS)):
        return "what to compare with is missing: a number, or skills.NAME"
    if "RPAR" in expects:
        return "a closing parenthesis ) is missing"
    if "RSQB" in expects:
        return "a closing bracket ] is missing"
    if before.endswith(("'", '"')):
        return f"what the name belongs to is missing: {_last_string(before)} in labels"
    return f"the requirement ends too early; {_EXAMPLE}"


def _explain_word(before: str, rest: str, token: Token) -> str | None:
    """A word that the grammar does not know, or not here."""
    word = str(token)
    if before.endswith("skills.") and word in KEYWORDS:
        return f'{word} is a word of the grammar; write skills["{word}"]'
    if token.type != "NAME":
        return None
    if re.match(r"not\s+in\b", rest):
        return "write !(… in …) for 'not in'"
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if re.match(r"\w+\s+in\b", rest):
        return f'a label or queue goes into quotes: "{word}" in labels'
    close = difflib.get_close_matches(word, sorted(KEYWORDS), n=1, cutoff=0.7)
    if close:
        return f"unknown name {word}: did you mean {close[0]}?"
    if before.endswith("in"):
        return f"unknown name {word}: after 'in' comes labels, queues, or a list of numbers"
    if before.endswith(tuple(_COMPARATORS)):
        return f"{word} is no number: a skill is compared with a whole number"
    return f"unknown name {word}: a requirement speaks of skills.{word}, labels and queues"


def _explain_place(before: str, expects: set[str], token: Token) -> str:
    word = str(token)
    compares = before.endswith(tuple(_COMPARATORS))
    rules: tuple[tuple[bool, str], ...] = (
        (before.endswith("!"), "! negates what is in parentheses: !(skills.english >= 5)"),
        (before.endswith("skills"), "the skill's name is missing: skills.english >= 1"),
        (
            before.endswith("in") and token.type == "SKILLS",
            f"write has(skills.NAME) for {_last_string(before[:-2].rstrip())} in skills",
        ),
        (word == ".", "only skills have names after a dot, and proficiencies are whole numbers"),
        (compares and token.type == "STRING", "a skill is compared with a whole number, without quotes"),
        (compares, f"a skill is compared with a whole number, not with {word}"),
        (word in _COMPARATORS, f'only skills are compared: skills.english {word} 5; else: "vip" in labels'),
        (token.type in {"LABELS", "QUEUES"}, f'{word} comes after a name and in: "vip" in {word}'),
        (before.endswith("in"), "after 'in' comes labels, queues, or for a skill a list of numbers: [3, 5]"),
        ("RSQB" in expects or before.endswith(("[", ",")), "a list holds whole numbers with commas between: [3, 5]"),
        (word == ")" and "RPAR" not in expects, "this parenthesis was never opened, or nothing stands before it"),
        (word in {"&&", "||"}, f"something is missing before {word}"),
        (word == "!", "! stands before what it negates: !(skills.english >= 5)"),
        (bool(expects & {"_OR", "_AND"}), f"&& or || is missing before {word}"),
    )
    return next((problem for applies, problem in rules if applies), f"unexpected {word}; {_EXAMPLE}")


def _last_string(before: str) -> str:
    found = re.search(r"\"[^\"]*\"\Z|'[^']*'\Z", before)
    return found[0] if found else '"name"'
