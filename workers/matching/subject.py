"""A listing ready to be scored and explained: its facts and its vector under an epoch."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from search.enumeration import prose_factor
from workers.matching.channels import Profile
from workers.matching.epoch import Epoch, Vector
from workers.matching.facts import CallFacts, Facts, SolutionFacts

AnyFacts = TypeVar("AnyFacts", bound=Facts)


@dataclass(frozen=True, slots=True, eq=False)
class Subject(Generic[AnyFacts]):
    """Facts, vector, the factor D for prose (1 = no bare enumeration), and their epoch."""

    facts: AnyFacts
    vector: Vector
    prose: float
    epoch: Epoch


CallSubject = Subject[CallFacts]
SolutionSubject = Subject[SolutionFacts]


def subject(facts: AnyFacts, text: Profile, epoch: Epoch) -> Subject[AnyFacts]:
    """Return a listing as the scorer takes it; `text` is the profile of the same facts."""
    return Subject(facts, epoch.vector(text), prose_factor(text.enumeration), epoch)
