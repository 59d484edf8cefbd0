"""Slips of the keys and of the kana conversion, repaired from the words an index holds.

A word is looked for among the words of the index by how it is written and by how it sounds, so
that 官光 finds 観光 (the same sound) and オンデマドン finds オンデマンド (two letters swapped). The
distance is that of Damerau and Levenshtein in its restricted form (optimal string alignment).
"""

import re
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.analysis import fold, hiragana, is_kana, spoken_as, tokenize
from search.plan import Phrase, Word, plan

# How long a word must be for so many slips in its writing, and in its sound.
_WRITING = {1: 2, 2: 6}
_SOUND = {0: 3, 1: 4, 2: 9}
_FREE_SLIP = 3  # from so many letters on, one wrong letter needs no likeness of sound
_SHORTEST_KANA = 4  # letters of a word in kana: the shorter ones are near to too many
_LOST_LETTER = 5  # and so many letters make a lost or doubled one plausible
_LONGEST = 20
_MOST_NEAR = 50
_MOST_REPAIRS = 4
_REMEMBERED = 1_000
_SOUNDS_ALIKE = 0.3
_KANJI = re.compile(r"[々〆㐀-䶿一-鿿豈-﫿]+")
_BEHIND_ALL = chr(sys.maxunicode)  # folding leaves no such character
_LONGEST_SOUND = 3  # morae of one kanji
_MORA = re.compile(r"[ぁ-ゖー][ゃゅょぁぃぅぇぉ]?")


@dataclass(frozen=True, slots=True)
class _Entry:
    surface: str
    reading: str
    count: int


class _Sorted:
    """Texts in their order, so that those with one beginning stand side by side."""

    def __init__(self, texts: Iterable[str]) -> None:
        pairs = sorted((text, place) for place, text in enumerate(texts))
        self._texts = [text for text, _ in pairs]
        self._places = [place for _, place in pairs]

    def beginning(self, start: str) -> list[int]:
        """Return the places, in the order they came in, of the texts that begin so."""
        first = bisect_left(self._texts, start)
        return self._places[first : bisect_left(self._texts, start + _BEHIND_ALL, first)]


