"""A typed query as a plan: what a listing must have, must not have, and how each may be met.

Every word of the query may be met in several ways: as typed, by all its short units, by a
synonym of the field, by a synonym group of the dictionary, or by its reading when it was typed in
kana. How much each way counts is the engine's business; the plan is the same for every engine.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from search.analysis import Token, bigrams, characters, exact_units, hiragana, is_kana, tokenize
from search.questions import core
from search.syntax import Piece, pieces
from search.vocabulary.synonyms import PHRASES, Synonym

MOST_WORDS = 24
MOST_WANTS = 10  # things a listing must have; further words only rank
# Listings that fill a page: words may be missing only while fewer than this hold all of them.
ENOUGH = 20
MOST_PAIRS = 24
_FEWEST_PAIRS = 2
_NEAR_SHARE = 0.6
_SHORTEST_READING = 2
_LONGEST_KANA = 40
_MOST_KANA = 60  # letters of all stretches that are cut by what the index knows
_LONGEST_READING = 14
_LONGEST_PHRASE = 60
_SHORTEST_NAME = 3
_UNSPACED = re.compile(r"\S+")

# Words of asking, not of what is asked for: they may rank but are never required.
_ASKING = frozenset(
    re.split(
        r"\s+",
        """教える 知る 探す 調べる 求める 欲しい 方法 募集 案内 紹介 仕組み 内 町 使う 試す 助ける
        サービス 製品 会社 企業 自治体 団体 必要 可能 解決 課題 支援 事業 取り組み 活用 導入""",
    )
)


@dataclass(frozen=True, slots=True)
class Word:
    """One thing asked for.

    `start` and `end` are offsets in the typed text. `form` is the normalised word, `units` the
    words that together mean the same, `synonyms` other phrases of the field as lists of words
    that must all occur, `groups` synonym groups of the dictionary, `reading` hiragana ("" when
    unknown), `in_kana` whether kana was typed. An `asking` word is not worth requiring. A `phrase`
    was typed as several words: its form is no word of any text, its units are. A `listed` word
    stands in the dictionary, so it is no slip.
    """

    start: int
    end: int
    form: str
    units: tuple[str, ...] = ()
    synonyms: tuple[Synonym, ...] = ()
    groups: tuple[str, ...] = ()
    reading: str = ""
    in_kana: bool = False
    asking: bool = False
    phrase: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text that must stand in a listing exactly as typed, but for width, case and spaces."""

    start: int
    end: int
    units: tuple[str, ...]

    @property
    def form(self) -> str:
        """The phrase as one string, which names it."""
        return "".join(self.units)


Part = Word | Phrase


