"""The numbers that lists are dealt by, as the public page prints them and the audit reads them.

The matcher keeps its own, since background work knows nothing of the hub; a test holds the two
equal.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """The same for everybody. Values are those of pairs, 0 to 1."""

    k: int = 10  # places in a list
    q: int = 2  # of these the last, kept for the reserve
    rho: float = 0.7  # a reserve place needs this share of the lowest merit value of its list
    t: float = 0.53  # a pair is suitable from this value on
    cut_call: float = 0.40  # the least value shown to a call
    cut_firm: float = 0.35  # the least value shown to a firm
    floor: int = 5  # firms that every call reaches
    capacity: int = 100  # lists that a town's calls may be in, for each of its open calls
    start: float = 1.0  # what a firm is owed that was never placed
    offers: int = 1  # reserve places of a list that unseen offers of firms already shown may use


RULES = Rules()
