"""A plan as Meilisearch filters and words: what may be found, and in which order.

The server's own text search knows no alternatives and loses words beyond the tenth. So filters
over the words of the listings decide what is found, as search.embedded_text does it, and the text
that is sent along only ranks. It begins with a word that every listing has and that is never
given up, so that it finds whatever the filters let through. Exact phrases are the one thing that
the text decides: filters know no order of words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from search.armour import EVERY, armour, spelled
from search.documents import TARGETS
from search.meili_filters import NOTHING, all_of, among, any_of, at_least, starting
from search.names import START
from search.plan import ENOUGH, Part, Phrase, Plan, Want, Word, grams, near_pairs, plan

LONGEST = 100  # characters of a word that can be filtered by
_MOST_TERMS = 10  # the server silently drops what follows
_MOST_PHRASES = 6
_NAME_END = "/"
_MOST_LETTERS = 100

# (text, filters) -> for each filter how many listings match both
Count = Callable[[str, Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan finds: whatever matches the text `must` and passes the filter of its target.

    "" lets everything pass. `text` finds the same as `must` and ranks. `levels` are filters of
    parts that laid end to end are the whole, the best first. `unmet` are words, in their
    dictionary form, that no listing holds as typed, by sound, or by a synonym.
    """

    must: str = ""
    sides: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    levels: tuple[str, ...] = ("",)
    unmet: tuple[str, ...] = ()

    def filter(self, target: str | None) -> str:
        """Return the filter of one target, of whatever target for None."""
        if target is not None and target in self.sides:
            return self.sides[target]
        if len(set(self.sides.values())) == 1:
            return next(iter(self.sides.values()))
        return any_of([_within(name, side) for name, side in self.sides.items()])


@dataclass(frozen=True, slots=True)
class _Held:
    """How many listings hold each word directly, and by its units; the names that begin so."""

    direct: Mapping[Word, int]
    in_units: Mapping[Word, int]
    names: Sequence[Phrase]


@dataclass(frozen=True, slots=True)
class _Said:
    """The exact phrases of a plan: those that `must` stand there, and with what must not as `text`.

    The server keeps so many `terms` of a text; filters stand for phrases `beyond` them.
    """

    must: str
    text: str
    terms: int
    beyond: Sequence[str]
    never: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Side:
    """What is found of one target: listings that meet so many wants, or by `filter` none."""

    least: int
    filter: str


def found(
    text: str,
    count: Count,
    *,
    shown: Sequence[str] = TARGETS,
    counted: Sequence[str] = TARGETS,
    expand: bool = True,
    whole: bool = False,
) -> Found:
    """Return what a text finds among the targets that are `counted`; some of them are `shown`.

    Fewer wants than all are enough only until a page is filled, never with `whole`. Each target
    is judged alone and before any filter of the reader.
    """
    asked = plan(text, _known(text, count), expand=expand)
    if not (asked.wants or asked.exact or asked.without):
        return Found(sides=dict.fromkeys(counted, NOTHING))
    held = _held(asked, count)
    wants = [_want(want, held) for want in asked.wants]
    said = _said(asked)
    bits = (_any_unit(asked.words), _near(asked.spelling))

    def pages(filters: Sequence[str]) -> list[int]:
        """Count before anything is left out: whether a page is filled is judged so."""
        return count(said.must, [all_of([*said.beyond, passed]) for passed in filters])

    unmet = tuple(word.form for word in held.direct if _unmet(word, held))
    if whole and unmet:
        return Found(sides=dict.fromkeys(counted, NOTHING), unmet=unmet)
    sides = (
        dict.fromkeys(counted, _Side(len(wants), all_of(wants)))
        if whole
        else _sides(wants, bits, counted, pages)
    )
    least = min((sides[target].least for target in shown), default=0)
    return Found(
        must=said.text,
        sides={t: all_of([side.filter, *said.beyond, *said.never]) for t, side in sides.items()},
        text=_ranked(said, asked, held),
        levels=_levels(wants, least),
        unmet=unmet,
    )


def name_value(units: Sequence[str]) -> str:
    """Return a name as the value whose beginnings can be filtered by."""
    return "".join(unit + _NAME_END for unit in units[:_MOST_LETTERS])


def _known(text: str, count: Count) -> Callable[[str], bool]:
    """Return what tells whether a reading occurs: those the plan will ask for, asked at once."""
    wanted: dict[str, None] = {}
    plan(text, lambda reading: wanted.setdefault(reading) is not None)
    sizes = count("", [among("kana", [reading]) for reading in wanted])
    held = {reading for reading, size in zip(wanted, sizes, strict=True) if size}
    return held.__contains__


def _held(asked: Plan, count: Count) -> _Held:
    parts = (part for want in asked.wants for part in want.parts)
    words = list(dict.fromkeys(part for part in parts if isinstance(part, Word)))
    filters = [f for word in words for f in (_direct(word), _in_units(word))]
    filters += [_called(name) for name in asked.names]
    sizes = count("", filters)
    beginnings = sizes[2 * len(words) :]
    return _Held(
        direct=dict(zip(words, sizes[::2], strict=False)),
        in_units=dict(zip(words, sizes[1::2], strict=False)),
        names=[name for name, size in zip(asked.names, beginnings, strict=True) if size],
    )


def _unmet(word: Word, held: _Held) -> bool:
    return not held.direct[word] and not (len(word.units) > 1 and held.in_units[word])


