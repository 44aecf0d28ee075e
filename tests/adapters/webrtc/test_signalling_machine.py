"""Two pages, a server between them, and a network that is cut at random: nothing is lost, doubled or out of order."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd_webrtc.signalling import BROKEN, MICROSECONDS, Call, Close, Ended, Limits, Send, Step
from acd_webrtc.signals import HangUp, Hold, Kind, Mute, Reason, Refused
from tests.adapters.webrtc.naive_call import SIDES, NaiveCall, Side, other_of
from tests.adapters.webrtc.pages import Page

SIDE = st.sampled_from(SIDES)
KIND = st.sampled_from(["audio", "video", "screen"])
BEGUN_US = 1_000
LIMITS = Limits(answer_us=10**15)  # how long answers take here says nothing


class TwoPages(RuleBasedStateMachine):
    """Texts are delivered one by one, when a rule says so."""

    @initialize(joined=st.booleans())
    def begin(self, *, joined: bool) -> None:
        self.now_us = BEGUN_US
        self.call = Call(now_us=self.now_us, limits=LIMITS)
        self.naive = NaiveCall()
        self.pages: dict[Side, Page] = {"customer": Page("cust"), "agent": Page("agnt")}
        self.down: dict[int, deque[str | Close]] = {}
        self.joined: set[Side] = set()
        self.served: dict[Side, int | None] = {"customer": None, "agent": None}
        """The socket that the server has of each side: the page may have lost it."""
        self.away_us: dict[Side, int] = {}
        self.ends: list[Ended] = []
        if joined:
            self.go_on(1)

    # The network

    @rule(side=SIDE)
    def connect(self, side: Side) -> None:
        page = self.pages[side]
        if page.link is not None or (page.over and self.call.ended):
            return
        fresh = page.session is None
        if fresh and side in self.joined:
            self.naive.renew(side)
        link, steps = self.call.connect(side, page.hello(), now_us=self.now_us)
        page.link = link
        self.down[link] = deque()
        self.joined.add(side)
        self.served[side] = link
        self.away_us.pop(side, None)
        self.do(steps)

    @rule(side=SIDE, noticed=st.booleans())
    def cut(self, side: Side, *, noticed: bool) -> None:
        """Whatever is under way is lost; the server may not notice until the page is back."""
        page = self.pages[side]
        if page.link is None:
            return
        link = page.link
        self.down.pop(link)
        page.lose()
        if noticed:
            self.gone(side, link)

    @rule(side=SIDE, closed=st.booleans())
    def reload(self, side: Side, *, closed: bool) -> None:
        page = self.pages[side]
        link = page.link
        page.load()
        if link is not None:
            self.down.pop(link)
            if closed:
                self.gone(side, link)

    def gone(self, side: Side, link: int) -> None:
        self.do(self.call.disconnected(link, now_us=self.now_us))
        if self.served[side] == link:
            self.served[side] = None
            self.away_us[side] = self.now_us

    @rule(side=SIDE, texts=st.integers(1, 5))
    def server_hears(self, side: Side, texts: int) -> None:
        page = self.pages[side]
        for _ in range(texts):
            if page.link is None or not page.up:
                return
            before = self.call._ends[side].session.got
            steps = self.call.receive(page.link, page.up.popleft(), now_us=self.now_us)
            if self.call._ends[side].session.got > before:
                self.naive.say(side, *page.said.popleft())
            self.do(steps)

    @rule(side=SIDE, texts=st.integers(1, 5))
    def page_hears(self, side: Side, texts: int) -> None:
        page = self.pages[side]
        for _ in range(texts):
            if page.link is None or not self.down[page.link]:
                return
            text = self.down[page.link].popleft()
            if isinstance(text, Close):
                assert text.code != BROKEN, text
                self.down.pop(page.link)
                page.lose()
            else:
                page.hear(text)

    @rule(rounds=st.integers(1, 3))
    def go_on(self, rounds: int) -> None:
        """Nothing happens to the network for a while."""
        for _ in range(rounds):
            for side in SIDES:
                self.connect(side)
                self.page_hears(side, 8)
                self.server_hears(side, 8)

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        self.now_us += seconds * MICROSECONDS
        due: list[tuple[int, Reason]] = [(since + LIMITS.resume_us, "lost") for since in self.away_us.values()]
        if len(self.joined) < len(SIDES):
            due.append((BEGUN_US + LIMITS.join_us, "unjoined"))
        if self.naive.ended is None and due and min(due)[0] <= self.now_us:
            self.naive.end(min(due)[1])
        due_us = self.call.next_deadline_us
        assert (due_us is not None and due_us <= self.now_us) == (self.naive.ended != self.call.ended)
        self.do(self.call.tick(now_us=self.now_us))

    def do(self, steps: list[Step]) -> None:
        for each in steps:
            if isinstance(each, Ended):
                self.ends.append(each)
            elif isinstance(each, Send | Close) and each.link in self.down:
                self.down[each.link].append(each.text if isinstance(each, Send) else each)

    # What pages do

    def able(self, side: Side) -> Page | None:
        page = self.pages[side]
        return page if page.session is not None and not page.over else None

    @rule(side=SIDE, restart=st.booleans(), early=st.integers(0, 2), late=st.integers(0, 2))
    def offer(self, side: Side, *, restart: bool, early: int, late: int) -> None:
        page = self.able(side)
        if page is not None and page.connection.offered is None:
            page.offer(restart=restart, early=early)
            for _ in range(late):
                page.trickle()

    @rule(restart=st.booleans())
    def both_offer(self, *, restart: bool) -> None:
        for side in SIDES:
            self.offer(side, restart=restart, early=1, late=1)

    @rule(side=SIDE)
    def trickle(self, side: Side) -> None:
        if (page := self.able(side)) is not None:
            page.trickle()

    @rule(side=SIDE, kind=KIND, muted=st.booleans())
    def mute(self, side: Side, kind: Kind, *, muted: bool) -> None:
        if (page := self.able(side)) is not None:
            page.say(Mute(kind, muted=muted))

    @rule(held=st.booleans())
    def hold(self, *, held: bool) -> None:
        if (page := self.able("agent")) is not None:
            page.say(Hold(held=held))

    @precondition(lambda self: self.now_us > 20 * MICROSECONDS)
    @rule(side=SIDE)
    def hang_up(self, side: Side) -> None:
        if (page := self.able(side)) is not None:
            page.say(HangUp())

    # What always holds

    @invariant()
    def pages_were_told_what_the_naive_call_says(self) -> None:
        for side, page in self.pages.items():
            if page.session is not None:
                assert page.told == self.naive.told[side][: len(page.told)]
                assert not any(isinstance(told, Refused) for told in page.told)

    @invariant()
    def the_end_comes_once(self) -> None:
        assert self.call.ended == self.naive.ended
        assert self.ends == ([Ended(self.call.ended)] if self.call.ended else [])

    def teardown(self) -> None:
        """The network stays: everything arrives, and both have what the other has."""
        if not hasattr(self, "call"):
            return
        for _ in range(400):
            for side in SIDES:
                self.connect(side)
                self.server_hears(side, 5)
                self.page_hears(side, 5)
        self.pages_were_told_what_the_naive_call_says()
        for side, page in self.pages.items():
            if self.call.ended is not None:
                continue
            assert page.told == self.naive.told[side]
            assert not page.said
            here, there = page.connection, self.pages[other_of(side)].connection
            assert here.offered is None
            assert here.local == there.remote
            if here.local is not None:
                ufrag = here.local.partition("a=ice-ufrag:")[2].partition("\r")[0]
                sent, added = ([c for c in each if c.username_fragment == ufrag] for each in (here.sent, there.added))
                assert sent == added


TestTwoPages = TwoPages.TestCase
TestTwoPages.settings = settings(max_examples=250, stateful_step_count=60, deadline=None)
