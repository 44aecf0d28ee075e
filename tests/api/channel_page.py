"""The list of messages in CHANNELS.md, made of those that the protocol knows.

    python -m tests.api.channel_page            writes it between the markers
    python -m tests.api.channel_page --check    changes nothing; fails when the document is stale

Owns the list's form. Must not know what the messages mean. It is not in `acd.testing`, which must not know the API.
"""

import json
import sys
from typing import Any, Final

from acd.api.external.catalogue import MESSAGES, Described
from acd.testing.sections import Section, write_or_check

DOCUMENT: Final = "CHANNELS.md"
COMMAND: Final = "python -m tests.api.channel_page"
BEGIN: Final = f"<!-- messages: begin; written by `{COMMAND}`, do not edit -->"
END: Final = "<!-- messages: end -->"

PARTS: Final = {
    "process": "What your process says",
    "server": "What it is told",
}


def section() -> Section:
    """Every message with its meaning, an example and its fields."""
    parts = [BEGIN]
    for said_by, title in PARTS.items():
        parts += ["", f"## {title}"]
        for each in MESSAGES:
            if each.said_by == said_by:
                parts += [
                    "",
                    f"### `{each.name}`",
                    "",
                    each.meaning,
                    "",
                    "```json",
                    _example(each),
                    "```",
                    *_table(each),
                ]
    return Section(DOCUMENT, BEGIN, END, "\n".join([*parts, "", END]), "the list of messages is", COMMAND)


def _example(message: Described) -> str:
    return json.dumps(message.example, ensure_ascii=False)


def _table(message: Described) -> list[str]:
    """The fields besides `type`, nested ones by their path."""
    said = message.said_by == "process"
    rows = [
        f"| `{path}` | {_in_words(schema, message.schema)} |{f' {_presence(schema, needed=needed)} |' if said else ''}"
        for path, schema, needed in _fields(message.schema, message.schema)
        if path != "type"
    ]
    head = ["| field | | if left out |", "|---|---|---|"] if said else ["| field | |", "|---|---|"]
    return ["", *head, *rows] if rows else []


def _fields(schema: dict[str, Any], root: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any], bool]]:
    found = []
    for name, field in schema.get("properties", {}).items():
        found.append((prefix + name, field, name in schema.get("required", ())))
        for inner, mark in _structures(field, root):
            found += _fields(inner, root, f"{prefix}{name}{mark}.")
    return found


def _structures(field: dict[str, Any], root: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The objects with fields of their own that a field holds, and whether it holds several."""
    found = [(option, "") for option in field.get("anyOf", [field])] + [(field.get("items", {}), "[]")]
    return [(_resolved(each, root), mark) for each, mark in found if "$ref" in each]


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    name = schema["$ref"].rpartition("/")[2]
    inner: dict[str, Any] = root["$defs"][name]
    return inner


def _in_words(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """`text, 1 to 128 characters`."""
    words = _kind(schema, root)
    if text := schema.get("description", ""):
        words += f". {text}"
    return words.replace("|", "\\|")


def _kind(schema: dict[str, Any], root: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return ", or ".join(_kind(option, root) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "$ref" in schema:
        return "an object"
    kind = schema.get("type")
    if kind == "string":
        return _text(schema)
    if kind == "integer":
        return _range("whole number", schema.get("minimum"), schema.get("maximum"), "")
    if kind == "array":
        return _range("list", None, schema.get("maxItems"), " entries")
    if kind == "object":
        return _range("texts by name", None, schema.get("maxProperties"), " entries")
    return {"boolean": "true or false", "number": "number"}[str(kind)]


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "moment, ISO 8601 in UTC"
    return _range("text", schema.get("minLength"), schema.get("maxLength"), " characters")


def _range(what: str, least: int | None, most: int | None, unit: str) -> str:
    if most is None:
        return what if least in (None, 0, 1) else f"{what}, {least} at least"
    bounds = f"up to {most:,}" if least is None else f"{least:,} to {most:,}"
    return f"{what}, {bounds}{unit}"


def _presence(schema: dict[str, Any], *, needed: bool) -> str:
    if needed:
        return "is required"
    default = json.dumps(schema.get("default", ""), ensure_ascii=False)
    return f"`{default}`"


if __name__ == "__main__":
    sys.exit(write_or_check(section(), sys.argv[1:]))
