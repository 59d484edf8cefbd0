"""A plan as Meilisearch filters and words: what may be found, and in which order.

The server's own text search knows no alternatives and loses words beyond the tenth. So filters
over the words of the listings decide what is found, as search.embedded_text does it, and the text
that is sent along only ranks. It begins with a word that every listing has and that is never
given up, so that it finds whatever the filters let through. Exact phrases are the one thing that
the text decides: filters know no order of words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from search.analysis import bigrams
from search.armour import EVERY, armour, spelled
from search.documents import TARGETS
from search.meili_filters import NOTHING, all_of, among, any_of, at_least, starting
from search.names import START
from search.plan import ENOUGH, Part, Phrase, Plan, Want, Word, grams, plan

LONGEST = 100  # characters of a word that can be filtered by
_NEAR_SHARE = 0.6
_FEWEST_PAIRS, _MOST_PAIRS = 2, 24
_MOST_TERMS = 10  # the server silently drops what follows
_MOST_PHRASES = 6
_NAME_END = "/"
_MOST_LETTERS = 100

Counts = Mapping[str, int]
# (text, filters) -> for each filter how many listings of each target match both
Count = Callable[[str, Sequence[str]], list[Counts]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan finds: whatever matches the text `must` and passes `filter`; "" lets all pass.

    `text` finds the same and ranks. `levels` are filters of parts that laid end to end are the whole, the best first. `unmet` are
    words, in their dictionary form, that no listing holds as typed, by sound, or by a synonym.
    """

    must: str = ""
    filter: str = ""
    text: str = ""
    levels: tuple[str, ...] = ("",)
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """How many listings hold each word directly, and by its units; the names that begin so."""

    direct: Mapping[Word, int]
    in_units: Mapping[Word, int]
    names: Sequence[Phrase]


@dataclass(frozen=True, slots=True)
class _Side:
    """What is found of one target: listings that meet so many wants, or by `filter` none."""

    least: int
    filter: str


def found(text: str, target: str | None, count: Count, *, expand: bool = True) -> Found:
    """Return what a text finds; `target` is the one that is shown, None for all.

    Fewer wants than all are enough only until a page is filled. Each target is judged alone and
    before any filter of the reader.
    """
    asked = plan(text, _known(text, count), expand=expand)
    if not (asked.wants or asked.exact or asked.without):
        return Found(filter=NOTHING)
    held = _held(asked, count)
    wants = [_want(want, held) for want in asked.wants]
    phrases, beyond = _phrases(asked)
    sides = _sides(text, list(held.direct), wants, lambda some: count(phrases, some))
    shown = [sides[target]] if target in sides else list(sides.values())
    return Found(
        must=phrases,
        filter=all_of([_joined(sides), *beyond]),
        text=_ranked(phrases, asked, held),
        levels=_levels(wants, min(side.least for side in shown)),
        unmet=tuple(word.form for word in held.direct if _unmet(word, held)),
    )


def name_value(units: Sequence[str]) -> str:
    """Return a name as the value whose beginnings can be filtered by."""
    return "".join(unit + _NAME_END for unit in units[:_MOST_LETTERS])


def _known(text: str, count: Count) -> Callable[[str], bool]:
    """Return what tells whether a reading occurs: those the plan will ask for, asked at once."""
    wanted: dict[str, None] = {}
    plan(text, lambda reading: wanted.setdefault(reading) is not None)
    sizes = count("", [among("kana", [reading]) for reading in wanted])
    held = {reading for reading, size in zip(wanted, sizes, strict=True) if any(size.values())}
    return held.__contains__


def _held(asked: Plan, count: Count) -> _Held:
    parts = (part for want in asked.wants for part in want.parts)
    words = list(dict.fromkeys(part for part in parts if isinstance(part, Word)))
    filters = [f for word in words for f in (_direct(word), _in_units(word))]
    filters += [_called(name) for name in asked.names]
    sizes = [sum(counts.values()) for counts in count("", filters)]
    beginnings = sizes[2 * len(words) :]
    return _Held(
        direct=dict(zip(words, sizes[::2], strict=False)),
        in_units=dict(zip(words, sizes[1::2], strict=False)),
        names=[name for name, size in zip(asked.names, beginnings, strict=True) if size],
    )


def _unmet(word: Word, held: _Held) -> bool:
    return not held.direct[word] and not (len(word.units) > 1 and held.in_units[word])


