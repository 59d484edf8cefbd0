"""Places in what a person types: every body a name may mean, never a guess.

A gazetteer is made from plain records and knows names with and without 市 or 県, readings,
romaji, codes, districts, wards, regions, former names and what people call a part of the country.
A name that is also an ordinary word counts only where it is written as a place or stands beside
its prefecture.
"""

import re
import sys
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from search.analysis import Morpheme, Sentence, fold, hiragana, is_kana, parse
from search.vocabulary import read_rows, read_words

LONGEST = 400  # characters of a text that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A prefecture (`kind` "prefecture", code of two digits) or a municipality (six digits).

    `prefecture` is the two digits of its prefecture, `kana` the reading of the whole name,
    `romaji` of the name without its kind, `district` the 郡 or "".
    """

    code: str
    prefecture: str
    name: str
    kana: str
    romaji: str
    kind: str
    district: str = ""


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """Words of a text that name a place.

    `start` and `end` are offsets in the text, `words` what stands there. `candidates` are the
    places it may mean: codes of prefectures (two digits) and municipalities (six digits), or
    names of groups, which `Gazetteer.codes` resolves. `ambiguous` says that the words may mean
    several of them or no place at all.
    """

    start: int
    end: int
    words: str
    candidates: tuple[str, ...]
    ambiguous: bool


class Gazetteer:
    """Every place by every way to write it. Immutable once built; shared by threads."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = {place.code: place for place in places}
        self._forms: dict[str, _Form] = defaultdict(_Form)
        self._readings: dict[str, list[str]] = defaultdict(list)
        self._romaji: dict[str, list[str]] = defaultdict(list)
        self._groups: dict[str, tuple[str, ...]] = {}
        for place in sorted(self._places.values(), key=_importance):
            self._add_place(place)
        self._add_districts()
        self._add_wards()
        self._add_former()
        self._add_groups()
        self._prefer_regions()
        self._lengths = _lengths(self._forms)

    def codes(self, candidate: str) -> tuple[str, ...]:
        """Return the codes a candidate stands for: a group's members, else the code itself."""
        return self._groups.get(candidate, (candidate,))

    def mentions(self, text: str) -> tuple[PlaceMention, ...]:
        """Return the places named in a text, in order, none overlapping."""
        return self.mentions_in(parse(text[:LONGEST]))

    def mentions_in(self, sentence: Sentence) -> tuple[PlaceMention, ...]:
        """Return the places named in a sentence that is parsed already."""
        found = _apart([*self._written(sentence), *self._spelled(sentence)])
        joined = self._joined(found, sentence.folded.text)
        return tuple(_mention(piece, sentence) for piece in joined if not piece.weak)

    def beginning(self, typed: str, limit: int) -> tuple[str, ...]:
        """Return the codes of the places whose name begins as typed, by writing or by sound.

        Names count with and without their prefecture, readings and romaji from two letters on.
        Prefectures come first, then where least is left to type, then by code.
        """
        least: dict[str, int] = {}
        for form in self._typed_forms(typed):
            for key, code in self._names_beginning(form):
                left = len(key) - len(form)
                least[code] = min(left, least.get(code, left))
        return tuple(sorted(least, key=lambda code: (len(code), least[code], code))[:limit])

    def _typed_forms(self, typed: str) -> set[str]:
        name = _key(typed[:LONGEST]).replace(" ", "")
        short = name.isascii() or is_kana(name)
        if len(name) < (_SHORTEST_BEGINNING if short else 1):
            return set()
        return {form for form in (name, hiragana(name), _plain(name)) if form}

    def _names_beginning(self, form: str) -> list[tuple[str, str]]:
        first = bisect_left(self._beginnings, (form,))
        return self._beginnings[first : bisect_left(self._beginnings, (form + _BEHIND_ALL,), first)]

    @cached_property
    def _beginnings(self) -> list[tuple[str, str]]:
        """Every way in which a name may begin, with its code; sorted."""
        found = set()
        for place in self._places.values():
            outer = self._places.get(place.prefecture, place)
            before = {""} if outer is place else {"", outer.name, _stem(outer.name), place.district}
            names = {_key(part + name) for part in before for name in _spellings(place.name)}
            romaji = place.romaji.lower()
            names |= {place.kana, romaji, _plain(romaji)}
            found |= {(name, place.code) for name in names}
        return sorted(found)

    # --- Building -------------------------------------------------------------------------------

    def _add_place(self, place: Place) -> None:
        stem, stem_kana = _stem(place.name), _stem_kana(place)
        prefecture = self._places.get(place.prefecture)
        for spelling in _spellings(place.name):
            self._form(spelling).names.append(place.code)
            if prefecture and prefecture is not place:
                for outer in (prefecture.name, place.district, prefecture.name + place.district):
                    if outer:
                        self._form(outer + spelling).names.append(place.code)
        if stem != place.name:
            for spelling in _spellings(stem):
                self._form(spelling).stems.append(place.code)
            if len(stem_kana) >= _SHORTEST_READING:
                self._form(stem_kana + place.name[-1]).readings.append(place.code)
        ordinary = stem in _WORDS.ordinary
        for reading in {place.kana} | (set() if ordinary else {stem_kana}):
            if len(reading) >= _SHORTEST_READING:
                self._readings[reading].append(place.code)
        self._romaji[_plain(place.romaji)].append(place.code)

    def _add_districts(self) -> None:
        districts: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place in self._places.values():
            if place.district and place.prefecture in self._places:
                districts[place.prefecture, place.district].append(place.code)
        for (prefecture, district), codes in districts.items():
            group = self._places[prefecture].name + district
            self._groups[group] = tuple(codes)
            for name in (group, district):
                self._form(name).names.append(group)

    def _add_wards(self) -> None:
        for ward, code in _WORDS.wards:
            if code in self._places:
                city = self._places[code]
                self._form(ward).names.append(code)
                self._form(_stem(ward)).known_for.append(code)
                self._form(city.name + ward).names.append(code)

    def _add_former(self) -> None:
        for name, code, _year in _WORDS.former:
            if code in self._places:
                for spelling in _spellings(name):
                    self._form(spelling).former.append(code)
                for spelling in _spellings(_stem(name)):
                    form = self._form(spelling)
                    (form.known_for if name[-1] == "市" else form.former_stems).append(code)

    def _add_groups(self) -> None:
        for name, also, codes, loose in _WORDS.groups:
            members = tuple(code for code in codes.split() if code in self._places)
            for word in (name, *also.split()) if members else ():
                # A group of one is that place.
                group = name if word.isascii() or _KANA.fullmatch(word) else word
                candidate = group if len(members) > 1 else members[0]
                if len(members) > 1:
                    self._groups[group] = members
                if word.isascii():
                    self._romaji[_plain(word)] = [candidate]
                elif _KANA.fullmatch(word):
                    self._readings[hiragana(word)].insert(0, candidate)
                else:
                    form = self._form(word)
                    form.groups.append(candidate)
                    form.loose = form.loose or bool(loose)

    def _prefer_regions(self) -> None:
        """東北 is the region, though 東北町 exists; 瀬戸内 may still be 瀬戸内市."""
        for form in self._forms.values():
            if form.groups and not form.loose:
                form.stems = [code for code in form.stems if self._kind(code) == "city"]

    def _form(self, name: str) -> "_Form":
        return self._forms[_key(name)]

    # --- Names in Japanese ----------------------------------------------------------------------

    def _written(self, sentence: Sentence) -> Iterator["_Piece"]:
        """Yield names as they are written, the longest at each place, on bounds of words."""
        key = _key_of_folded(sentence.folded.text)
        grid = _Grid(sentence.morphemes)
        taken = 0
        for start in sorted(grid.starts):
            if start < taken:
                continue
            piece = self._longest(key, start, grid)
            if piece:
                yield piece
                taken = start + 1 if piece.weak else piece.end
        yield from self._readings_in(sentence, grid)

    def _longest(self, key: str, start: int, grid: "_Grid") -> "_Piece | None":
        weak = None
        for length in self._lengths.get(key[start : start + 1], ()):
            end = start + length
            ends = end in grid.ends or _OF_A_BODY.fullmatch(key, end - 1, end + 1)
            if ends and (form := self._forms.get(key[start:end])):
                piece = _judged(form, key[start:end], start, end, grid)
                if piece and not piece.weak:
                    return piece
                weak = weak or piece
        return weak

    def _readings_in(self, sentence: Sentence, grid: "_Grid") -> Iterator["_Piece"]:
        """Yield readings: whole stretches of kana, and words the dictionary knows as places."""
        text = sentence.folded.text
        spans = {match.span(): True for match in _CHUNK.finditer(text)}
        spans |= {(m.start, m.end): False for m in grid.morphemes if m.pos[2] == "地名"}
        for (start, end), doubtful in spans.items():
            reading = hiragana(text[start:end]) if _KANA.fullmatch(text, start, end) else ""
            codes = self._readings.get(reading, ()) if reading not in _WORDS.ordinary else ()
            if codes:
                yield _Piece(start, end, tuple(codes), doubtful=doubtful)

    # --- Romaji and codes -----------------------------------------------------------------------

    def _spelled(self, sentence: Sentence) -> Iterator["_Piece"]:
        text = sentence.folded.text
        yield from self._codes_in(text)
        words = list(_LATIN.finditer(text))
        i = 0
        while i < len(words):
            piece, used = self._latin(text, words[i : i + _MOST_LATIN])
            if piece:
                yield piece
            i += used

    def _latin(self, text: str, words: Sequence[re.Match[str]]) -> "tuple[_Piece | None, int]":
        """Return the place that the first of these words name, and how many words that took."""
        words = _in_a_row(text, words)
        for count in range(len(words), 0, -1):
            name = "".join(word.group() for word in words[:count])
            kinds = _LATIN_KINDS.get(words[count - 1].group()) if count > 1 else None
            if kinds:
                name = "".join(word.group() for word in words[: count - 1])
            codes = [
                code
                for code in self._romaji.get(_plain(name), ())
                if kinds is None or self._kind(code) in kinds
            ]
            if codes:
                weak = kinds is None and (len(name) <= _SHORT_ROMAJI or name in _WORDS.ordinary)
                start, end = words[0].start(), words[count - 1].end()
                return _Piece(start, end, tuple(codes), weak=weak), count
        return None, 1

    def _kind(self, code: str) -> str:
        return self._places[code].kind if code in self._places else "group"

    def _codes_in(self, text: str) -> Iterator["_Piece"]:
        for match in _CODE.finditer(text):
            named, digits = match["named"] is not None, match["digits"]
            code = self._by_digits.get(digits)
            if code and (named or len(digits) > 2):
                doubtful = not named and len(digits) < 6
                yield _Piece(match.start(), match.end(), (code,), doubtful=doubtful, full=True)

    @cached_property
    def _by_digits(self) -> dict[str, str]:
        found = {}
        for code in self._places:
            found[code] = found[code[:5]] = code
            if len(code) == 2:
                body = f"{code}000"
                found[body] = found[body + _check_digit(body)] = code
        return found

    # --- Places side by side --------------------------------------------------------------------

    def _joined(self, pieces: list["_Piece"], text: str) -> list["_Piece"]:
        """Return the pieces with neighbours that narrow each other made one: 東京 府中, 横浜市港北区."""
        found: list[_Piece] = []
        for piece in pieces:
            while found and (one := self._narrowed(found[-1], piece, text)):
                found.pop()
                piece = one
            found.append(piece)
        return found

    def _narrowed(self, first: "_Piece", second: "_Piece", text: str) -> "_Piece | None":
        gap = text[first.end : second.start]
        if not _may_join(first, second, gap):
            return None
        inner = tuple(code for code in second.codes if self._within(code, first.codes))
        narrowed = second
        if not inner and gap:
            inner = tuple(code for code in first.codes if self._within(code, second.codes))
            narrowed = first
        # A list of places stays a list, unless one of them says which of several is meant.
        listed = gap.strip() in _LISTING and first.codes != second.codes
        if not inner or (listed and len(inner) == len(narrowed.codes)):
            return None
        end = second.end + ("(" in gap and text[second.end : second.end + 1] == ")")
        return _Piece(first.start, end, inner, full=second.full)

    def _within(self, code: str, outer: tuple[str, ...]) -> bool:
        return any(
            code.startswith(part) if len(part) == 2 else code == part
            for name in outer
            for part in self.codes(name)
        )


