"""The route table: every route of the API, in the order in which the documentation shows them.

Owns the list of modules that have routes. Must not know what is in them.
"""

from typing import Final

from acd.api import (
    agents,
    batches,
    call_files,
    callbacks,
    calls,
    channels,
    chats,
    configuration,
    consults,
    conversations,
    desk,
    desk_work,
    documentation,
    earlier,
    entries,
    events,
    figures,
    history,
    interactions,
    offers,
    phones,
    queues,
    recordings,
    rotation,
    service,
    session_routes,
    supervision,
    supervisors,
    tickets,
    wallboard,
    webhooks,
    widget,
    work,
)
from acd.api.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *agents.ROUTES,
    *phones.ROUTES,
    *work.ROUTES,
    *consults.ROUTES,
    *interactions.ROUTES,
    *batches.ROUTES,
    *supervision.ROUTES,
    *recordings.ROUTES,
    *supervisors.ROUTES,
    *offers.ROUTES,
    *callbacks.ROUTES,
    *channels.ROUTES,
    *chats.ROUTES,
    *calls.ROUTES,
    *call_files.ROUTES,
    *conversations.ROUTES,
    *queues.ROUTES,
    *configuration.ROUTES,
    *entries.ROUTES,
    *figures.ROUTES,
    *history.ROUTES,
    *events.ROUTES,
    *tickets.ROUTES,
    *webhooks.ROUTES,
    *rotation.ROUTES,
    *service.ROUTES,
    *session_routes.ROUTES,
    *desk.ROUTES,
    *desk_work.ROUTES,
    *earlier.ROUTES,
    *wallboard.ROUTES,
    *widget.ROUTES,
    *documentation.ROUTES,
)

PUBLIC_PATHS: Final = frozenset(route.path for route in ROUTES if route.access == "public")
"""Answered without a token; they say nothing personal."""
