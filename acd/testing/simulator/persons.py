"""A personal store in memory that survives crashes, with references from the seed, and fails as told.

Owns the people. The real one (`acd.runtime.personal`) draws its references and keys from the operating system, so that
no run with it could be repeated.
"""

from collections.abc import Sequence

from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd.ports.stores import References
from acd.testing.simulator.faults import Faults


class SimulatedPersons:
    """`acd.ports.stores.PersonStore`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._people: dict[str, Personal] = {}
        self._references: dict[str, str] = {}

    def remember(self, person: Personal) -> str:
        """Keep a person."""
        (reference,) = self.remember_many((person,))
        return str(reference)

    def remember_many(self, people: Sequence[Personal]) -> References:
        """Keep people. Raises `PersonalStoreError`."""
        return self.begin_many(people)

    def begin_many(self, people: Sequence[Personal]) -> References:
        """Keep people; here at once. Raises `PersonalStoreError`."""
        if self._faults.strikes("person-failed"):
            raise PersonalStoreError("simulated: the personal store cannot be written")
        return tuple(self._kept(person) for person in people)

    def commit(self) -> None:
        """They are kept already."""

    def recall(self, customer: str) -> Personal | None:
        """The person. Raises `PersonalStoreError`."""
        if self._faults.strikes("person-failed"):
            raise PersonalStoreError("simulated: the personal store cannot be read")
        return self._people.get(customer)

    def erase(self, customer: str) -> bool:
        """Forget the person."""
        return self._people.pop(customer, None) is not None

    def close(self) -> None:
        """The store stays."""

    def _kept(self, person: Personal) -> str:
        reference = self._references.setdefault(person.number, f"cu_{len(self._references)}")
        self._people[reference] = person
        return reference