class Vocabulary:
    """The words of an index with their readings and the number of listings that hold them."""

    def __init__(self, lexicon: Mapping[str, int]) -> None:
        """`lexicon` maps "surface\\treading" to a number of listings; see SearchIndex.lexicon."""
        self._entries = [
            _Entry(surface, spoken, count)
            for key, count in lexicon.items()
            for surface, _, reading in [key.partition("\t")]
            for spoken in spoken_as(surface, reading)
        ]
        self.repairs: dict[tuple[str, frozenset[str]], str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @cached_property
    def _surfaces(self) -> list[str]:
        return [entry.surface for entry in self._entries]

    @cached_property
    def _readings(self) -> list[str]:
        return [entry.reading for entry in self._entries]

    @cached_property
    def _written(self) -> dict[str, str]:
        """Reading -> the commonest way to write it that is not kana alone."""
        found: dict[str, _Entry] = {}
        for entry in self._entries:
            best = found.get(entry.reading)
            if not is_kana(entry.surface) and (best is None or entry.count > best.count):
                found[entry.reading] = entry
        return {reading: entry.surface for reading, entry in found.items() if reading}

    @cached_property
    def _heard(self) -> frozenset[str]:
        return frozenset(self._readings)

    @cached_property
    def _commonest(self) -> list[_Entry]:
        return sorted(self._entries, key=lambda entry: (-entry.count, entry.surface))

    @cached_property
    def _by_surface(self) -> "_Sorted":
        return _Sorted(entry.surface for entry in self._commonest)

    @cached_property
    def _by_reading(self) -> "_Sorted":
        return _Sorted(entry.reading for entry in self._commonest)

    def written(self, reading: str) -> str:
        """Return the usual writing of a hiragana reading, "" when the index has none but kana."""
        return self._written.get(reading, "")

    def knows(self, reading: str) -> bool:
        """Tell whether a hiragana reading occurs."""
        return reading in self._heard

    def nearest(self, surface: str, reading: str) -> tuple[float, str] | None:
        """Return (cost, word) of the likeliest word behind a slip, None when none is near."""
        surface = fold(surface)
        if not 1 < len(surface) <= _LONGEST or not any(map(str.isalpha, surface)):
            return None
        near = {*self._near(surface, self._surfaces, _WRITING)}
        if reading:
            near |= {*self._near(reading, self._readings, _SOUND)}
        costs = (
            (cost, -self._entries[i].count, self._entries[i].surface)
            for i in near
            if (cost := self._cost(surface, reading, self._entries[i])) is not None
        )
        best = min(costs, default=None)
        return (best[0], best[2]) if best else None

    def holds(self, surface: str) -> bool:
        """Tell whether a word occurs as it is written."""
        return fold(surface) in self._held

    @cached_property
    def _held(self) -> frozenset[str]:
        return frozenset(entry.surface for entry in self._entries)

    def sounds_like(self, surface: str, reading: str) -> str:
        """Return the commonest word of the same sound that shares a letter, "" for none.

        A word of the dictionary is no slip of the keys, but may be one of the conversion: 連系
        for 連携.
        """
        alike = (
            (-entry.count, entry.surface)
            for entry in self._entries
            if entry.reading == reading
            and len(entry.surface) == len(surface)
            and set(entry.surface) & set(surface)
        )
        return min(alike, default=(0, ""))[1] if len(reading) > _SHORTEST_KANA - 1 else ""

    def beginning(self, typed: str, limit: int) -> list[str]:
        """Return the commonest words that begin as typed, by writing or by sound."""
        ranks = set(self._by_surface.beginning(fold(typed)))
        if is_kana(typed):
            ranks.update(self._by_reading.beginning(hiragana(typed)))
        found: dict[str, None] = {}
        for rank in sorted(ranks):
            if len(found) == limit:
                break
            found[self._commonest[rank].surface] = None
        return list(found)

    @cached_property
    def _sounds(self) -> dict[str, set[str]]:
        """Kanji -> what it may be read as, from every way to share out the readings of words."""
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self._entries:
            morae = _MORA.findall(entry.reading)
            if len(entry.surface) != 2 or not _KANJI.fullmatch(entry.surface):
                continue
            for cut in range(1, len(morae)):
                if cut <= _LONGEST_SOUND and len(morae) - cut <= _LONGEST_SOUND:
                    found[entry.surface[0]].add("".join(morae[:cut]))
                    found[entry.surface[1]].add("".join(morae[cut:]))
        return found

    def _cost(self, surface: str, reading: str, entry: _Entry) -> float | None:
        """Return how unlikely it is that `surface` was meant to be the entry, None if it was not.

        A wrong kanji that sounds alike is the likeliest slip; a word with kanji is never longer
        or shorter than what was meant.
        """
        other = entry.surface
        longer = max(len(surface), len(other))
        if surface == other or (surface.isascii() != other.isascii()):
            return None
        written = OSA.distance(surface, other)
        sounded = OSA.distance(reading, entry.reading) if reading and entry.reading else longer
        if surface.isascii() and len(surface) < _LOST_LETTER:
            return None
        if is_kana(surface):
            if len(surface) < _SHORTEST_KANA:
                return None
            if len(surface) != len(entry.reading) and longer < _LOST_LETTER:
                return None
            return min(written / longer, sounded / max(len(reading), 1))
        if _KANJI.search(surface + other) and len(surface) != len(other):
            return None
        if len(surface) != len(other) and longer < _LOST_LETTER:
            return None
        if sounded == 0 or (written == 1 and self._alike(surface, other)):
            return _SOUNDS_ALIKE * written / longer
        free = _FREE_SLIP if _KANJI.fullmatch(surface) else _FREE_SLIP + 1
        if longer < free or written > max(_WRITING):
            return None
        return written / longer

    def _alike(self, surface: str, other: str) -> bool:
        """Tell whether the letters in which two words of one length differ may be read alike."""
        if len(surface) != len(other):
            return False
        different = [(a, b) for a, b in zip(surface, other, strict=True) if a != b]
        return all(self._sounds.get(a, set()) & self._sounds.get(b, set()) for a, b in different)

    def _near(self, text: str, choices: list[str], allowed: Mapping[int, int]) -> list[int]:
        most = max((slips for slips, length in allowed.items() if len(text) >= length), default=-1)
        if most < 0:
            return []
        found = process.extract(
            text, choices, scorer=OSA.distance, score_cutoff=most, limit=_MOST_NEAR
        )
        return [index for _choice, _distance, index in found]


def corrected(text: str, unmet: Collection[str], vocabulary: Vocabulary) -> str:
    """Return the query with its unmet words repaired, the same text when none can be.

    At most _MOST_REPAIRS words are looked at; what was answered lately is remembered.
    """
    key = (text, frozenset(unmet))
    if (known := vocabulary.repairs.get(key)) is None:
        if len(vocabulary.repairs) >= _REMEMBERED:
            vocabulary.repairs.clear()
        known = vocabulary.repairs[key] = _corrected(text, unmet, vocabulary)
    return known


def _corrected(text: str, unmet: Collection[str], vocabulary: Vocabulary) -> str:
    """Return the query with its unmet words repaired, the same text when none can be.

    A slip may have cut a word in two (水道菅: water, and a name), so its neighbours without a space
    between are tried along with it.
    """
    planned = plan(text, vocabulary.knows)
    repairs: list[tuple[int, int, str]] = []
    for word in [word for word in planned.words if word.form in unmet][:_MOST_REPAIRS]:
        if any(start < word.end for start, _, _ in repairs[-1:]):
            continue
        spans = _spans(word, planned.words, planned.names)
        if any(vocabulary.holds(text[start:end]) for start, end in spans):
            continue  # cut apart in this sentence, but a word of the index all the same
        if _is_word(word):
            if meant := vocabulary.sounds_like(fold(text[word.start : word.end]), word.reading):
                repairs.append((word.start, word.end, meant))
            continue
        best = min(
            (
                (cost, start, end, found)
                for start, end in spans
                if (near := vocabulary.nearest(text[start:end], _reading(text[start:end])))
                for cost, found in [near]
            ),
            default=None,
        )
        if best and not any(start < best[2] and best[1] < end for start, end, _ in repairs):
            repairs.append(best[1:])
    for start, end, found in sorted(repairs, reverse=True):
        text = text[:start] + found + text[end:]
    return text


def _is_word(word: Word) -> bool:
    """Tell whether a word means something by itself, so that its letters are no slip."""
    return word.listed and word.end - word.start > 1


def _spans(word: Word, words: Collection[Word], names: Collection[Phrase]) -> set[tuple[int, int]]:
    beside = set() if word.listed else {(word.start, word.end)}
    for other in words:
        if other.end == word.start:
            beside.add((other.start, word.end))
        if other.start == word.end:
            beside.add((word.start, other.end))
    beside |= {(n.start, n.end) for n in names if n.start <= word.start and word.end <= n.end}
    return beside


def _reading(text: str) -> str:
    if is_kana(text):
        return hiragana(text)
    return "".join(token.reading for token in tokenize(text))


def written_out(text: str, vocabulary: Vocabulary) -> str:
    """Return the query with words typed in kana as the index writes them (こそだて: 子育て)."""
    pieces = [
        (word.start, word.end, vocabulary.written(word.reading))
        for word in plan(text, vocabulary.knows).words
        if word.in_kana and word.reading
    ]
    for start, end, written in sorted(pieces, reverse=True):
        if written:
            text = text[:start] + written + text[end:]
    return text
