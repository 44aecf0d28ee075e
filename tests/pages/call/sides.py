"""Two browsers in one call, in the hands of a test: what people do there, and what can be seen of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from tests.pages.call.centre import HERE, Centre, token_of

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

PATIENCE_MS: Final = 20_000
POLL_MS: Final = 50

_HEARD: Final = """async () => window.call.heardNow()"""
_HEARS: Final = """async (before) => {
  const now = await window.call?.heardNow();
  return now && now.bytesReceived > before.bytesReceived && now.totalAudioEnergy > before.totalAudioEnergy && now;
}"""
_ZERO: Final = {"bytesReceived": 0, "totalAudioEnergy": 0}


class Side:
    """One tab. `noted`: errors of the page."""

    def __init__(self, context: BrowserContext, centre: Centre) -> None:
        self.centre = centre
        self.context = context
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.noted: list[str] = []
        self.page.on("pageerror", lambda error: self.noted.append(f"error: {error}"))
        self.page.on("console", lambda said: self.noted.append(said.text) if said.type == "warning" else None)

    def do(self, script: str, argument: object = None) -> Any:  # noqa: ANN401 - whatever the page has
        return self.page.evaluate(script, argument)

    def until(self, script: str, argument: object = None) -> Any:  # noqa: ANN401 - likewise
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while not (found := self.page.evaluate(script, argument)):
            assert time.monotonic() < deadline, (script, argument, self.seen())
            self.page.wait_for_timeout(POLL_MS)
        return found

    def seen(self) -> object:
        """What the page has been told, for whoever looks at a test that fails."""
        return self.do("() => [window.events, window.call?.state]"), self.noted

    def is_in(self, state: str) -> None:
        self.until("(state) => window.call?.state === state", state)

    def is_told(self, name: str, **detail: object) -> dict[str, Any]:
        """An event with these fields has come, now or before."""
        found = self.until(
            """([name, detail]) => window.events.findLast(([each, said]) => each === name &&
                 Object.entries(detail).every(([key, value]) => said[key] === value))?.[1]""",
            [name, detail],
        )
        assert isinstance(found, dict)
        return found

    def forget(self) -> None:
        """Events of before."""
        self.do("() => { window.events.length = 0; }")

    def heard(self) -> dict[str, Any]:
        found = self.do(_HEARD)
        return found if isinstance(found, dict) else dict(_ZERO)

    def hears(self, *, again: bool = True) -> dict[str, Any]:
        """Sound comes in, from now on; what was heard lately."""
        before = self.heard() if again else _ZERO
        found = self.until(_HEARS, before)
        assert isinstance(found, dict)
        return found


class Customer(Side):
    def open(self) -> Customer:
        self.page.goto(f"{self.centre.shop}/?server={self.centre.address}")
        self.until("() => window.ready")
        return self

    def calls(self, **wanted: object) -> str:
        assert self.do("(wanted) => begin(wanted)", wanted) == ""
        return str(self.until("() => JSON.parse(sessionStorage.getItem('call'))?.call"))


class Agent(Side):
    def open(self, agent: str = "anna") -> Agent:
        """Signed in."""
        self.agent = agent
        self.load()
        assert self.do("(token) => signIn(token)", token_of(agent)) == 201
        return self

    def beside(self, other: Agent) -> Agent:
        """Another tab of the same browser."""
        self.agent = other.agent
        self.load()
        return self

    def load(self) -> None:
        """The page, anew."""
        self.page.route("**/test-agent", lambda route: route.fulfill(path=HERE / "agent.html"))
        self.page.goto(f"{self.centre.address}/test-agent")
        self.until("() => window.ready")

    def is_ready(self) -> Agent:
        answer = self.do(f"() => ask('PUT', '/v1/agents/{self.agent}/presence', {{presence: 'ready'}})")
        if answer["status"] == 409:
            answer = self.do(f"() => ask('POST', '/v1/agents/{self.agent}/sign-in', {{ready: true}})")
        assert answer["status"] < 300, answer
        return self

    def answers(self) -> str:
        """Takes the next call that is offered; the interaction."""
        offer = self.until(
            f"""async () => (await ask("GET", "/v1/agents/{self.agent}/offers")).body.offers[0]?.id""",
        )
        interaction = str(offer).rpartition(".")[0]
        assert self.do(f"() => ask('POST', '/v1/offers/{offer}/accept', {{}})")["status"] == 200
        self.joins(interaction)
        return interaction

    def joins(self, interaction: str) -> None:
        assert self.do("([agent, interaction]) => join(agent, interaction)", [self.agent, interaction]) == ""

    def calls_in_hand(self) -> list[dict[str, Any]]:
        answer = self.do(f"() => ask('GET', '/v1/agents/{self.agent}/calls')")
        return list(answer["body"]["calls"])
