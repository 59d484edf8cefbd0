"""A listing ready to be scored and explained: its facts, its vector and meaning in an epoch."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from search.enumeration import prose_factor
from workers.matching.channels import Profile
from workers.matching.copies import Shingles
from workers.matching.epoch import Epoch, Vector
from workers.matching.facts import CallFacts, Facts, SolutionFacts
from workers.matching.meaning import Matrix, Prepared

AnyFacts = TypeVar("AnyFacts", bound=Facts)


@dataclass(frozen=True, slots=True, eq=False)
class Subject(Generic[AnyFacts]):
    """Facts, vector, the factor D for prose (1 = no bare enumeration), and their epoch.

    `shingles` are the pieces of the text. `meaning` are the passages' vectors in the epoch's frame, one for each of `meaning.texts`.
    """

    facts: AnyFacts
    vector: Vector
    prose: float
    shingles: Shingles
    epoch: Epoch
    meaning: Prepared | None = None


CallSubject = Subject[CallFacts]
SolutionSubject = Subject[SolutionFacts]


def subject(
    facts: AnyFacts, text: Profile, epoch: Epoch, meaning: Matrix | None = None
) -> Subject[AnyFacts]:
    """Return a listing as the scorer takes it; profile and vectors are of the same facts."""
    is_call = isinstance(facts, CallFacts)
    prepared = epoch.call_meaning(meaning) if is_call else epoch.solution_meaning(meaning)
    return Subject(
        facts=facts,
        vector=epoch.vector(text),
        prose=prose_factor(text.enumeration),
        shingles=text.shingles,
        epoch=epoch,
        meaning=prepared,
    )
