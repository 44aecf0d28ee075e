"""A client of the API in asyncio: typed, reconnecting, resuming. It needs a running engine somewhere, and a token.

async with Client("http://127.0.0.1:8420", token) as client:
    await client.call("enqueue", queue="sales", channel="chat")
    print((await client.queue("sales")).waiting)
    async for event in client.events(kinds=("offer-made",)):
        print(event.subject, event.data["agent_id"])
"""

from acd.client.answers import Answer
from acd.client.client import Client
from acd.client.events import StreamEvent
from acd.errors import ApiProblem, StreamLost

__all__ = ["Answer", "ApiProblem", "Client", "StreamEvent", "StreamLost"]