def _sides(
    text: str,
    words: Sequence[Word],
    wants: Sequence[str],
    count: Callable[[Sequence[str]], list[Counts]],
) -> dict[str, _Side]:
    """Return for each target what meets the most wants of which there is still a page."""
    if not wants:
        return {target: _Side(0, "") for target in TARGETS}
    meeting = {least: at_least(least, wants) for least in range(len(wants), 0, -1)}
    sizes = dict(zip(meeting, count(list(meeting.values())), strict=True))
    sides = {}
    for target in TARGETS:
        full = (least for least in meeting if sizes[least].get(target, 0) >= ENOUGH)
        least = next(full, 1)
        sides[target] = _Side(least if sizes[least].get(target) else 0, meeting[least])
    lost = [target for target, side in sides.items() if not side.least]
    if lost:
        bits = [_any_unit(words), _near(text)]
        tries = list(zip(bits, count(bits), strict=True))
        for target in lost:
            met = (attempt for attempt, counts in tries if counts.get(target))
            sides[target] = _Side(0, next(met, NOTHING))
    return sides


def _joined(sides: Mapping[str, _Side]) -> str:
    filters = {side.filter for side in sides.values()}
    if len(filters) == 1:
        return filters.pop()
    return any_of([all_of([among("target", [t]), side.filter]) for t, side in sides.items()])


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
    return _near(part.form)


def _direct(word: Word) -> str:
    """Return what holds a word as typed, by a synonym, by a synonym group or by its sound."""
    return any_of(
        [
            _holding("words", [word.form]),
            *(_holding("words", synonym.terms) for synonym in word.synonyms),
            *(_holding("groups", [group]) for group in word.groups),
            _holding("kana", [word.reading]) if word.in_kana and word.reading else NOTHING,
        ]
    )


def _in_units(word: Word) -> str:
    return _holding("words", word.units) if word.units else NOTHING


def _any_unit(words: Sequence[Word]) -> str:
    """Return what holds at least a short unit of a compound."""
    return any_of([_holding("words", [unit]) for word in words for unit in word.units])


def _near(text: str) -> str:
    """Return what shares most character pairs with a text."""
    pairs = list(dict.fromkeys(bigrams(text)))[:_MOST_PAIRS]
    if len(pairs) < _FEWEST_PAIRS:
        return NOTHING
    least = max(_FEWEST_PAIRS, round(len(pairs) * _NEAR_SHARE))
    return at_least(least, [_holding("grams", [pair]) for pair in pairs])


def _called(name: Phrase) -> str:
    return starting("names", name_value((START, *name.units)))


def _letters(phrase: Phrase) -> str:
    """Return what holds all letter pairs of a phrase, which may stand apart."""
    found = dict.fromkeys(grams(phrase.form))
    return all_of([_holding("grams", [gram]) for gram in found]) or NOTHING


def _holding(field: str, values: Sequence[str]) -> str:
    return all_of([among(field, [value[:LONGEST]]) for value in values])


def _phrases(asked: Plan) -> tuple[str, list[str]]:
    """Return the exact phrases as a text, and filters for those the server would drop."""
    signed = [("", phrase) for phrase in asked.exact] + [("-", p) for p in asked.without]
    sent = [f'{sign}"{spelled(" ".join(phrase.units))}"' for sign, phrase in signed]
    beyond = [
        f"NOT ({_letters(phrase)})" if sign else _letters(phrase)
        for sign, phrase in signed[_MOST_PHRASES:]
    ]
    return " ".join([EVERY, *sent[:_MOST_PHRASES]]) if sent else "", beyond


def _ranked(phrases: str, asked: Plan, held: _Held) -> str:
    """Return the text that ranks: behind the phrases the rarest words first."""
    wanted = sorted(held.direct, key=lambda word: held.direct[word])
    terms = [term for word in (*wanted, *asked.asking) for term in _terms(word, held)]
    room = _MOST_TERMS - 1 - min(len(asked.exact) + len(asked.without), _MOST_PHRASES)
    words = [armour(term) for term in dict.fromkeys(terms)][:room]
    return " ".join([phrases or EVERY, *words])


def _terms(word: Word, held: _Held) -> tuple[str, ...]:
    if word.units and (word.phrase or not held.direct.get(word)):
        return word.units
    if word.in_kana and word.reading:
        return word.form, word.reading
    return (word.form,)


def _inside(part: Part, name: Phrase) -> bool:
    return name.start <= part.start and part.end <= name.end
