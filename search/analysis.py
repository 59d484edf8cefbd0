"""Japanese text to searchable words: one pure, versioned function used by search and matching.

A text is folded character by character (NFKC, lower case, no control characters) while an
offset map remembers where every folded character came from, so that a token can always point
at the text the reader sees. The folded text is then cut by SudachiPy into its longest words
(mode C), each of which also carries its short units (mode A), its reading and the synonym
groups of the dictionary. Function words and symbols are dropped.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

from sudachipy import Dictionary, SplitMode

from search.vocabulary.wide_groups import WIDE_GROUPS

RULES_VERSION = 2
ANALYSIS_VERSION = (
    f"{RULES_VERSION}-sudachi{version('sudachipy')}-core{version('sudachidict-core')}"
)

# The tokenizer refuses more than 49,149 bytes at once; a folded character has at most 4.
_CHUNK = 12_000
_SENTENCE_END = re.compile(r"[。!?]")
_DASHES = "-‐‑‒–—―−ｰ─━"
_KANA_DASH = re.compile(f"(?<=[ァ-ヶー])[{_DASHES}](?![a-z0-9])")
# Ordinary text, of which every character folds to one character whatever stands beside it.
_PLAIN = re.compile(r"[ -~\n　、-〗ぁ-ゖァ-ヺー・一-鿿！-～]*")
_LETTERS = re.compile(r"[a-z0-9]+|[^\W\da-z_]+")
_KANJI_KATAKANA = re.compile(r"[々〆㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffffァ-ヺ]")
_HIRAGANA = re.compile(r"[ぁ-ゖー]+")
_KATAKANA = range(ord("ァ"), ord("ヶ") + 1)
_TO_HIRAGANA = {code: code - 0x60 for code in _KATAKANA}

# Former and variant shapes of characters in names, to the shape most people type.
_VARIANTS = str.maketrans(
    "髙﨑條邊邉齋齊澤濱櫻廣國學會縣圓瀧嶋萬ヶ",
    "高崎条辺辺斎斎沢浜桜広国学会県円滝島万ケ",
)

_PLAIN_FOLDS = {
    **{code: code - 0xFEE0 for code in range(ord("！"), ord("～") + 1)},
    **_VARIANTS,
    ord("\n"): ord(" "),
    ord("　"): ord(" "),
}

# Nouns and affixes that only hold a sentence together; as typed, because 物流 must stay.
_EMPTY = frozenset(
    re.split(
        r"\s+",
        """こと もの ため ところ とき ほう わけ はず まま うち ほか とおり つもり など 等 際
        お ご 御 さん 様 氏 達 たち ら 方 がた 中 ごと 毎 別 側 以上 以下 以内 程度""",
    )
)
# As short units these would make every city alike.
_PLACE_KINDS = frozenset("都道府県市区町村郡")
_MOST_GROUPS = 3
_MOST_LEXEMES = 20_000


@dataclass(frozen=True, slots=True)
class Token:
    """One content word of a text.

    `start` and `end` are offsets in the original string. `surface` is the folded text as typed,
    `form` the dictionary's normalised spelling, `units` the normalised short units of a compound
    (empty when it does not split), `reading` and `unit_readings` are hiragana ("" and () when the
    dictionary knows none), `groups` are synonym groups of the dictionary. A `listed`
    word stands in the dictionary as a whole.
    """

    start: int
    end: int
    surface: str
    form: str
    units: tuple[str, ...] = ()
    reading: str = ""
    unit_readings: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character i comes from original[starts[i]:ends[i]]."""

    text: str
    starts: tuple[int, ...] | range
    ends: tuple[int, ...] | range


@dataclass(frozen=True, slots=True)
class Morpheme:
    """One piece of a sentence, grammar and symbols included.

    `start` and `end` are offsets in the folded text, `surface` is what stands there, `pos` the
    dictionary's part of speech (Japanese terms, "*" for none), `form` its normalised spelling,
    `cuts` where its short units end, the last of them `end`.
    """

    start: int
    end: int
    surface: str
    pos: tuple[str, ...]
    form: str
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text as grammar sees it, for those who ask what it means rather than which words it has."""

    text: str
    folded: Folded
    morphemes: tuple[Morpheme, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a non-empty piece of the folded text stands in the original."""
        return self.folded.starts[start], self.folded.ends[end - 1]


def parse(text: str) -> Sentence:
    """Return the folded text and its morphemes in order."""
    folded = _fold(text)
    found = []
    for offset, chunk in _chunks(folded.text):
        for m in _tokenizer().tokenize(chunk):
            start, end = offset + m.begin(), offset + m.end()
            cuts: tuple[int, ...] = (end,)
            if end - start > 1:
                cuts = tuple(offset + unit.end() for unit in m.split(SplitMode.A)) or cuts
            pos, form = m.part_of_speech(), m.normalized_form()
            found.append(Morpheme(start, end, folded.text[start:end], pos, form, cuts))
    return Sentence(text, folded, tuple(found))


def fold(text: str) -> str:
    """Return the text in the one spelling everything is compared in."""
    return _fold(text).text