def _importance(place: Place) -> tuple[int, str]:
    """Prefectures, then cities and wards, then towns and villages, each by code."""
    return {"prefecture": 0, "city": 1, "ward": 1}.get(place.kind, 2), place.code


def _may_join(first: "_Piece", second: "_Piece", gap: str) -> bool:
    """Tell whether what stands between two finds lets one say where the other lies."""
    if first.weak or second.weak:
        beside = gap in (" ", ", ") or (not gap and first.full)
        return beside and not (first.weak and second.weak)
    return _GAP.fullmatch(gap) is not None


def _mention(piece: "_Piece", sentence: Sentence) -> PlaceMention:
    start, end = sentence.span(piece.start, piece.end)
    candidates = tuple(dict.fromkeys(piece.codes))
    ambiguous = piece.doubtful or len(candidates) > 1
    return PlaceMention(start, end, sentence.text[start:end], candidates, ambiguous)


# --- Evidence -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Form:
    """What one way of writing may mean.

    Bodies with their kind, the same by reading, and without; former ones with and without; bodies
    `known_for` a ward or former city of this name; groups, which are `loose` when only a custom.
    """

    names: list[str] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    stems: list[str] = field(default_factory=list)
    former: list[str] = field(default_factory=list)
    former_stems: list[str] = field(default_factory=list)
    known_for: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    loose: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """A find in the folded text. A `weak` one counts only beside its prefecture, a `doubtful` one
    may be no place, a `full` one was written with its kind or as a code."""

    start: int
    end: int
    codes: tuple[str, ...]
    doubtful: bool = False
    weak: bool = False
    full: bool = False


