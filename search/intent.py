"""What a person means by the words of a query: filters to offer, and what a question asks.

Nothing is decided here. Words that may be a place, a kind, a theme, money, time or a side of the
market become suggestions, each with what the query says without them; the reader chooses.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from search.analysis import Morpheme, Sentence, parse
from search.limits import limits
from search.places import Gazetteer
from search.questions import core_of
from search.syntax import pieces
from search.vocabulary import read_sections

LONGEST = 400  # characters of a text that are looked at
MOST_SUGGESTIONS = 8


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a facet's value, as the reference tables have it."""

    field: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Values of one facet that the words may mean; several values widen one another."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilterSuggestion:
    """Words of a query that may be filters.

    `start` and `end` are offsets in the text, `words` what stands there and `rest` the query
    without them. One of the `choices` is meant, likelier ones first; `field` "target" is the side
    of the market. `ambiguous` says that the words may mean several of them, or none.
    """

    start: int
    end: int
    words: str
    choices: tuple[Choice, ...]
    ambiguous: bool
    rest: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What is understood of a text: filters to offer in order of use, and spans of mere asking."""

    suggestions: tuple[FilterSuggestion, ...] = ()
    asking: tuple[tuple[int, int], ...] = ()


def understand(text: str, gazetteer: Gazetteer, words: "FilterWords") -> Intent:
    """Return what is understood of a text. Quoted phrases and excluded words are left alone."""
    sentence = parse(text[:LONGEST])
    found = _apart([*_places(sentence, gazetteer), *_limits(sentence), *words.find(sentence)])
    signs = _signs(sentence.text)
    free = [find for find in found if not _overlaps(find, signs)]
    free.sort(key=lambda find: (_ORDER.index(find.choices[0].field), find.start))
    asking = core_of(sentence)
    return Intent(
        tuple(_suggestion(find, sentence, asking) for find in free[:MOST_SUGGESTIONS]), asking
    )


# The more a word can be nothing but a filter, the sooner it is offered.
_ORDER = (
    *("amount", "deadline", "prefecture", "municipality", "budget", "status"),
    *("kind", "offer", "stage", "target", "theme"),
)


@dataclass(frozen=True, slots=True)
class _Found:
    """Words of the text with what they may mean."""

    start: int
    end: int
    choices: tuple[Choice, ...]
    ambiguous: bool


def _places(sentence: Sentence, gazetteer: Gazetteer) -> Iterator[_Found]:
    for mention in gazetteer.mentions_in(sentence):
        choices = tuple(_place(gazetteer.codes(name)) for name in mention.candidates)
        yield _Found(mention.start, mention.end, choices, mention.ambiguous)


def _place(codes: tuple[str, ...]) -> Choice:
    return Choice("prefecture" if len(codes[0]) == 2 else "municipality", codes)


def _limits(sentence: Sentence) -> Iterator[_Found]:
    for limit in limits(sentence.folded.text):
        start, end = sentence.span(limit.start, limit.end)
        yield _Found(start, end, (Choice(limit.field, limit.values),), limit.doubtful)


def _signs(text: str) -> list[tuple[int, int]]:
    """Return what was quoted or excluded: words there mean themselves."""
    return [(piece.start, piece.end) for piece in pieces(text) if piece.phrase or piece.without]


def _apart(found: Iterable[_Found]) -> list[_Found]:
    """Return finds that do not overlap; of those that do, the longest and surest."""
    kept: list[_Found] = []
    for find in sorted(found, key=lambda f: (f.start - f.end, f.ambiguous, f.start)):
        if not _overlaps(find, [(other.start, other.end) for other in kept]):
            kept.append(find)
    return kept


def _overlaps(find: _Found, spans: Iterable[tuple[int, int]]) -> bool:
    return any(find.start < end and start < find.end for start, end in spans)


# --- What is left of the query ------------------------------------------------------------------

_EDGES = " \t\n　、。・,"
_FOLLOWING = ("助詞", "助動詞", "接尾辞")


def without(text: str, suggestions: Iterable[FilterSuggestion]) -> str:
    """Return what a query says without the words of some suggestions for it."""
    sentence = parse(text[:LONGEST])
    return _rest(sentence, [(s.start, s.end) for s in suggestions], core_of(sentence))


def _suggestion(
    found: _Found, sentence: Sentence, asking: Sequence[tuple[int, int]]
) -> FilterSuggestion:
    words = sentence.text[found.start : found.end]
    rest = _rest(sentence, [(found.start, found.end)], asking)
    return FilterSuggestion(found.start, found.end, words, found.choices, found.ambiguous, rest)


def _rest(
    sentence: Sentence, left: Iterable[tuple[int, int]], asking: Sequence[tuple[int, int]]
) -> str:
    """Return the text without some spans, the particles that hung on them, and asking at its end."""
    text = sentence.text
    spans = [(*sentence.span(m.start, m.end), m.pos[0]) for m in sentence.morphemes]
    particles = {last: first for first, last, pos in spans if pos == "助詞"}
    kept, at = [], 0
    for start, end in sorted(left):
        kept.append((at, start))
        at = end
        for first, last, pos in spans:
            if first == at and pos in _FOLLOWING:
                at = last
    asked = any(first <= at and last == len(text) for first, last in asking)
    kept.append((at, at if asked else len(text)))
    kept = [(first, last) for first, last in kept if text[first:last].strip(_EDGES)]
    if kept and kept[-1][1] < len(text):
        first, last = kept.pop()
        kept.append((first, max(first, _bare(text, last, particles))))
    # 空き家を府中市で活用 leaves 空き家を活用: the particle joins what follows.
    parts = [text[first:last] + ("" if last in particles else " ") for first, last in kept]
    return " ".join("".join(parts).split()).strip(_EDGES)


def _bare(text: str, end: int, particles: Mapping[int, int]) -> int:
    """Return where a text up to `end` ends without the particles at its end."""
    end = len(text[:end].rstrip(_EDGES))
    while end in particles:
        end = len(text[: particles[end]].rstrip(_EDGES))
    return end


# --- Words of filters ---------------------------------------------------------------------------

_Key = tuple[str, ...]
_LOOSE = "?"
# Facets whose values the code names, so that no reference table lists them.
_FIXED = ("budget", "stage", "status", "deadline", "target")
_SAME = {"なし": "無い", "有り": "有る"}
_STOPS = frozenset("、。,!?")


class FilterWords:
    """Every word for a value of a facet: names of the reference tables and what people type."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._names = tuple(names)

    def find(self, sentence: Sentence) -> Iterator[_Found]:
        """Yield the values named in a sentence, the longest phrase at each word."""
        words = [m for m in sentence.morphemes if not _is_grammar(m)]
        keys = tuple(map(_form, words))
        i = 0
        while i < len(words):
            length = self._length(sentence, words, keys, i)
            choices = self._phrases.get(keys[i : i + length], {}) if length else {}
            if found := _chosen(sentence, words, i, length, choices):
                yield found
            i += max(length, 1)

    def _length(self, sentence: Sentence, words: Sequence[Morpheme], keys: _Key, i: int) -> int:
        """Return how many words from i on form the longest known phrase, 0 for none."""
        for length in range(min(self._longest, len(words) - i), 0, -1):
            if keys[i : i + length] in self._phrases:
                whole = sentence.folded.text[words[i].start : words[i + length - 1].end]
                if not _STOPS.intersection(whole):
                    return length
        return 0

    @cached_property
    def _phrases(self) -> dict[_Key, dict[Choice, bool]]:
        """The choices of a phrase by its words, each with whether it often means other things."""
        found: dict[_Key, dict[Choice, bool]] = {}
        for choice, phrase, loose in (*self._typed(), *self._named()):
            key = tuple(_form(m) for m in parse(phrase).morphemes if not _is_grammar(m))
            if key:
                found.setdefault(key, {}).setdefault(choice, loose)
        return found

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._phrases), default=0)

    def _typed(self) -> Iterator[tuple[Choice, str, bool]]:
        known = {(name.field, name.value) for name in self._names}
        for heading, phrases in read_sections("filter_words.txt").items():
            field, value = heading.split()
            if field in _FIXED or (field, value) in known:
                for phrase in phrases:
                    text = phrase.removesuffix(_LOOSE).replace("_", " ")
                    yield Choice(field, (value,)), text, phrase.endswith(_LOOSE)

    def _named(self) -> Iterator[tuple[Choice, str, bool]]:
        for name in self._names:
            choice = Choice(name.field, (name.value,))
            parts = name.text.split("・")
            yield choice, name.text, False
            # Narrow themes join what belongs together: 収集 alone is no ごみ減量・収集.
            if len(parts) > 1 and "." not in name.value:
                yield from ((choice, part, True) for part in parts)


