"""What the market keeps of a listing besides its text profile."""

from dataclasses import dataclass

from workers.matching.channels import Profile
from workers.matching.facts import CallFacts, Facts


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One call or solution in the market.

    `places` are prefecture codes: where the call is, or where the solution can be delivered
    (() = not stated). `since` (seconds, first published) decides only which of several copies
    stands for the offer.
    """

    id: int
    profile: Profile
    themes: tuple[str, ...]
    places: tuple[str, ...]
    since: int

    @property
    def seniority(self) -> tuple[int, str]:
        """Return the order among copies: oldest first, ties by text."""
        return self.since, self.profile.digest


def listing(facts: Facts, text: Profile, since: int) -> Listing:
    """Return the market's view of a call or a solution."""
    if isinstance(facts, CallFacts):
        here = (facts.prefecture,) if facts.prefecture else ()
        return Listing(facts.id, text, facts.themes, here, since)
    return Listing(facts.id, text, facts.themes, facts.areas, since)