class _Grid:
    """Where words and their short units begin and end."""

    def __init__(self, morphemes: Sequence[Morpheme]) -> None:
        self.morphemes = morphemes
        self.first = {m.start: i for i, m in enumerate(morphemes)}
        self.last = {m.end: i for i, m in enumerate(morphemes)}
        self.ends = {cut for m in morphemes for cut in m.cuts}
        self.starts = {m.start for m in morphemes} | (self.ends - set(self.last))

    def words(self, start: int, end: int) -> Sequence[Morpheme]:
        """Return the words that fill the span exactly, none when it cuts one."""
        if start in self.first and end in self.last:
            return self.morphemes[self.first[start] : self.last[end] + 1]
        return ()

    def after(self, end: int) -> Morpheme | None:
        """Return the word that follows at once."""
        i = self.first.get(end)
        return None if i is None else self.morphemes[i]

    def before(self, start: int) -> Morpheme | None:
        """Return the word that stands right before."""
        i = self.last.get(start)
        return None if i is None else self.morphemes[i]


def _judged(form: _Form, key: str, start: int, end: int, grid: _Grid) -> _Piece | None:
    """Return what a form says where it stands, None when it is no place there."""
    common = key[-1] in "町村" and key[:-1] in _WORDS.ordinary
    if bodies := (form.names or form.readings):
        return _Piece(start, end, (*bodies, *form.groups), doubtful=common, full=True)
    if form.former:
        return _Piece(start, end, tuple(form.former), doubtful=True, weak=common, full=True)
    words = grid.words(start, end)
    if not words or _is_name_of_other(words, grid.before(start), grid.after(end)):
        return None
    return _judged_bare(form, key, words)


