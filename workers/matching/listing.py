"""What the market keeps of a listing: its profile, the facts beside its text, its meaning."""

import json
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from workers.matching.channels import Profile
from workers.matching.facts import CallFacts, Facts, wished

Meaning = NDArray[np.float16]

_MAGIC = b"LHl2"
_HEADER = struct.Struct("<4sIII")


@dataclass(frozen=True, slots=True)
class CallTraits:
    """What scoring needs of a call besides its text; tuples are sorted, () = not stated.

    `closes` tells whether the call has a deadline at all.
    """

    kind: str
    themes: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    prefecture: str | None = None
    eligibility: tuple[str, ...] = ()
    closes: bool = False

    @property
    def places(self) -> tuple[str, ...]:
        """Return where the call is, as prefecture codes."""
        return (self.prefecture,) if self.prefecture else ()


@dataclass(frozen=True, slots=True)
class SolutionTraits:
    """What scoring needs of a solution besides its text; tuples are sorted, () = not stated.

    Whoever wishes for every kind of call has stated none.
    """

    themes: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    stage: str | None = None
    areas: tuple[str, ...] = ()
    juridical: bool | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Return where the solution can be delivered, as prefecture codes."""
        return self.areas


Traits = CallTraits | SolutionTraits


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One call or solution in the market.

    `owner` is the town or the firm: it groups a list, no score reads it. `since` (seconds: when it
    began to say most of this) decides only which of several copies stands for the offer. `meaning`
    holds rows of length one: the gist of the listing, then its passages.
    """

    id: int
    owner: int
    profile: Profile
    traits: Traits
    since: int
    meaning: Meaning | None = None

    @property
    def themes(self) -> tuple[str, ...]:
        """Return the theme keys."""
        return self.traits.themes

    @property
    def places(self) -> tuple[str, ...]:
        """Return the prefectures where a call is, or where a solution can be delivered."""
        return self.traits.places

    @property
    def seniority(self) -> tuple[int, str]:
        """Return the order among copies: oldest first, ties by text."""
        return self.since, self.profile.digest

    def to_bytes(self) -> bytes:
        """Return all but the id as bytes for a database column."""
        kind = type(self.traits).__name__
        said = json.dumps([kind, self.owner, self.since, asdict(self.traits)]).encode()
        rows = np.zeros((0, 0), np.float16) if self.meaning is None else self.meaning
        head = _HEADER.pack(_MAGIC, len(said), *rows.shape)
        return head + said + rows.astype("<f2").tobytes() + self.profile.to_bytes()


def listing(facts: Facts, profile: Profile, since: int, meaning: Meaning | None = None) -> Listing:
    """Return the market's view of a call or a solution."""
    owner = facts.town if isinstance(facts, CallFacts) else facts.firm
    return Listing(facts.id, owner, profile, traits(facts), since, meaning)


def traits(facts: Facts) -> Traits:
    """Return what scoring needs of a listing besides its text."""
    if isinstance(facts, CallFacts):
        return CallTraits(
            kind=facts.kind,
            themes=_sorted(facts.themes),
            offers=_sorted(facts.offers),
            prefecture=facts.prefecture or None,
            eligibility=_sorted(facts.eligibility),
            closes=facts.closes_at is not None,
        )
    return SolutionTraits(
        themes=_sorted(facts.themes),
        asks=_sorted(facts.asks),
        kinds=wished(facts.kinds),
        stage=facts.stage or None,
        areas=_sorted(facts.areas),
        juridical=facts.juridical,
    )


def from_bytes(id_: int, data: bytes) -> Listing:
    """Read what `Listing.to_bytes` wrote. Raises ValueError for anything else."""
    try:
        magic, length, rows, size = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise ValueError("no listing")
        start = _HEADER.size + length
        kind, owner, since, values = json.loads(data[_HEADER.size : start])
        end = start + 2 * rows * size
        meaning = np.frombuffer(data[start:end], "<f2").reshape(rows, size) if rows else None
        return Listing(
            id_, owner, Profile.from_bytes(data[end:]), read_traits(kind, values), since, meaning
        )
    except (struct.error, TypeError) as error:
        raise ValueError("no listing") from error


def read_traits(kind: str, values: dict[str, object]) -> Traits:
    """Return traits from JSON, where tuples are lists. Raises TypeError for other fields."""
    plain = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    made: type[Traits] = CallTraits if kind == CallTraits.__name__ else SolutionTraits
    return made(**plain)  # type: ignore[arg-type]


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