@dataclass(frozen=True, slots=True)
class Want:
    """One thing a listing must have: every part of one of its alternatives (typed with OR)."""

    alternatives: tuple[tuple[Part, ...], ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every word and phrase of it."""
        return tuple(part for alternative in self.alternatives for part in alternative)


@dataclass(frozen=True, slots=True)
class Plan:
    """A query as the engines see it.

    `wants` may be met in part when few listings meet them all; `exact` phrases must all stand
    there, `without` none; `asking` words only rank. `names` are the parts between spaces, any of
    which may be the beginning of an organisation's name.
    """

    wants: tuple[Want, ...] = ()
    exact: tuple[Phrase, ...] = ()
    without: tuple[Phrase, ...] = ()
    asking: tuple[Word, ...] = ()
    names: tuple[Phrase, ...] = ()

    @property
    def spelling(self) -> str:
        """The words that may be met by likeness of spelling: none where one is a real word.

        京都府 is like 東京都府中市 in its letters and has nothing to do with it.
        """
        real = any(word.listed for word in self.words)
        return "" if real else " ".join(word.form for word in self.words)

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word that is asked for, in the order of the text."""
        found = [part for want in self.wants for part in want.parts if isinstance(part, Word)]
        return tuple(sorted((*found, *self.asking), key=lambda word: word.start))


def plan(
    text: str, known: Callable[[str], bool] = lambda reading: False, *, expand: bool = True
) -> Plan:
    """Return the plan of a query, of at most MOST_WANTS wants; further words only rank.

    `known` tells whether a hiragana reading occurs in the index; runs of hiragana are cut by it,
    because the dictionary alone cannot see words in unspaced kana. Without `expand` nothing is
    met by synonyms.
    """
    typed, idle = pieces(text), core(text)
    groups = _alternatives([piece for piece in typed if not piece.without])
    lone = [group[0] for group in groups if len(group) == 1]
    plain = _found(text, [piece for piece in lone if not piece.phrase], known, expand)
    found = [_idle(word) if _lies_in(word, idle) else word for word in plain]
    either = [_want(text, group, known, expand) for group in groups if len(group) > 1]
    wanted = [word for word in found if not word.asking]
    asking = [word for word in found if word.asking]
    wanted, asking = wanted[:MOST_WANTS], [*asking, *wanted[MOST_WANTS:]]
    exact = tuple(_phrase_of(text, piece) for piece in lone if piece.phrase)
    if not (wanted or either or exact):
        wanted, asking = asking, []
    return Plan(
        wants=(*(Want(((word,),)) for word in wanted), *(want for want in either if want.parts))[
            :MOST_WANTS
        ],
        exact=tuple(phrase for phrase in exact if phrase.units)[:MOST_WORDS],
        without=tuple(
            phrase for piece in typed if piece.without and (phrase := _phrase_of(text, piece)).units
        )[:MOST_WORDS],
        asking=tuple(asking),
        names=tuple(
            phrase
            for piece in lone
            if not piece.phrase and len((phrase := _phrase_of(text, piece)).form) >= _SHORTEST_NAME
        )[:MOST_WORDS],
    )


def words(text: str, known: Callable[[str], bool] = lambda reading: False) -> tuple[Word, ...]:
    """Return the words of a query, at most MOST_WORDS, repetitions dropped.

    `known` tells whether a hiragana reading occurs in the index; runs of hiragana are cut by it,
    because the dictionary alone cannot see words in unspaced kana.
    """
    found: dict[str, Word] = {}
    for word in _words(_tokens(text, known)):
        found.setdefault(word.form, word)
    return tuple(found.values())[:MOST_WORDS]


def _alternatives(typed: Sequence[Piece]) -> list[list[Piece]]:
    """Return the pieces in groups; those of one group are joined by OR."""
    groups: list[list[Piece]] = []
    for piece in typed:
        if piece.joined and groups:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _found(
    text: str, typed: Sequence[Piece], known: Callable[[str], bool], expand: bool
) -> list[Word]:
    """Return the words of plain pieces, read together: what stands between them is blanked."""
    kept = {i for piece in typed for i in range(piece.start, piece.end)}
    shown = "".join(char if i in kept else " " for i, char in enumerate(text))
    found = words(shown, known)
    return list(found if expand else map(_alone, found))


def _want(text: str, group: Sequence[Piece], known: Callable[[str], bool], expand: bool) -> Want:
    met: list[tuple[Part, ...]] = []
    for piece in group:
        if piece.phrase:
            phrase = _phrase_of(text, piece)
            met.append((phrase,) if phrase.units else ())
        else:
            met.append(tuple(_found(text, [piece], known, expand)))
    return Want(tuple(parts for parts in met if parts))


def _phrase_of(text: str, piece: Piece) -> Phrase:
    units = exact_units(text[piece.start : piece.end])
    return Phrase(piece.start, piece.end, tuple(units[:_LONGEST_PHRASE]))


def _idle(word: Word) -> Word:
    return replace(word, asking=True)


def _lies_in(word: Word, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= word.start and word.end <= end for start, end in spans)


def _alone(word: Word) -> Word:
    return replace(word, synonyms=(), groups=())


def signs(text: str) -> str:
    """Return what a query demands to the letter, its exact phrases and exclusions, as a query."""
    planned = plan(text)
    kept = [("", phrase) for phrase in planned.exact] + [("-", p) for p in planned.without]
    return " ".join(f'{sign}"{text[phrase.start : phrase.end]}"' for sign, phrase in kept)


def wished(text: str) -> str:
    """Return a query without what it excludes."""
    return " ".join(text[piece.start : piece.end] for piece in pieces(text) if not piece.without)


def grams(text: str) -> list[str]:
    """Return the character pairs and single characters that tell near spellings apart."""
    return [*bigrams(text), *characters(text)]


def near_pairs(text: str) -> tuple[list[str], int]:
    """Return character pairs of a text, and how many of them a text of like spelling shares.

    Of a long text the first MOST_PAIRS; too few say nothing, then there are none.
    """
    pairs = list(dict.fromkeys(bigrams(text)))[:MOST_PAIRS]
    if len(pairs) < _FEWEST_PAIRS:
        return [], 0
    return pairs, max(_FEWEST_PAIRS, round(len(pairs) * _NEAR_SHARE))


def expansions(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (typed words, the words they were also searched as) for the reader's eyes."""
    return [
        (text[word.start : word.end], tuple(synonym.text for synonym in word.synonyms))
        for word in plan(text).words
        if word.synonyms
    ]


def _tokens(text: str, known: Callable[[str], bool]) -> list[Token]:
    tokens = tokenize(text)
    kana_left = _MOST_KANA
    for match in _UNSPACED.finditer(text):
        start, end = match.span()
        # Folding keeps the length of plain hiragana, so that offsets stay true.
        if _is_hiragana(match.group()) and end - start <= kana_left:
            kana_left -= end - start
            inside = [token for token in tokens if start <= token.start < end]
            tokens = [token for token in tokens if not start <= token.start < end]
            tokens += _kana_tokens(match.group(), start, inside, known)
        elif is_kana(match.group()):
            inside = [token for token in tokens if start <= token.start < end]
            tokens = [token for token in tokens if not start <= token.start < end]
            tokens += _katakana_tokens(match.group(), start, inside, known)
    return sorted(tokens, key=lambda token: token.start)


def _is_hiragana(text: str) -> bool:
    return len(text) >= _SHORTEST_READING and hiragana(text) == text and is_kana(text)


def _kana_tokens(
    kana: str, offset: int, tokens: list[Token], known: Callable[[str], bool]
) -> list[Token]:
    """Return the words of unspaced hiragana, where the dictionary often sees only grammar."""
    if len(tokens) == 1 and tokens[0].surface == kana:
        return tokens
    spans = _cut(kana, known) or [(0, len(kana))]
    return [_kana_token(kana[start:end], offset + start) for start, end in spans]


def _katakana_tokens(
    kana: str, offset: int, tokens: list[Token], known: Callable[[str], bool]
) -> list[Token]:
    """Return the words of unspaced katakana: the dictionary's, unless they hide a word we hold."""
    reading = hiragana(kana)
    if not tokens:  # the dictionary sees only an affix: ジョウ
        return [Token(offset, offset + len(kana), kana, kana, reading=reading)]
    if len(tokens) > 1 and len(reading) == len(kana) and known(reading):
        return [_kana_token(reading, offset)]  # it sees two words: キュウショク
    return tokens


def _kana_token(piece: str, start: int) -> Token:
    end = start + len(piece)
    tokens = tokenize(piece)
    if len(tokens) == 1 and tokens[0].surface == piece:
        return replace(tokens[0], start=start, end=end)
    return Token(start, end, piece, piece, reading=piece)


def _cut(kana: str, known: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Return the spans of known readings that leave the fewest kana over, in the fewest pieces."""
    size = min(len(kana), _LONGEST_KANA)
    best: list[tuple[int, int, list[tuple[int, int]]]] = [(0, 0, [])]
    for end in range(1, size + 1):
        left, count, spans = best[end - 1]
        options = [(left + 1, count, spans)]
        for start in range(max(end - _LONGEST_READING, 0), end - _SHORTEST_READING + 1):
            if known(kana[start:end]):
                left, count, spans = best[start]
                options.append((left, count + 1, [*spans, (start, end)]))
        best.append(min(options, key=lambda option: option[:2]))
    return best[size][2]


def _words(tokens: list[Token]) -> Iterator[Word]:
    i = 0
    while i < len(tokens):
        length = _phrase_length(tokens, i)
        yield _phrase(tokens[i : i + length]) if length else _single(tokens[i])
        i += max(length, 1)


def _phrase_length(tokens: list[Token], i: int) -> int:
    """Return how many tokens from i on form the longest phrase with synonyms, 0 for none."""
    return next(
        (
            length
            for length in range(min(PHRASES.longest, len(tokens) - i), 0, -1)
            if tuple(token.form for token in tokens[i : i + length]) in PHRASES.synonyms
        ),
        0,
    )


def _phrase(tokens: list[Token]) -> Word:
    forms = tuple(token.form for token in tokens)
    if len(tokens) == 1:
        return _single(tokens[0], PHRASES.synonyms[forms])
    return Word(
        tokens[0].start,
        tokens[-1].end,
        form="".join(forms),
        units=forms,
        synonyms=PHRASES.synonyms[forms],
        reading="".join(token.reading for token in tokens),
        phrase=True,
    )


def _single(token: Token, synonyms: tuple[Synonym, ...] = ()) -> Word:
    return Word(
        token.start,
        token.end,
        form=token.form,
        units=token.units,
        synonyms=synonyms,
        groups=tuple(map(str, token.groups)),
        reading=token.reading,
        in_kana=is_kana(token.surface) and len(token.surface) >= _SHORTEST_READING,
        asking=token.form in _ASKING,
        listed=token.listed,
    )
