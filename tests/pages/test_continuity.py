"""The same customer in writing, and an hour later by telephone: a real Asterisk, a real caller, a real browser."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Final

from acd_asterisk.lab import Provisioned
from bench.provision import Program
from tests.adapters.asterisk.rig import POLL_SECONDS
from tests.pages.centre import token_of
from tests.pages.phone_centre import PATIENCE_SECONDS, PhoneCentre, phone_centre
from tests.pages.writing import Customer
from tests.runtime.chat.chats import IDENTITY_SECRET, signed
from tests.served import ask, write_secret

CALLER: Final = "10001"
MORE: Final = """\
[agents.carla]
[channels.shop]
type = "webchat"
origins = ["https://shop.example"]
queues = ["sales"]
identity_secret_file = "identity.secret"
"""


def chatted(address: str) -> tuple[Customer, str]:
    """A customer whom the shop vouches for, with the number of the caller, who has written something."""

    class Where:
        """All that the customer needs of a centre."""

    where: Any = Where()
    where.address = address
    customer = Customer(where)
    customer.connect()
    claims = {"sub": "4711", "aud": "shop", "exp": int(time.time()) + 60, "number": CALLER, "name": "Chen Wei"}
    customer.tell("begin", id="b", identity=signed(claims))
    conversation = str(customer.until("done", id="b")["conversation"])
    while not customer.conversation:
        customer.hear()
    customer.write("Where is my parcel?")
    customer.until("sent")
    return customer, conversation


async def offers(centre: PhoneCentre, agent: str) -> list[dict[str, Any]]:
    return list((await centre.ask("GET", f"/v1/agents/{agent}/offers"))["offers"])


async def accepted(centre: PhoneCentre, agent: str, conversation: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await offers(centre, agent)):
            await asyncio.sleep(POLL_SECONDS)
    assert found[0]["interaction"]["id"] == conversation
    await centre.ask("POST", f"/v1/offers/{found[0]['id']}/accept", {"agent_id": agent})


async def test_whoever_chatted_reaches_the_same_agent_by_telephone_with_the_chat_in_view(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    write_secret(tmp_path, "identity.secret", IDENTITY_SECRET)
    async with phone_centre(provisioned, program, tmp_path, more=MORE) as centre, centre.agent() as phone:
        await phone.open()
        await phone.is_in("registered")
        await centre.be_ready()
        customer, conversation = await asyncio.to_thread(chatted, centre.address)
        await accepted(centre, "anna", conversation)
        say = {"id": "m-1", "text": "It comes tomorrow."}
        await centre.ask("POST", f"/v1/agents/anna/conversations/{conversation}/messages", say)
        note = {"id": "n-1", "text": "Angry about the parcel"}
        await centre.ask("POST", f"/v1/agents/anna/work/{conversation}/notes", note)
        # Carla has been free for longer when the telephone rings: without the chat it would be hers.
        await centre.ask("POST", "/v1/agents/carla/sign-in", {"ready": True})
        await centre.ask("POST", f"/v1/interactions/{conversation}/end", {"by": "agent"})
        await asyncio.to_thread(customer.close)

        desk = await phone.context.new_page()
        await desk.goto(f"{centre.address}/desk")
        async with centre.caller(CALLER):
            offer = await centre.offered()
            assert await offers(centre, "carla") == []
            await phone.has_call("ringing")
            assert await phone.do("answer", offer) is None
            await phone.has_call("talking")
            call = await centre.work()
            status, text = await asyncio.to_thread(
                ask, f"{centre.address}/v1/agents/anna/work/{call}/earlier", "GET", token_of("anna")
            )
            assert status == 200
            (earlier,) = json.loads(text)["earlier"]
            assert (earlier["id"], earlier["state"], earlier["conversation"]) == (conversation, "completed", True)

            row = desk.locator("#beside .earlier-list details")
            await row.wait_for(timeout=PATIENCE_SECONDS * 1_000)
            await row.locator("summary").click()
            for each in ("Where is my parcel?", "It comes tomorrow.", "Angry about the parcel"):
                await row.get_by_text(each, exact=True).wait_for(timeout=PATIENCE_SECONDS * 1_000)
