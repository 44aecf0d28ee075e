"""`[channels.NAME.survey]`: what callers are asked when the agent has hung up.

Owns the names, bounds and defaults of these options. Must not know when anybody is asked.
"""

import re
from typing import Final

from msgspec import Struct

from acd_asterisk.media import MEANING, media_of
from acd_asterisk.options.reader import SECOND_US, Reader
from acd_asterisk.options.sounds import read_media
from acd_asterisk.translate import is_queue_name

MAX_QUESTIONS: Final = 10
MAX_QUEUES: Final = 1_000
MAX_TRIES: Final = 5

_KEYS: Final = re.compile(r"(?:([0-9*#])(?!.*\1)){1,12}")


class SurveyOptions(Struct, frozen=True, kw_only=True):
    """Who is asked, and what. Without questions nobody is."""

    queues: frozenset[str] = frozenset()
    """Whose callers are asked; empty: all."""
    intro: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    """What is played for each, answered by one key."""
    keys: str = "12345"
    """Keys that are an answer."""
    answer_us: int = 5 * SECOND_US
    """How long after a question a key is waited for."""
    tries: int = 2
    """How often a question is put that is not answered; then it is over."""
    thanks: tuple[str, ...] = ("sound:auth-thankyou",)

    def is_for(self, queue: str) -> bool:
        """Whether callers of this queue are asked."""
        return bool(self.questions) and (not self.queues or queue in self.queues)


def read_survey(reader: Reader) -> SurveyOptions:
    """Check everything; problems are the reader's."""
    queues = reader.texts("queues", (), MAX_QUEUES, '["sales"]')
    for each in queues:
        if not is_queue_name(each):
            reader.problem("queues", f"{each!r} is no queue's name", "name queues of acd.toml")
    questions = reader.texts("questions", (), MAX_QUESTIONS, '["custom/how-was-it"]')
    for each in questions:
        if media_of(each) is None:
            reader.problem("questions", f"{each!r} cannot be played", f"it takes {MEANING}")
    given = {key for key in ("queues", "intro", "keys", "answer_within", "tries", "thanks") if reader.has(key)}
    if given and not questions:
        reader.problem("questions", "is missing", 'write what is played for each, like ["custom/how-was-it"]')
    return SurveyOptions(
        queues=frozenset(queues),
        intro=read_media(reader, "intro", ()),
        questions=tuple(filter(None, map(media_of, questions))),
        keys=reader.pattern("keys", "12345", _KEYS, "keys, each once: 0 to 9, * and #"),
        answer_us=reader.duration("answer_within", 5 * SECOND_US, SECOND_US, 60 * SECOND_US),
        tries=reader.integer("tries", 2, 1, MAX_TRIES),
        thanks=read_media(reader, "thanks", SurveyOptions().thanks),
    )