def tokenize(text: str) -> list[Token]:
    """Return the content words of any string, in order of appearance."""
    folded = _fold(text)
    tokens = []
    for offset, chunk in _chunks(folded.text):
        for word in _words(_tokenizer().tokenize(chunk)):
            begin, end = offset + word[0].morpheme.begin(), offset + word[-1].morpheme.end()
            tokens.append(Token(folded.starts[begin], folded.ends[end - 1], *_lexeme(word)))
    return tokens


def terms(text: str) -> list[str]:
    """Return the normalised content words, each followed by its short units."""
    return [term for token in tokenize(text) for term in (token.form, *token.units)]


def readings(text: str) -> list[str]:
    """Return the hiragana readings of the content words and of their short units."""
    return [
        reading
        for token in tokenize(text)
        for reading in (token.reading, *token.unit_readings)
        if reading
    ]


def synonym_groups(text: str) -> list[str]:
    """Return the dictionary's synonym groups of the content words, wide ones left out."""
    return [str(group) for token in tokenize(text) for group in token.groups]


def bigrams(text: str) -> list[str]:
    """Return character pairs inside runs of letters; Latin words and numbers stay whole.

    Pairs of two hiragana are left out: they are mostly grammar.
    """
    found: list[str] = []
    for run in _LETTERS.findall(fold(text)):
        if run.isascii():
            found.append(run)
        else:
            pairs = (run[i : i + 2] for i in range(len(run) - 1))
            found.extend(pair for pair in pairs if not _HIRAGANA.fullmatch(pair))
    return found


def characters(text: str) -> list[str]:
    """Return every kanji and katakana of the text."""
    return _KANJI_KATAKANA.findall(fold(text))


def exact_units(text: str) -> list[str]:
    """Return what an exact phrase is compared by: letters one by one, Latin and numbers whole."""
    found: list[str] = []
    for run in _LETTERS.findall(fold(text)):
        found.extend([run] if run.isascii() else run)
    return found


def hiragana(text: str) -> str:
    """Return the folded text with katakana written as hiragana."""
    return fold(text).translate(_TO_HIRAGANA)


def spoken_as(surface: str, reading: str) -> tuple[str, ...]:
    """Return the hiragana readings of a word; 避難所 is said with a voiced last sound too."""
    if surface.endswith("所") and reading.endswith("しょ"):
        return reading, f"{reading[:-2]}じょ"
    return (reading,)


def is_kana(text: str) -> bool:
    """Tell whether the text is written in kana alone."""
    return _HIRAGANA.fullmatch(hiragana(text)) is not None


