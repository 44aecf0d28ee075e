"""Events as CloudEvents 1.0, in JSON and in MessagePack.

Owns the envelope. Must not know sockets, nor who reads. Each event is encoded once per form, however many read it as it
happens; whoever reads it later has it encoded anew.
"""

from collections import deque
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from acd.runtime.clock import moment
from acd.runtime.events.kinds import data_of, kind_of, subject_of
from acd.runtime.events.lives import Lives
from acd.runtime.events.told import Cursor, Told

Form = Literal["json", "msgpack"]

TYPE_PREFIX: Final = "acd."
"""What the type of every event begins with."""

SPEC_VERSION: Final = "1.0"

ENCODED: Final = 1_024
"""Events that are kept in each form, those encoded last. All in memory would be more bytes than the events themselves,
and hardly anybody reads an event again."""

NOTICES: Final = {
    "stream-started": "The first message: its cursor is where the stream begins.",
    "heartbeat": "Nothing that you want has happened up to this cursor.",
    "conversation": "Something is new in a conversation in writing: `interaction_id`, `news` (entries, marks, typing,"
    " place, rating), `seq` of its last entry, `side` and `agent` of whoever types or has read. Only where"
    " `conversations=true` asks for it; it has no place of its own in the stream, and is not told again.",
    "stream-ended": "The last message before the socket is closed: `code` and `detail` say why.",
}
"""What is told about the stream itself."""

_json = msgspec.json.Encoder().encode
_packed = msgspec.msgpack.Encoder().encode
_CONTENT: Final = {"json": "application/json", "msgpack": "application/msgpack"}


class Envelopes:
    """Makes the CloudEvents of one domain."""

    def __init__(self, domain: str, lives: Lives | None = None) -> None:
        """`domain` is the source of all of them: `/domains/default`. `lives`: whose mark is behind every cursor."""
        self._lives = lives
        self._in_json: deque[Told] = deque()
        self._in_msgpack: deque[Told] = deque()
        self.source = f"/domains/{quote(domain, safe='')}"

    def place(self, cursor: Cursor) -> str:
        """A cursor as it is handed out."""
        return cursor.marked(self._lives.mark) if self._lives is not None else str(cursor)

    def encoded(self, told: Told, form: Form) -> bytes:
        """The event in this form; made once, and kept with it until `ENCODED` others are."""
        if form == "json":
            if not told.json:
                told.json = _json(self.envelope(told, form))
                self._in_json.append(told)
                if len(self._in_json) > ENCODED:
                    self._in_json.popleft().json = b""
            return told.json
        if not told.packed:
            told.packed = _packed(self.envelope(told, form))
            self._in_msgpack.append(told)
            if len(self._in_msgpack) > ENCODED:
                self._in_msgpack.popleft().packed = b""
        return told.packed

    def envelope(self, told: Told, form: Form = "json") -> dict[str, object]:
        """The event with its attributes: `id` is unique within the source, and stays the same over restarts."""
        place = self.place(told.cursor)
        attributes = self._attributes(str(told.cursor), kind_of(told.event), told.at_us, place)
        attributes["subject"] = subject_of(told.event) or "engine"
        if told.queues:
            attributes["queue"] = told.queues[0]
        return {**attributes, "datacontenttype": _CONTENT[form], "data": data_of(told.event)}

    def without_data(self, told: Told) -> bytes:
        """The event in JSON for where it would be too large: its data has to be asked for."""
        return _json({**self.envelope(told), "data": None})

    def notice(self, kind: str, number: int, at_us: int, cursor: Cursor, form: Form, data: object = None) -> bytes:
        """Something about the stream itself, no event of the engine: `NOTICES`. `number` makes its id unique."""
        attributes = self._attributes(f"{kind}-{cursor}-{number}", kind, at_us, self.place(cursor))
        if data is not None:
            attributes["data"] = data
        return _json(attributes) if form == "json" else _packed(attributes)

    def _attributes(self, identity: str, kind: str, at_us: int, cursor: str) -> dict[str, object]:
        return {
            "specversion": SPEC_VERSION,
            "id": identity,
            "source": self.source,
            "type": TYPE_PREFIX + kind,
            "time": moment(at_us),
            "cursor": cursor,
        }