def _judged_bare(form: _Form, key: str, words: Sequence[Morpheme]) -> _Piece | None:
    """Return what a form says that was written without its kind: 府中, 東北, 浦和."""
    start, end = words[0].start, words[-1].end
    known = len(words) == 1 and words[0].pos[2] == "地名"
    ordinary = key in _WORDS.ordinary
    if codes := (*form.groups, *form.stems):
        weak = not known and not form.groups and _may_be_a_word(key, words)
        doubtful = form.loose or ordinary or not (known or form.groups)
        return _Piece(start, end, codes, doubtful=doubtful, weak=weak)
    codes = (*form.known_for, *(form.former_stems if known else ()))
    if codes and not ordinary and words[0].pos[1] == "固有名詞":
        return _Piece(start, end, codes, doubtful=True)
    return None


def _is_name_of_other(
    words: Sequence[Morpheme], before: Morpheme | None, after: Morpheme | None
) -> bool:
    """Tell whether what stands around makes it a person, a thing or part of a longer name."""
    prefixed = before is not None and before.pos[0] == "接頭辞" and before.surface != "旧"
    if prefixed or (before is not None and before.pos[2] == "人名"):
        return True
    if after is None:
        return False
    if after.pos[0] == "接尾辞" and after.surface not in _PLACE_SUFFIXES:
        return True
    person = words[-1].pos[2] == "人名" and after.pos[2] == "人名"
    letter = len(words) == 1 and len(words[0].surface) == 1 and after.pos[0] == "名詞"
    return person or letter


