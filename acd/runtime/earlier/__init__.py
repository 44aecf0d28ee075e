"""What agents may know of a customer's earlier conversations: which there were, how they ended, and agents' notes."""

from acd.runtime.earlier.encounters import Encounter, Note, Part
from acd.runtime.earlier.following import Earlier

__all__ = ["Earlier", "Encounter", "Note", "Part"]