def _fold(text: str) -> Folded:
    if _PLAIN.fullmatch(text):
        folded = _KANA_DASH.sub("ー", text.translate(_PLAIN_FOLDS).lower())
        return Folded(folded, range(len(text)), range(1, len(text) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        piece = _fold_cluster(text[start:end])
        pieces.append(piece)
        starts.extend([start] * len(piece))
        ends.extend([end] * len(piece))
    folded = _KANA_DASH.sub("ー", "".join(pieces))
    return Folded(folded, tuple(starts), tuple(ends))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans that normalise on their own: a character and the marks that join it."""
    start = 0
    for i in range(1, len(text)):
        if not _joins(text[i]):
            yield start, i
            start = i
    if text:
        yield start, len(text)


def _joins(char: str) -> bool:
    if char < "\u0300":
        return False
    # Half-width voicing marks are no combining characters until they are normalised.
    return char in "ﾞﾟ" or unicodedata.combining(char) != 0


@lru_cache(maxsize=20_000)
def _fold_cluster(cluster: str) -> str:
    kept = "".join(_visible(char) for char in cluster)
    return "".join(
        _visible(char) for char in unicodedata.normalize("NFKC", kept).lower().translate(_VARIANTS)
    )


def _visible(char: str) -> str:
    """Return the character, nothing for invisible marks, a space for what is no text."""
    category = unicodedata.category(char)
    if category == "Cf" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    return " " if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") else char


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, part) with parts short enough for the tokenizer, cut at sentence ends."""
    start = 0
    while len(text) - start > _CHUNK:
        ends = [match.end() for match in _SENTENCE_END.finditer(text, start, start + _CHUNK)]
        stop = ends[-1] if ends else start + _CHUNK
        yield start, text[start:stop]
        start = stop
    if start < len(text):
        yield start, text[start:]


_local = threading.local()
_dictionary_lock = threading.Lock()


@lru_cache(maxsize=1)
def _dictionary() -> Any:
    return Dictionary()


def _tokenizer() -> Any:
    """Return this thread's tokenizer; one must not be used by two threads at once."""
    if not hasattr(_local, "tokenizer"):
        with _dictionary_lock:
            _local.tokenizer = _dictionary().tokenizer(SplitMode.C)
    return _local.tokenizer


class _Part(NamedTuple):
    """A morpheme, its text, and the role it plays in a word; "" when grammar or a symbol."""

    morpheme: Any
    surface: str
    role: str


def _parts(morphemes: Iterable[Any]) -> Iterator[_Part]:
    for morpheme in morphemes:
        surface = morpheme.surface()
        yield _Part(morpheme, surface, _role(surface, morpheme.part_of_speech()))


def _words(morphemes: Iterable[Any]) -> Iterator[list[_Part]]:
    """Yield content words part by part: affixes stay with their noun, r7 is one word."""
    word: list[_Part] = []
    for part in _parts(morphemes):
        if word and (word[-1].role, part.role) in _JOINED:
            word.append(part)
            continue
        if _has_core(word):
            yield word
        word = [part] if part.role in _STARTS else []
    if _has_core(word):
        yield word


_JOINED = {
    ("prefix", "noun"),
    ("noun", "suffix"),
    ("suffix", "suffix"),
    ("latin", "number"),
}
_CORE = {"noun", "latin", "number", "content"}
_STARTS = _CORE | {"prefix"}


def _has_core(word: list[_Part]) -> bool:
    return bool(word) and (word[0].role in _CORE or any(part.role in _CORE for part in word))


@lru_cache(maxsize=20_000)
def _role(surface: str, pos: tuple[str, ...]) -> str:
    role = _role_of_pos(pos)
    if not role or surface in _EMPTY or not any(char.isalnum() for char in surface):
        return ""
    if surface.isascii() and role in ("noun", "content"):
        return "latin" if surface.isalpha() else role
    return role


def _role_of_pos(pos: tuple[str, ...]) -> str:
    match pos[:2]:
        case ("名詞", "数詞"):
            return "number"
        case ("名詞" | "形状詞", "助動詞語幹") | ("動詞" | "形容詞", "非自立可能"):
            return ""
        case ("名詞", _):
            return "noun"
        case ("動詞" | "形容詞" | "形状詞", _):
            return "content"
        case ("接頭辞", _):
            return "prefix"
        case ("接尾辞", "名詞的"):
            return "suffix"
    return ""


class _Lexeme(NamedTuple):
    """What a word means wherever it stands; the fields are those of Token."""

    surface: str
    form: str
    units: tuple[str, ...]
    reading: str
    unit_readings: tuple[str, ...]
    groups: tuple[int, ...]
    listed: bool


_lexemes: dict[tuple[tuple[str, int], ...], _Lexeme] = {}


def _lexeme(word: list[_Part]) -> _Lexeme:
    """Return the lexeme of a word; a few thousand words make up most of any text."""
    key = tuple((part.surface, part.morpheme.word_id()) for part in word)
    found = _lexemes.get(key)
    if found is None:
        if len(_lexemes) >= _MOST_LEXEMES:
            _lexemes.clear()
        found = _lexemes[key] = _looked_up(word)
    return found


def _looked_up(word: list[_Part]) -> _Lexeme:
    units = _units(word)
    return _Lexeme(
        surface="".join(part.surface for part in word),
        form="".join(map(_form, word)),
        units=tuple("".join(map(_form, unit)) for unit in units),
        reading=_reading(word),
        unit_readings=tuple(reading for reading in map(_reading, units) if reading),
        groups=_groups(word[0]) if len(word) == 1 else (),
        listed=len(word) == 1 and not word[0].morpheme.is_oov(),
    )


def _units(word: list[_Part]) -> list[list[_Part]]:
    """Return the short units of a word part by part, none when it is one unit.

    A prefix stays with its noun, because it turns the meaning; verbs are not cut, because their
    parts mean something else.
    """
    if word[0].role != "noun" and len(word) == 1:
        return []
    whole = [word] if len(word) > 1 else _words(word[0].morpheme.split(SplitMode.A))
    units = [[part for part in unit if part.role != "suffix"] for unit in whole]
    length = sum(len(part.surface) for part in word)
    return [
        unit
        for unit in units
        if sum(len(part.surface) for part in unit) < length
        and not (len(unit) == 1 and unit[0].surface in _PLACE_KINDS)
    ]


def _groups(part: _Part) -> tuple[int, ...]:
    groups: list[int] = part.morpheme.synonym_group_ids()
    # A word of many groups is ambiguous (mostly two-letter abbreviations).
    if len(groups) > _MOST_GROUPS:
        return ()
    return tuple(group for group in groups if group not in _wide_groups())


@lru_cache(maxsize=1)
def _wide_groups() -> frozenset[int]:
    """Return the groups that the table of the vocabulary names by two of their words."""
    tokenizer = _dictionary().tokenizer(SplitMode.C)
    named = [[set(tokenizer.tokenize(w)[0].synonym_group_ids()) for w in p] for p in WIDE_GROUPS]
    return frozenset(group for first, second in named for group in first & second)


def _form(part: _Part) -> str:
    form: str = part.morpheme.normalized_form()
    return "".join(form.lower().translate(_VARIANTS).split()) or part.surface


def _reading(word: list[_Part]) -> str:
    found = [_part_reading(part) for part in word]
    return "".join(found) if all(found) else ""


def _part_reading(part: _Part) -> str:
    surface = part.surface.translate(_TO_HIRAGANA)
    if _HIRAGANA.fullmatch(surface):
        return surface
    reading: str = part.morpheme.reading_form().translate(_TO_HIRAGANA)
    return reading if _HIRAGANA.fullmatch(reading) else ""
