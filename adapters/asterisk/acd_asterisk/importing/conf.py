"""Configuration files of Asterisk: sections, templates, includes, comments, as `main/config.c` of Asterisk reads them.

Owns the syntax. Must not know what any section or option means. What Asterisk refuses to load, and what cannot be known
from files (`#exec`), is a `ConfigError`; what it warns of and passes over is a note.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from acd.errors import ConfigError
from acd.runtime.config.problems import quoted

MAX_FILES: Final = 1_000
"""Files that one file may include, directly or not."""

MAX_DEPTH: Final = 10
"""How deep files may include each other."""

MAX_BYTES: Final = 16 << 20
"""Of one file."""

_HEADER: Final = re.compile(r"\[([^\]]*)\](?:\(([^)]*)\))?(.*)")
_DIRECTIVE: Final = re.compile(r"#\s*(\w+)\s*(.*)")
_CHINESE: Final = "gb18030"


class Entry(NamedTuple):
    """One `name = value`, and where it stands. Names are as written."""

    name: str
    value: str
    file: str
    line: int


class Section(NamedTuple):
    """One section, with what it has from templates first. Templates themselves are no sections."""

    name: str
    entries: tuple[Entry, ...]
    file: str
    line: int


class Document(NamedTuple):
    """The sections of a file and all that it includes, in order; and what Asterisk would have warned of."""

    sections: tuple[Section, ...]
    notes: tuple[str, ...]


def read_conf(paths: Sequence[Path], encoding: str = "utf-8") -> Document:
    """Read files one after the other, as if they were one, each with what it includes from its own folder.

    Raises `ConfigError` with every problem.
    """
    reader = _Reader(encoding)
    for path in paths:
        reader.top(path)
    return reader.document()


def parse_conf(text: str, name: str) -> Document:
    """As `read_conf`, from a text that includes nothing."""
    reader = _Reader("utf-8")
    reader.lines(text, name, 0)
    return reader.document()


class _Open:
    """A section while it is being read."""

    def __init__(self, name: str, file: str, line: int, *, template: bool) -> None:
        self.name, self.file, self.line, self.template = name, file, line, template
        self.entries: list[Entry] = []


class _Reader:
    def __init__(self, encoding: str) -> None:
        self._folder: Path | None = None
        self._encoding = encoding
        self._sections: list[_Open] = []
        self._current: _Open | None = None
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._read: set[Path] = set()
        self._files = 0

    def top(self, path: Path) -> None:
        """A file that was named, not included; one that has been included already is not read again."""
        if path.resolve() in self._read:
            self._notes.append(f"{path} is included by a file before it, and was read there")
            return
        self._folder, self._current = path.parent, None
        self.read(path, 0)

    def document(self) -> Document:
        if self._problems:
            raise ConfigError(tuple(self._problems))
        kept = (
            Section(each.name, tuple(each.entries), each.file, each.line)
            for each in self._sections
            if not each.template
        )
        return Document(tuple(kept), tuple(self._notes))

    def read(self, path: Path, depth: int) -> None:
        self._files += 1
        if depth > MAX_DEPTH or self._files > MAX_FILES:
            reason = f"files include each other more than {MAX_DEPTH} deep, or are more than {MAX_FILES}"
            self._problems.append(f"{path}: {reason}; is there a file that includes itself?")
            return
        try:
            if path.stat().st_size > MAX_BYTES:
                self._problems.append(f"{path}: is larger than {MAX_BYTES >> 20} MiB; is it the right file?")
                return
            data = path.read_bytes()
            self._read.add(path.resolve())
        except OSError as error:
            self._problems.append(f"{path}: cannot be read ({error.strerror}); name a file that this user may read")
            return
        text = self._decoded(data, path)
        if text is not None:
            self.lines(text, str(path), depth)

    def lines(self, text: str, file: str, depth: int) -> None:
        for line, content in _without_comments(text):
            if content.startswith("["):
                self._header(content, file, line)
            elif content.startswith("#"):
                self._directive(content, file, line, depth)
            else:
                self._entry(content, file, line)

    def _decoded(self, data: bytes, path: Path) -> str | None:
        encoding = "utf-8-sig" if self._encoding.lower() in {"utf-8", "utf8"} else self._encoding
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            reason = f"{path}:{line}: is not {self._encoding.upper()}"
            whole = data.splitlines()[line - 1]
            try:
                data.decode(_CHINESE)
                said = quoted(whole.decode(_CHINESE).strip())
                fix = f"as GB18030 (GBK) this line says {said}: if that is right, add --encoding gb18030"
            except UnicodeDecodeError:
                fix = "name the encoding that it was written in, like --encoding latin-1"
            self._problems.append(f"{reason}; {fix}")
            return None

    def _header(self, content: str, file: str, line: int) -> None:
        match = _HEADER.fullmatch(content)
        if match is None:
            self._problems.append(f"{file}:{line}: a section's name is not closed; write it like [name]")
            self._current = None
            return
        name, options = match[1], [each.strip() for each in (match[2] or "").split(",") if each.strip()]
        if match[3]:
            self._notes.append(f"{file}:{line}: Asterisk passes over {quoted(match[3])} behind a section's name")
        if "+" in options:
            self._current = self._found(name)
            if self._current is None:
                self._problems.append(f"{file}:{line}: there is no section {quoted(name)} that (+) could add to")
                return
        else:
            self._current = _Open(name, file, line, template="!" in options)
            self._sections.append(self._current)
        for base in options:
            if base not in {"!", "+"}:
                self._inherit(self._current, base, f"{file}:{line}")

    def _inherit(self, section: _Open, base: str, place: str) -> None:
        template = next((each for each in self._sections if each.name == base and each is not section), None)
        if template is None:
            reason = f"{place}: [{section.name}] is made from {quoted(base)}, and there is no such section above it"
            self._problems.append(f"{reason}; Asterisk does not load such a file")
            return
        section.entries.extend(template.entries)

    def _found(self, name: str) -> _Open | None:
        return next((each for each in reversed(self._sections) if each.name == name), None)

    def _entry(self, content: str, file: str, line: int) -> None:
        name, equals, value = content.partition("=")
        if not equals:
            self._notes.append(f"{file}:{line}: Asterisk passes over {quoted(content)}: it has no =")
            return
        if self._current is None:
            self._problems.append(
                f"{file}:{line}: {quoted(content)} stands in no section; Asterisk does not load such a file"
            )
            return
        if name.endswith("+"):
            self._append(self._current, Entry(name[:-1].strip(), value, file, line))
        else:
            self._current.entries.append(Entry(name.strip(), value.removeprefix(">").strip(), file, line))

    @staticmethod
    def _append(section: _Open, more: Entry) -> None:
        """`name += value`: blanks before the value count, and it stands where the last of that name stood."""
        for place, entry in reversed(list(enumerate(section.entries))):
            if entry.name == more.name:
                section.entries[place] = more._replace(value=f"{entry.value}{more.value.rstrip()}")
                return
        section.entries.append(more._replace(value=more.value.strip()))

    def _directive(self, content: str, file: str, line: int, depth: int) -> None:
        match = _DIRECTIVE.fullmatch(content)
        word, rest = (match[1].lower(), match[2].strip()) if match else ("", "")
        if word == "exec":
            reason = f"{file}:{line}: #exec runs a program, which an import does not"
            self._problems.append(f"{reason}; put what it prints into its place, or read the running PBX")
        elif word in {"include", "tryinclude"}:
            self._include(rest.strip('"<>').strip(), f"{file}:{line}", depth, needed=word == "include")
        else:
            self._notes.append(f"{file}:{line}: Asterisk passes over {quoted(content)}: there is no such directive")

    def _include(self, name: str, place: str, depth: int, *, needed: bool) -> None:
        if self._folder is None or not name:
            self._problems.append(f"{place}: #include names no file that could be read")
            return
        try:
            found = _named(self._folder, name)
        except (OSError, ValueError):
            self._problems.append(f"{place}: {quoted(name)} cannot be the name of a file; take the line out")
            return
        if found is None:
            fix = "copy it beside the file that you import, and include it by its name"
            self._problems.append(f"{place}: {quoted(name)} is outside of the folder {self._folder}; {fix}")
            return
        if not found and needed:
            fix = "copy it there, or take the line out"
            self._problems.append(f"{place}: there is no {quoted(name)} in {self._folder}; {fix}")
        for path in found:
            self.read(path, depth + 1)


def _named(folder: Path, name: str) -> list[Path] | None:
    """The files of a folder that an #include means, sorted; None when it leads out of it.

    Raises `OSError` or `ValueError` for what can be no name.
    """
    inside = folder.resolve()
    wanted = (inside / name).resolve()
    if not wanted.is_relative_to(inside):
        return None
    pattern = str(wanted.relative_to(inside))
    many = any(char in pattern for char in "*?[")
    candidates = sorted(inside.glob(pattern)) if many else [wanted]
    return [folder / path.relative_to(inside) for path in candidates if path.is_file()]


def _without_comments(text: str) -> Iterator[tuple[int, str]]:
    r"""(number, content) of the lines that say anything. `;` ends a line, `\;` is one, `;--` to `--;` may be many."""
    depth = 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        kept, place = "", 0
        while place < len(line):
            opens = line.startswith(";--", place) and not line.startswith(";---", place)
            if depth:
                closes = line.startswith("--;", place)
                depth += opens - closes
                place += 3 if opens or closes else 1
            elif line.startswith("\\;", place):
                kept, place = f"{kept};", place + 2
            elif opens:
                depth, place = 1, place + 3
            elif line[place] == ";":
                break
            else:
                kept, place = kept + line[place], place + 1
        if kept.strip():
            yield number, kept.strip()
