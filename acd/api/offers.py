"""Routes about offers: /v1/offers/…. Owns accepting and declining; which are pending is in `acd.api.agents`."""

from typing import Final

from acd.api.bodies import Accept, Decline, NoQuery, OfferFailure
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Example, Route
from acd.api.shapes import InteractionShape, OfferOutcome, interaction_shape
from acd.core.messages import AcceptOffer, DeclineOffer, FailOffer

_PATH: Final = {"offer": "mail-1.1"}
_RINGING: Final = ("enqueue", "sign_in")


async def accept(call: Call[Accept, NoQuery]) -> InteractionShape:
    """The agent takes the offer."""
    agent_id = _acting(call, call.body.agent_id)
    offer_id = call.path("offer")
    await call.submit(AcceptOffer(call.command_id(), offer_id, agent_id))
    row = call.context.view.interaction(offer_id.rpartition(".")[0])
    if row is None:
        raise not_found("interaction")
    return interaction_shape(row, call.context.now_us())


async def decline(call: Call[Decline, NoQuery]) -> OfferOutcome:
    """The agent refuses the offer."""
    agent_id = _acting(call, call.body.agent_id)
    offer_id = call.path("offer")
    await call.submit(DeclineOffer(call.command_id(), offer_id, agent_id, call.body.reason))
    return OfferOutcome(offer_id, "declined")


async def fail(call: Call[OfferFailure, NoQuery]) -> OfferOutcome:
    """The offer could not be delivered."""
    offer_id = call.path("offer")
    await call.submit(FailOffer(call.command_id(), offer_id, call.body.reason))
    return OfferOutcome(offer_id, call.body.reason)


def _acting(call: Call[Accept, NoQuery] | Call[Decline, NoQuery], agent_id: str | None) -> str:
    """The agent for whom an offer is answered: the one named, or the token's own."""
    who = call.who
    if agent_id is None:
        if not who.agent:
            raise Problem(422, "missing-field", "agent_id: is required.")
        return who.agent
    if not who.sees_all and agent_id != who.agent:
        raise Problem(403, "forbidden", "agent_id: this token may answer its own agent's offers only.")
    return agent_id


ROUTES: Final = (
    Route(
        "accept",
        "offers",
        "POST",
        "/v1/offers/{offer}/accept",
        "token",
        accept,
        "The agent takes the offer.",
        InteractionShape,
        body=Accept,
        problems=("unknown-offer", "offer-ended", "not-your-offer"),
        example=Example(_PATH, body={"agent_id": "anna"}, after=_RINGING, shows={"state": "active", "agent": "anna"}),
        scoped=True,
    ),
    Route(
        "decline",
        "offers",
        "POST",
        "/v1/offers/{offer}/decline",
        "token",
        decline,
        "The agent refuses the offer, and is not offered the same interaction again before the queue's `retry_after`.",
        OfferOutcome,
        body=Decline,
        problems=("unknown-offer", "offer-ended", "not-your-offer"),
        example=Example(
            _PATH, body={"agent_id": "anna", "reason": "busy"}, after=_RINGING, shows={"outcome": "declined"}
        ),
        scoped=True,
    ),
    Route(
        "fail_offer",
        "offers",
        "POST",
        "/v1/offers/{offer}/fail",
        "supervisor",
        fail,
        "The offer could not be delivered: the device is busy, cannot be reached, or there was a technical fault.",
        OfferOutcome,
        body=OfferFailure,
        problems=("unknown-offer", "offer-ended"),
        example=Example(_PATH, body={"reason": "unreachable"}, after=_RINGING, shows={"outcome": "unreachable"}),
        notes="An agent who cannot be reached becomes not-ready.",
        scoped=True,
    ),
)