def _may_be_a_word(key: str, words: Sequence[Morpheme]) -> bool:
    """Tell whether a bare name that no dictionary calls a place reads as an everyday word."""
    if key in _WORDS.ordinary:
        return True
    if len(words) == 1:
        return words[0].pos[:2] != ("名詞", "固有名詞") and _KANA.fullmatch(key) is not None
    return len(key) < 3 or _KANA.fullmatch(key) is not None


def _apart(pieces: list[_Piece]) -> list[_Piece]:
    """Return pieces that do not overlap, in order: strong before weak, long before short."""
    found: list[_Piece] = []
    for piece in sorted(pieces, key=lambda p: (p.weak, p.start - p.end, p.doubtful)):
        if all(piece.end <= other.start or other.end <= piece.start for other in found):
            found.append(piece)
    return sorted(found, key=lambda piece: piece.start)


# What may follow a bare name and leave it a place.
_PLACE_SUFFIXES = frozenset(
    (
        "内",
        "外",
        "産",
        "発",
        "側",
        "圏",
        "周辺",
        "近郊",
        "方面",
        "全域",
        "各地",
        "地方",
        "地区",
        "沿岸",
    )
)
_GAP = re.compile(r"[ ・、,/(-]{0,2}の?")
_LISTING = ("・", "、", "/")
_CHUNK = re.compile(r"[^\s、。,.!?・/()「」]+")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー]+")
_SHORTEST_READING = 3
_SHORTEST_BEGINNING = 2
_BEHIND_ALL = chr(sys.maxunicode)  # folding leaves no such character
# 市内 and 県立 are words of their own, so that 千葉市内 ends its name inside one.
_OF_A_BODY = re.compile("[都道府県市区町村][内外庁立民長役営議職警下産]")
_LATIN = re.compile(r"[a-zà-ɏ]+(?:['’][a-zà-ɏ]+)*")
_BETWEEN_LATIN = re.compile(r"[ -]?")
_MOST_LATIN = 4
_SHORT_ROMAJI = 3
_LATIN_KINDS = {
    **dict.fromkeys(("shi", "city"), ("city",)),
    **dict.fromkeys(("ku", "ward"), ("ward",)),
    **dict.fromkeys(("cho", "machi", "town"), ("town",)),
    **dict.fromkeys(("mura", "son", "village"), ("village",)),
    **dict.fromkeys(("ken", "fu", "to", "prefecture", "pref", "metropolis"), ("prefecture",)),
    **dict.fromkeys(("region", "area"), ("group",)),
}
_CODE = re.compile(
    r"(?<![0-9a-z.,-])(?P<named>(?:都道府県|市区町村|市町村|自治体|地方公共団体|団体|県)?コード ?[:=]? ?)?"
    r"(?P<digits>[0-9]{5,6}|(?<=[ド:= ])[0-9]{2})(?![0-9a-z%.,-]|[ ]?[円万千百億人件個台年月日時分世社名回票通本枚歳%])"
)


def _in_a_row(text: str, words: Sequence[re.Match[str]]) -> Sequence[re.Match[str]]:
    """Return the first words that only a space or hyphen parts."""
    for i in range(1, len(words)):
        if not _BETWEEN_LATIN.fullmatch(text, words[i - 1].end(), words[i].start()):
            return words[:i]
    return words