def _chosen(
    sentence: Sentence,
    words: Sequence[Morpheme],
    i: int,
    length: int,
    choices: Mapping[Choice, bool],
) -> _Found | None:
    """Return the choices that hold where a phrase stands: 企業誘致 is no 企業."""
    if not choices:
        return None
    first, last = words[i], words[i + length - 1]
    after = words[i + length] if i + length < len(words) else None
    compound = last.pos[0] == "名詞" and _form(last) not in _SAME.values()
    follows = compound and after is not None and after.start == last.end and _is_nominal(after)
    precedes = i > 0 and words[i - 1].end == first.start and words[i - 1].pos[0] == "名詞"
    held = {
        choice: loose or follows or precedes
        for choice, loose in choices.items()
        if choice.field == "theme"
        or not (follows or (precedes and choice.field in ("target", "stage")))
    }
    if not held:
        return None
    start, end = sentence.span(first.start, last.end)
    return _Found(start, end, tuple(held), any(held.values()) or len(held) > 1)


def _is_nominal(m: Morpheme) -> bool:
    return m.pos[0] in ("名詞", "接尾辞")


def _is_grammar(m: Morpheme) -> bool:
    return m.pos[0] in ("助詞", "助動詞", "空白", "補助記号", "記号")


def _form(m: Morpheme) -> str:
    form = m.form.lower()
    return _SAME.get(form, form)
