"""The text of the configuration: sections, and comments that say what could not be taken over.

Owns the layout. Must not know where anything comes from.
"""

from collections.abc import Iterator, Sequence

from acd_asterisk.importing.queues import Part, Result
from acd_asterisk.importing.report import Report, told
from acd_asterisk.importing.writing import comment, line, name

_SERVICE = """\
# `acd init DIRECTORY` writes a token and a key; put this file beside them as acd.toml, take the # away from these
# lines, and look at the acd.toml that it wrote for everything else that there is.
# [[api.tokens]]
# name = "admin"
# token_file = "acd-admin.token"
# roles = ["system"]
# [channels.pbx]
# type = "asterisk"
# url = "http://127.0.0.1:8088/ari"
# user = "acd"
# password_file = "ari.password"
"""


def document(result: Result, report: Report, sources: Sequence[str], domain: str) -> str:
    """A whole acd.toml. `sources`: what it was made from, for people."""
    return "\n".join(_lines(result, report, sources, domain)) + "\n"


def _lines(result: Result, report: Report, sources: Sequence[str], domain: str) -> Iterator[str]:
    yield comment(f"Made by `acd import-queues` from {', '.join(sources)}.")
    yield comment(f"queues: {len(result.queues)}, agents: {len(result.agents)}; {report.counts()}.")
    for remark in report.remarks:
        yield comment(f"note: {remark}")
    notable = report.of_note()
    origins = {part.origin for part in result.queues}
    for place, findings in notable.items():
        if place not in origins:
            yield from (comment(f"[{place}] {told(each)}") for each in findings)
    yield from ("", "[domain]", line("name", domain), "", _SERVICE.rstrip("\n"))
    yield from _at_pbx(result.queues)
    for part in result.queues:
        yield from ("", f"[queues.{name(part.id)}]")
        yield from (comment(told(each)) for each in notable.get(part.origin, ()))
        yield from _settings(part)
    for part in result.agents:
        yield from ("", f"[agents.{name(part.id)}]")
        yield from _settings(part)


def _at_pbx(queues: Sequence[Part]) -> Iterator[str]:
    """What callers of a queue hear, which is the channel's to know: beneath its table, and a comment as that is."""
    for part in queues:
        if part.at_pbx:
            yield from ("#", f"# [channels.pbx.queues.{name(part.id)}]")
            yield from (f"# {line(key, value)}" for key, value in part.at_pbx.items())


def _settings(part: Part) -> Iterator[str]:
    for key, value in part.settings.items():
        yield line(key, value)