# --- Spelling -----------------------------------------------------------------------------------

# Shapes of one character that people swap in names; both sides are compared in the first.
_SAME_SHAPES = str.maketrans(
    "龍竈檜礪曾槇籠頸諫壺彌鹽豐與惠藏鷗鰺舘冨峯嶽吞禰檮籔藪鄕淸德黑靑眞瀨賴禮劔劍鉢祗蘆莊塲",
    "竜釜桧砺曽槙篭頚諌壷弥塩豊与恵蔵鴎鯵館富峰岳呑祢梼薮薮郷清徳黒青真瀬頼礼剣剣鉢祇芦荘場",
)


def _key(name: str) -> str:
    return _key_of_folded(fold(name))


def _key_of_folded(text: str) -> str:
    return text.translate(_SAME_SHAPES)


def _stem(name: str) -> str:
    """Return a name without its kind: 府中市 is 府中, 北海道 stays."""
    return name if name == "北海道" or len(name) < 2 else name[:-1]


_KIND_READINGS = {
    "city": ("し",),
    "ward": ("く",),
    "town": ("ちょう", "まち"),
    "village": ("むら", "そん"),
    "prefecture": ("けん", "ふ"),
}


def _stem_kana(place: Place) -> str:
    if place.code in ("13",):
        return place.kana.removesuffix("と")
    for ending in _KIND_READINGS.get(place.kind, ()):
        if place.kana.endswith(ending) and place.name != "北海道":
            return place.kana.removesuffix(ending)
    return place.kana


def _spellings(name: str) -> set[str]:
    """Return a name in the ways its small kana are written: 茅ヶ崎, 茅が崎, 茅ガ崎; 竜ノ口, 竜の口."""
    found = {name}
    for mark, others in (
        ("ヶ", "がガ"),
        ("ケ", "がガ"),
        ("ノ", "の"),
        ("之", "のノ"),
        ("ッ", "つツ"),
    ):
        found |= {n.replace(mark, other) for n in found for other in others if mark in n}
    return found


_LONG_VOWELS = str.maketrans("āēīōūâêîôû", "aeiouaeiou")
_ROMAJI_STEPS = (
    ("m(?=[bpm])", "n"),
    ("oh(?![aeiouy])", "o"),
    ("o[ou]", "o"),
    ("uu", "u"),
    ("sh", "sy"),
    ("ch", "ty"),
    ("tch", "tty"),
    ("j", "zy"),
    ("(?<=[stz])yi", "i"),
    ("tsu", "tu"),
    ("fu", "hu"),
    ("yy", "y"),
    ("['’-]", ""),
)


def _plain(romaji: str) -> str:
    """Return romaji in one spelling: Tōkyō, toukyou and Tokyo are the same, as are shi and si."""
    text = unicodedata.normalize("NFKC", romaji).lower().translate(_LONG_VOWELS)
    for pattern, plain in _ROMAJI_STEPS:
        text = re.sub(pattern, plain, text)
    return text


def _check_digit(code5: str) -> str:
    weighted = sum(
        int(digit) * weight for digit, weight in zip(code5, range(6, 1, -1), strict=True)
    )
    return str((11 - weighted % 11) % 10)


def _lengths(forms: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the lengths of the forms by first character, longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for form in forms:
        found[form[:1]].add(len(form))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}


# --- Vocabulary ---------------------------------------------------------------------------------


class _Former(NamedTuple):
    name: str
    code: str
    year: str


class _Group(NamedTuple):
    name: str
    also: str
    codes: str
    loose: str


class _Words:
    """The tables of the vocabulary, each read once."""

    @cached_property
    def former(self) -> list[_Former]:
        return [_Former(*row) for row in read_rows("former_places.csv")]

    @cached_property
    def groups(self) -> list[_Group]:
        return [_Group(*row) for row in read_rows("place_groups.csv")]

    @cached_property
    def wards(self) -> list[tuple[str, str]]:
        return [(name, code) for name, code in read_rows("wards.csv")]

    @cached_property
    def ordinary(self) -> frozenset[str]:
        return read_words("ordinary_words.txt")


_WORDS = _Words()
