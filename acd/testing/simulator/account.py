"""Who is at the exchange, and the account of what truly happened there.

Owns both records. Must not know how anything comes about (`exchange`).
"""

from typing import Final

from msgspec import Struct, field

from acd.core.messages import EnqueueInteraction


class Caller(Struct):
    """One customer. The dicts are offer → agent; `ended` are offers that are over here.

    `taken`: the engine has answered the arrival. `joined`: offers of those who were brought in from a consult.
    With a `parent` it is no customer, but an agent who asks for advice.
    """

    arrival: EnqueueInteraction
    taken: bool = False
    talked: bool = False
    joined: set[str] = field(default_factory=set)
    ringing: dict[str, str] = field(default_factory=dict)
    picked: dict[str, str] = field(default_factory=dict)
    talking: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        """The interaction's id."""
        return self.arrival.interaction_id

    @property
    def parent(self) -> str:
        """About whom an agent asks for advice here; empty for a customer."""
        return self.arrival.parent


class Account(Struct):
    """What truly happened. `answered`: offer → agent who picked up; `talks`: offers that led to a conversation.

    `served`, `gave_up`, `sent_away`, `turned_away` count customers: who talked, who hung up before, whom the engine
    released before, whom it refused at once. `booked`: with an appointment; `called_for`: of these, who were called;
    `called_off`: who no longer wanted to come.`announced`, `handed_on`: orders to tell a customer something, and
    to let an agent go who hands the customer on, or leaves. `asked`, `brought_in`: consults that were opened, and
    advisers who came to the customer. `instead`: who came another time for the place that they had in line.
    `replaced`: who was ended by that.
    """

    arrived: int = 0
    rang: int = 0
    served: int = 0
    gave_up: int = 0
    sent_away: int = 0
    turned_away: int = 0
    booked: int = 0
    called_for: int = 0
    called_off: int = 0
    announced: int = 0
    asked: int = 0
    brought_in: int = 0
    instead: int = 0
    replaced: int = 0
    handed_on: int = 0
    answered: dict[str, str] = field(default_factory=dict)
    talks: set[str] = field(default_factory=set)


COUNTED: Final = tuple(name for name, kind in Account.__annotations__.items() if kind is int)
"""The counters of an account."""
