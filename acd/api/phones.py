"""The route by which an agent's page learns how to be a telephone: /v1/agents/{agent}/phone.

Owns who is told: the agent alone, and the supervisor whose token names it as theirs, with a token or a session of
their own. Must not know how a telephone registers, nor where its password comes from (`acd.ports.browser_phones`).
Nothing of it is logged, cached or shared.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.context import ApiRouter
from acd.api.problems import forbidden, not_found
from acd.api.routes import Call, Example, Route
from acd.ports.browser_phones import BrowserPhone, BrowserPhones, HasBrowserPhones


class PhoneShape(Struct):
    """How the agent is rung for voice. `browser`: what the page needs; null: by a telephone of another kind."""

    browser: BrowserPhone | None


async def show(call: Call[Nothing, NoQuery]) -> PhoneShape:
    """What the agent's own page needs to be a telephone."""
    agent_id = call.path("agent")
    if agent_id not in call.context.view.agents:
        raise not_found("agent")
    phone = next((found for each in phones_of((call.context.router,)) if (found := each.phone(agent_id))), None)
    if phone is not None and agent_id not in (call.who.agent, call.who.telephone):
        raise forbidden("The password of a telephone is told to its own agent alone.")
    return PhoneShape(phone)


def phones_of(routers: Iterable[ApiRouter]) -> Iterator[BrowserPhones]:
    """Of every channel instance that has some."""
    for router in routers:
        for each in router.instances:
            channel = router.channel(each.name)  # Itself, not what is around it while its effects have spans.
            if isinstance(channel, HasBrowserPhones):
                yield channel.browser_phones


ROUTES: Final = (
    Route(
        "show_phone",
        "agents",
        "GET",
        "/v1/agents/{agent}/phone",
        "agent",
        show,
        "What an agent's page needs to be their telephone: with a password, for the agent alone.",
        PhoneShape,
        problems=("channel-unavailable",),
        example=Example({"agent": "anna"}, after=("sign_in",), shows={"browser": None}),
        notes="Where the agent has a telephone of another kind, `browser` is null. Otherwise supervisors and systems"
        " get 403, unless their token names it as their `telephone`. Ask again after `fresh_seconds`, if not 0.",
        scoped=True,
        by_telephone=True,
    ),
)
