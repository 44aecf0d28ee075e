"""Constrained scalar types of the messages. Owns the bounds' spelling; must not know any message."""

from typing import Annotated

from msgspec import Meta

from acd.core import limits

ID_PATTERN = r"^[^\x00-\x20\x7f-\xa0\u2028\u2029\u3000\ufeff]+$(?!\n)"
"""Printable characters of any script, no white space, no control character.

The look-ahead is there because Python's `$` also matches before a newline at the end.
"""

Id = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID, pattern=ID_PATTERN)]
InteractionId = Annotated[str, Meta(min_length=1, max_length=limits.MAX_INTERACTION_ID, pattern=ID_PATTERN)]
OptionalId = Annotated[str, Meta(max_length=limits.MAX_ID)]
Text = Annotated[str, Meta(max_length=limits.MAX_TEXT)]
Trace = Annotated[str, Meta(max_length=limits.MAX_TRACE)]
Requirement = Annotated[str, Meta(max_length=limits.MAX_REQUIREMENT)]
Moment = Annotated[int, Meta(ge=0, le=limits.MAX_MOMENT_US)]
Duration = Annotated[int, Meta(ge=0, le=limits.MAX_DURATION_US)]
Priority = Annotated[int, Meta(ge=-limits.MAX_PRIORITY, le=limits.MAX_PRIORITY)]
Proficiency = Annotated[int, Meta(ge=1, le=limits.MAX_PROFICIENCY)]
Position = Annotated[int, Meta(ge=0, le=limits.MAX_POSITION)]
Level = Annotated[int, Meta(ge=1, le=limits.MAX_LEVEL)]
Attempt = Annotated[int, Meta(ge=0, le=limits.MAX_ATTEMPTS)]
Weight = Annotated[int, Meta(ge=-limits.MAX_PREFERENCE_WEIGHT, le=limits.MAX_PREFERENCE_WEIGHT)]
Units = Annotated[int, Meta(ge=1, le=limits.MAX_CAPACITY)]
