"""A query that is still being typed, with its last word completed from the words of the index."""

from dataclasses import dataclass
from itertools import islice

from search.analysis import fold, hiragana, is_kana, parse, tokenize
from search.slips import Vocabulary
from search.syntax import pieces

_MOST_READ = 30  # words among which the limit is met
_INFLECTING = ("動詞", "形容詞", "助動詞")
_SHORTEST_INSIDE = 2  # kana; inside a run of text a single one is mostly grammar


def last_piece(text: str) -> int:
    """Return where the last part between spaces begins; -1 when it is no plain words."""
    last = next(reversed(pieces(text)), None)
    if last is None or last.phrase or last.without or last.end != len(text):
        return -1
    return last.start


@dataclass(frozen=True, slots=True)
class Completion:
    """A typed text with `word` in the place of its unfinished last word; `earlier` stays."""

    earlier: str
    word: str

    @property
    def text(self) -> str:
        """The whole of it."""
        return self.earlier + self.word


def completions(text: str, vocabulary: Vocabulary, limit: int) -> list[Completion]:
    """Return up to `limit` ways to complete the last word of a text.

    The words that most listings say come first. Words are not always parted by spaces, so that
    空き家の活 becomes 空き家の活用. Kana become kanji, never Latin letters.
    """
    for start in _starts(text):
        typed = text[start:]
        words = vocabulary.beginning(typed, _MOST_READ)
        found = (Completion(text[:start], w) for w in words if _is_offered(w, typed, vocabulary))
        first = list(islice(found, limit))
        if first:
            return first
    return []


def _is_offered(word: str, typed: str, vocabulary: Vocabulary) -> bool:
    """Tell whether a word adds to what was typed, and stands as people would write it alone."""
    if word == fold(typed) or (is_kana(typed) and word.isascii()):
        return False
    if is_kana(word) and vocabulary.written(hiragana(word)) not in ("", word):
        return False
    return not _is_inflected(word)


def _is_inflected(word: str) -> bool:
    """Tell whether a verb or adjective stands in a form that nobody would search by.

    The connective form of strong verbs is a noun too: 見守り.
    """
    last = parse(word).morphemes[-1]
    if last.pos[0] not in _INFLECTING or last.surface == last.form:
        return False
    return not (last.pos[4].startswith("五段") and last.pos[5] == "連用形-一般")


def _starts(text: str) -> list[int]:
    """Return where the last word may begin: where the last piece does, else at words inside it."""
    first = last_piece(text)
    if first < 0:
        return []
    inside = [token.start for token in tokenize(text[first:])]
    return [
        first,
        *(first + start for start in inside if start and _may_begin(text[first + start :])),
    ]


def _may_begin(typed: str) -> bool:
    return not is_kana(typed) or len(typed) >= _SHORTEST_INSIDE