def _sides(
    wants: Sequence[str],
    bits: Sequence[str],
    targets: Sequence[str],
    count: Callable[[Sequence[str]], list[int]],
) -> dict[str, _Side]:
    """Return for each target what meets the most wants of which there is still a page.

    Where no want is met, the first of the `bits` that finds anything must do.
    """
    if not wants:
        return {target: _Side(0, "") for target in targets}
    meeting = {least: at_least(least, wants) for least in range(len(wants), 0, -1)}
    sizes = _sizes(targets, list(meeting.values()), count)
    sides = {}
    for target in targets:
        full = (least for least, met in meeting.items() if sizes[target, met] >= ENOUGH)
        least = next(full, 1)
        if sizes[target, meeting[least]]:
            sides[target] = _Side(least, meeting[least])
    lost = [target for target in targets if target not in sides]
    if lost:
        sizes = _sizes(lost, bits, count)
        for target in lost:
            met = (bit for bit in bits if sizes[target, bit])
            sides[target] = _Side(0, next(met, NOTHING))
    return sides


def _sizes(
    targets: Sequence[str], filters: Sequence[str], count: Callable[[Sequence[str]], list[int]]
) -> dict[tuple[str, str], int]:
    """Return how many listings of each target pass each filter."""
    asked = [(target, passed) for target in targets for passed in filters]
    sizes = count([_within(target, passed) for target, passed in asked])
    return dict(zip(asked, sizes, strict=True))


def _within(target: str, passed: str) -> str:
    return NOTHING if passed == NOTHING else all_of([among("target", [target]), passed])


def _levels(wants: Sequence[str], least: int) -> tuple[str, ...]:
    """Return filters that part what is found by how many wants it meets, the most first."""
    if least == len(wants):
        return ("",)
    more = at_least(len(wants), wants)
    levels = [more]
    for fewer in range(len(wants) - 1, least - 1, -1):
        met = at_least(fewer, wants) if fewer else ""
        levels.append(all_of([met, f"NOT ({more})"]))
        more = met
    return tuple(levels)


def _want(want: Want, held: _Held) -> str:
    called = [name for name in held.names if any(_inside(part, name) for part in want.parts)]
    met = [all_of([_part(part, held) for part in parts]) for parts in want.alternatives]
    return any_of([*met, *map(_called, called)])


def _part(part: Part, held: _Held) -> str:
    if isinstance(part, Phrase):
        return _letters(part)
    if held.direct[part] or held.in_units[part]:
        return any_of([_direct(part), _in_units(part)])
    return NOTHING if part.listed else _near(part.form)


def _direct(word: Word) -> str:
    """Return what holds a word as typed, by a synonym, by a synonym group or by its sound."""
    others = [synonym.terms for synonym in word.synonyms]
    single = [word.form, *(terms[0] for terms in others if len(terms) == 1)]
    return any_of(
        [
            among("words", [term[:LONGEST] for term in single]),
            *(_holding("words", terms) for terms in others if len(terms) > 1),
            among("groups", word.groups),
            among("kana", [word.reading[:LONGEST]] if word.in_kana and word.reading else []),
        ]
    )


def _in_units(word: Word) -> str:
    return _holding("words", word.units) if word.units else NOTHING


def _any_unit(words: Sequence[Word]) -> str:
    """Return what holds at least a short unit of a compound."""
    return any_of([_holding("words", [unit]) for word in words for unit in word.units])


def _near(text: str) -> str:
    """Return what shares most character pairs with a text."""
    pairs, least = near_pairs(text)
    held = [_holding("grams", [pair]) for pair in pairs]
    return at_least(least, held) if held else NOTHING


def _called(name: Phrase) -> str:
    return starting("names", name_value((START, *name.units)))


def _letters(phrase: Phrase) -> str:
    """Return what holds all letter pairs of a phrase, which may stand apart."""
    found = dict.fromkeys(grams(phrase.form))
    return all_of([_holding("grams", [gram]) for gram in found]) or NOTHING


def _holding(field: str, values: Sequence[str]) -> str:
    return all_of([among(field, [value[:LONGEST]]) for value in values])


def _said(asked: Plan) -> _Said:
    exact = asked.exact[:_MOST_PHRASES]
    without = asked.without[: _MOST_PHRASES - len(exact)]
    must = [_quoted(phrase) for phrase in exact]
    never = [f"-{_quoted(phrase)}" for phrase in without]
    return _Said(
        must=" ".join([EVERY, *must]) if must else "",
        text=" ".join([EVERY, *must, *never]) if must or never else "",
        terms=1 + len(must) + len(never),
        beyond=[_letters(phrase) for phrase in asked.exact[len(exact) :]],
        never=[f"NOT ({_letters(phrase)})" for phrase in asked.without[len(without) :]],
    )


def _quoted(phrase: Phrase) -> str:
    return f'"{spelled(" ".join(phrase.units))}"'


def _ranked(said: _Said, asked: Plan, held: _Held) -> str:
    """Return the text that ranks: behind the phrases the rarest words first."""
    wanted = sorted(held.direct, key=lambda word: held.direct[word])
    terms = [term for word in (*wanted, *asked.asking) for term in _terms(word, held)]
    words = [armour(term) for term in dict.fromkeys(terms)]
    return " ".join([said.text or EVERY, *words[: _MOST_TERMS - said.terms]])


def _terms(word: Word, held: _Held) -> tuple[str, ...]:
    if word.units and (word.phrase or not held.direct.get(word)):
        return word.units
    if word.in_kana and word.reading:
        return word.form, word.reading
    return (word.form,)


def _inside(part: Part, name: Phrase) -> bool:
    return name.start <= part.start and part.end <= name.end
