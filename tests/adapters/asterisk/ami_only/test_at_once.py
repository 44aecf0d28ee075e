"""Over AMI, too, one request does not wait for another."""

import asyncio

from acd_asterisk.ami_only.client import AmiClient, Body
from acd_asterisk.names import Names
from acd_asterisk.options.ami import AmiOptions
from acd_asterisk.options.password import Password
from acd_asterisk.wire import Answer


class Slow(AmiClient):
    """Answers when it is let."""

    def __init__(self) -> None:
        options = AmiOptions(host="127.0.0.1", port=9, user="acd", password=Password())
        super().__init__(Names("pbx1", "acd"), "acd", "default", options, deadline_seconds=5)
        self.under_way = 0
        self.may_answer = asyncio.Event()

    async def _over_http(self, _method: str, _path: str, _body: Body | object, _query: dict[str, str] | None) -> Answer:
        self.under_way += 1
        if self.under_way == 3:
            self.may_answer.set()
        await self.may_answer.wait()
        return Answer(204, b"")


async def test_several_are_under_way_at_a_time() -> None:
    """Some take a second, and telephones are to ring meanwhile."""
    client = Slow()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(client.request("DELETE", f"channels/{number}") for number in range(3)))
    assert [answer.status for answer in answers] == [204, 204, 204]
